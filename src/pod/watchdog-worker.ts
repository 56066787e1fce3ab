/** Runs in a thread of a supervisor: kills the process once its event loop has stood still for too long. */
import { readFileSync, writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import type { WatchdogTask } from './watchdog.ts';

const { beats, limitMs, tickMs } = workerData as WatchdogTask;
const count = new Int32Array(beats);
const sleeper = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

const main = `/proc/self/task/${process.pid}`;

/** What the main thread had of a processor so far; `undefined`: the system does not tell, or it wants none. */
const readWorkedMs = (): number | undefined => {
  try {
    const stat = readFileSync(`${main}/stat`, 'latin1');
    if (stat[stat.lastIndexOf(')') + 2] !== 'R') return undefined;
    return Number(readFileSync(`${main}/schedstat`, 'latin1').split(' ')[0]) / 1e6;
  } catch {
    return undefined;
  }
};

/** Since the last tick. Where it waits for a processor, what it had of one counts (D2). */
const stoodMs = (beforeMs: number | undefined, nowMs: number | undefined): number =>
  beforeMs === undefined || nowMs === undefined ? tickMs : Math.min(tickMs, nowMs - beforeMs);

let last = Atomics.load(count, 0);
let workedMs: number | undefined;
/** In ticks of this thread: time in which it stood still too does not count (D1). */
let blockedMs = 0;
for (;;) {
  Atomics.wait(sleeper, 0, 0, tickMs);
  const now = Atomics.load(count, 0);
  if (now < 0) break;
  if (now !== last) {
    last = now;
    blockedMs = 0;
    workedMs = undefined;
    continue;
  }
  const before = workedMs;
  workedMs = readWorkedMs();
  blockedMs += stoodMs(before, workedMs);
  if (blockedMs < limitMs) continue;
  try {
    writeSync(
      2,
      `nika: the supervisor was blocked for ${limitMs / 1000} s and is ended, so that its agent does not wait\n`,
    );
  } catch {
    // nobody reads it
  }
  process.kill(process.pid, 'SIGKILL');
}
