/** Runs in a thread of a supervisor: kills the process once its event loop has stood still for too long. */
import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import type { WatchdogTask } from './watchdog.ts';

const { beats, limitMs, tickMs } = workerData as WatchdogTask;
const count = new Int32Array(beats);
const sleeper = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
const maxMissed = Math.ceil(limitMs / tickMs);

let last = Atomics.load(count, 0);
/** Own ticks in which nothing was counted: time in which this thread stood still too does not count (D1). */
let missed = 0;
for (;;) {
  Atomics.wait(sleeper, 0, 0, tickMs);
  const now = Atomics.load(count, 0);
  if (now < 0) break;
  missed = now === last ? missed + 1 : 0;
  last = now;
  if (missed < maxMissed) continue;
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
