/** Is watched by a watchdog of 600 ms, and blocks its event loop in the way that it is told. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Watchdog } from '../../src/pod/watchdog.ts';

const block = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
};

const watchdog = Watchdog.start({ limitMs: 600, onMissing: (why) => process.stdout.write(`missing: ${why}\n`) });
await delay(100);
switch (process.argv[2]) {
  case 'blocked':
    process.stdout.write('blocking\n');
    block(20_000);
    break;
  case 'busy':
    for (let round = 0; round < 6; round += 1) {
      block(250);
      await delay(10);
    }
    break;
  case 'starved': {
    process.stdout.write('ready\n');
    await once(process.stdin, 'data'); // it is last in the queue now
    const beganUs = process.cpuUsage().user;
    while (process.cpuUsage().user - beganUs < 100_000);
    process.stdin.pause();
    await delay(10);
    break;
  }
  default:
    watchdog?.[Symbol.dispose]();
    await delay(50);
    block(1_500);
}
watchdog?.[Symbol.dispose]();
process.stdout.write('done\n');
