/** Opens a link, does what it is told, and then has nothing left to do: says how, and must end by itself. */
import { setTimeout as delay } from 'node:timers/promises';
import { openWriter } from '../../src/redis/link.ts';
import { targetOf } from '../servers/target.ts';

const [url = '', what = ''] = process.argv.slice(2);
const link = await openWriter(targetOf(url));
await link.untilReady(500);
if (what === 'call') await link.call({ name: 'ping', args: [] }, { withinMs: 300 });
if (what === 'fail') {
  const calls = Array.from({ length: 100 }, () => link.call({ name: 'ping', args: [] }, { withinMs: 300 }));
  await Promise.all(calls);
}
if (what === 'close') {
  await delay(100);
  await link.close();
}
console.log(`${link.status.kind} ${Math.round(performance.now())}`);
process.once('exit', () => console.log(`ended ${Math.round(performance.now())}`));
