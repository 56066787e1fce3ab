/** Owns how tests wait for pods, look at their records and at the processes they leave. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { PodRecord } from '../src/pod/registry/pod-record.ts';
import { readRecords } from '../src/pod/registry/record-file.ts';
import type { TestHome } from './nika.ts';

const LOOK_EVERY_MS = 20;
const PATIENCE_MS = 30_000;

/**
 * Resolves with what `look` finds, once it finds something (no text is nothing: a file just made); the next look waits for the one before.
 * @throws after 30 s, with what was waited for
 */
export const until = async <T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> => {
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false && found !== '') return found;
    if (performance.now() > endMs) throw new Error(`waited 30 s for ${what}`);
    await delay(LOOK_EVERY_MS);
  }
};

export const recordsOf = (home: TestHome): readonly PodRecord[] => readRecords(join(home.dir, 'run'));

/** The newest record of a job's entity. */
export const recordOf = (home: TestHome, entity: string): PodRecord | undefined =>
  recordsOf(home).findLast((record) => record.entity === entity);

export const untilStatus = (home: TestHome, entity: string, status: string): Promise<PodRecord> =>
  until(`${entity} to be ${status}`, () => {
    const record = recordOf(home, entity);
    return (record?.end?.status ?? record?.beat.status) === status && record;
  });

/** The call that runs now, or ran last. */
export const untilTool = (home: TestHome, entity: string): Promise<PodRecord> =>
  until(`${entity} to call a tool`, () => {
    const record = recordOf(home, entity);
    return record?.beat.last_tool !== null && record;
  });

const textOf = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it ended meanwhile
  }
};

/** Pids of processes, zombies not counted, in whose command line the marker stands. */
export const running = (marker: string): readonly number[] =>
  readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name) || !textOf(`/proc/${name}/cmdline`).includes(marker)) return [];
    const stat = textOf(`/proc/${name}/stat`);
    const state = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
    return state === '' || state === 'Z' || state === 'X' ? [] : [Number(name)];
  });

/** Pids of what sends the notifications of its home: it lives a while longer than the pod that had something to tell. */
export const sendersOf = (home: TestHome): readonly number[] => {
  const senders = running('notify-worker');
  return senders.length === 0 ? [] : senders.filter((pid) => running(home.dir).includes(pid));
};

/** Ends what a test, or one that failed, has left and what would write to its home: pods, and what notifies of them. */
export const endPods = async (home: TestHome): Promise<void> => {
  if (recordsOf(home).some(({ end }) => end === null)) await home.nika('pod', 'kill', '--all');
  if (!existsSync(join(home.dir, 'run/notify'))) return;
  for (const pid of sendersOf(home)) process.kill(pid, 'SIGKILL');
  await until('the sender to end', () => sendersOf(home).length === 0);
};
