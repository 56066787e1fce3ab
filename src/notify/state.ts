/** Owns `run/notify/state.json`: what came of each way so far, as the sender tells it. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const failureSchema = z.object({ at: z.string(), what: z.string(), why: z.string() });

const wayStateSchema = z.object({
  name: z.string(),
  sent: z.int(),
  /** Tries that came to nothing. */
  failed: z.int(),
  /** Notifications that nobody was told in the end. */
  given_up: z.int(),
  last_sent_at: z.string().nullable(),
  last_failure: failureSchema.nullable(),
});

const stateSchema = z.object({ v: z.literal(1), ways: z.record(z.string(), wayStateSchema) });

export type WayState = z.infer<typeof wayStateSchema>;
/** By the key of the way. */
export type NotifyState = Readonly<Record<string, WayState>>;

/** Ways that are no longer used go, the oldest first (G6). */
const MAX_WAYS = 100;

const pathOf = (dir: string): string => join(dir, 'state.json');

export const readState = (dir: string): NotifyState => {
  try {
    const parsed = stateSchema.safeParse(JSON.parse(readFileSync(pathOf(dir), 'utf8')));
    return parsed.success ? parsed.data.ways : {};
  } catch {
    return {}; // nothing was sent yet
  }
};

/** @throws a system error */
export const writeState = (dir: string, ways: NotifyState): void => {
  const kept = Object.fromEntries(Object.entries(ways).slice(-MAX_WAYS));
  writeFileSync(`${pathOf(dir)}.tmp`, `${JSON.stringify({ v: 1, ways: kept })}\n`, { mode: 0o600 });
  renameSync(`${pathOf(dir)}.tmp`, pathOf(dir));
};

export const NO_STATE: Omit<WayState, 'name'> = {
  sent: 0,
  failed: 0,
  given_up: 0,
  last_sent_at: null,
  last_failure: null,
};
