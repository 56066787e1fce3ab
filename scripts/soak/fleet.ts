/** Owns the pods of the soak: so many at once, real processes; some are killed, new ones take their places. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { PodRecord } from '../../src/pod/registry/pod-record.ts';
import { readRecords } from '../../src/pod/registry/record-file.ts';
import { binary, type TestHome } from '../../test/nika.ts';
import type { Chance } from './random.ts';

const LOOK_EVERY_MS = 500;
const MEMORY_EVERY_MS = 5_000;
const KILL_EVERY_MS = 15_000;
/** Of Redis: `pod start -d` waits for nothing of it. */
const SLOW_START_MS = 10_000;

export const TASKS = 8;
const CALLS_PER_TASK = 5;
export const CALLS = TASKS * CALLS_PER_TASK;

/** Steps of a job: tasks that begin and end, and their tool calls. */
export const steps = (): string =>
  Array.from({ length: CALLS }, (_, at) => {
    const task = `task-${Math.floor(at / CALLS_PER_TASK)}`;
    return `  - { id: s${at}, task: ${task}, tool: shell, input: { argv: [sleep, "0.4"] } }`;
  }).join('\n');

/** Memory of a process in MB that no other shares; 0: it is gone. */
const privateMb = (pid: number): number => {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    const sizes = text.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB/gm);
    return Array.from(sizes, ([, kb]) => Number(kb)).reduce((sum, kb) => sum + kb, 0) / 1000;
  } catch {
    return 0;
  }
};

export class Fleet {
  readonly #home: TestHome;
  readonly #url: string;
  readonly #chance: Chance;
  /** All sessions that were ever seen, as they were last seen. */
  readonly sessions = new Map<string, PodRecord>();
  readonly killed = new Set<string>();
  /** Starts that failed, or took long: by what they said. */
  readonly badStarts: string[] = [];
  maxPrivateMb = 0;
  mostAtOnce = 0;

  constructor(home: TestHome, url: string, chance: Chance) {
    this.#home = home;
    this.#url = url;
    this.#chance = chance;
  }

  async nika(...args: readonly string[]): Promise<{ readonly code: number | null; readonly text: string }> {
    const ended = await this.#home.start(args, { NIKA_REDIS_URL: this.#url }).ended;
    return { code: ended.code, text: ended.stdout + ended.stderr };
  }

  /** Until then so many live. */
  async run(untilMs: number, count: number): Promise<void> {
    await Promise.all([this.#keep(untilMs, count), this.#kill(untilMs), this.#watchMemory(untilMs)]);
  }

  /** Whether all have ended by then; those that died are closed by the list of pods. */
  async end(withinMs: number): Promise<boolean> {
    const untilMs = Date.now() + withinMs;
    while (Date.now() < untilMs) {
      await this.nika('pod', 'ls');
      if (this.#living().length === 0) return true;
      await delay(LOOK_EVERY_MS);
    }
    return false;
  }

  #living(): readonly PodRecord[] {
    for (const record of readRecords(join(this.#home.dir, 'run'))) this.sessions.set(record.session, record);
    const living = [...this.sessions.values()].filter(({ end }) => end === null);
    this.mostAtOnce = Math.max(this.mostAtOnce, living.length);
    return living;
  }

  async #keep(untilMs: number, count: number): Promise<void> {
    while (Date.now() < untilMs) {
      const missing = count - this.#living().filter(({ session }) => !this.killed.has(session)).length;
      if (missing > 0) await this.#start();
      else await delay(LOOK_EVERY_MS);
    }
  }

  async #start(): Promise<void> {
    const atMs = performance.now();
    const child = spawn(process.execPath, [binary, 'pod', 'start', 'soak', '-d', '--home', this.#home.dir], {
      cwd: this.#home.cwd,
      env: { PATH: process.env['PATH'], HOME: this.#home.dir, NIKA_REDIS_URL: this.#url },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk) => (said += String(chunk)));
    const [code] = (await once(child, 'close')) as [number | null];
    const tookMs = performance.now() - atMs;
    if (code !== 0 || tookMs > SLOW_START_MS)
      this.badStarts.push(`exit ${code} after ${tookMs.toFixed(0)} ms: ${said}`);
  }

  async #kill(untilMs: number): Promise<void> {
    while (Date.now() + KILL_EVERY_MS < untilMs) {
      await delay(KILL_EVERY_MS);
      const living = this.#living().filter(({ session }) => !this.killed.has(session));
      if (living.length === 0) continue;
      const { session, process: by } = this.#chance.oneOf(living);
      try {
        process.kill(by.pid, 'SIGKILL');
        this.killed.add(session);
      } catch {
        // it ended by itself meanwhile
      }
    }
  }

  async #watchMemory(untilMs: number): Promise<void> {
    while (Date.now() < untilMs) {
      for (const { process: by } of this.#living()) this.maxPrivateMb = Math.max(this.maxPrivateMb, privateMb(by.pid));
      await delay(MEMORY_EVERY_MS);
    }
  }
}
