/** Owns where Codex keeps its session files: a folder for each day, the thread's id in the name. */
import { readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const DAY_MS = 24 * 3_600_000;

/** When a UUID of version 7 was made; `undefined`: it is another one. */
export const uuidTimeMs = (id: string): number | undefined =>
  /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-/i.test(id) ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : undefined;

const codexHome = (env: Readonly<Record<string, string | undefined>>): string => {
  const { CODEX_HOME: own = '', HOME: home = homedir() } = env;
  return own === '' ? join(home, '.codex') : own;
};

const dayFolder = (atMs: number): string => {
  const day = new Date(atMs);
  const two = (part: number): string => String(part).padStart(2, '0');
  return join(String(day.getFullYear()), two(day.getMonth() + 1), two(day.getDate()));
};

const namesIn = (dir: string): readonly string[] => {
  try {
    return readdirSync(dir);
  } catch {
    return []; // no session began on that day
  }
};

/** The days about the thread's beginning are looked at: whose midnight it is does not matter. */
export const findRollout = (env: Readonly<Record<string, string | undefined>>, thread: string): string | undefined => {
  const bornAtMs = uuidTimeMs(thread) ?? Date.now();
  for (const atMs of [bornAtMs, bornAtMs - DAY_MS, bornAtMs + DAY_MS]) {
    const dir = join(codexHome(env), 'sessions', dayFolder(atMs));
    const name = namesIn(dir).find((one) => one.startsWith('rollout-') && one.endsWith(`${thread}.jsonl`));
    if (name !== undefined) return join(dir, name);
  }
  return undefined;
};
