/**
 * A pod that works when it is told to, by lines on its standard input: `calls N` makes a task of N tool calls, each fifth
 * of them failing, and says how long they took; `tasks N` makes N tasks; the end of the input ends the pod. What becomes of Redis it says without being asked.
 */
import { createInterface } from 'node:readline';
import { Pod } from 'nika';

const say = (told: object): void => console.log(JSON.stringify(told));

const pod = await Pod.start({
  job: 'told',
  domain: 'test',
  intent: 'prove',
  id: 'JOB-told',
  onEvent: (event) => {
    if (event.event === 'degraded' || event.event === 'recovered') say(event);
  },
});
const even = pod.tool('even', (n: number): number => n * 2);
const odd = pod.tool('odd', (n: number): number => {
  throw new Error(`${n} is odd`);
});

const work = async (count: number): Promise<void> => {
  const from = performance.now();
  let slowestMs = 0;
  for (let n = 0; n < count; n += 1) {
    const callFrom = performance.now();
    await (n % 5 === 4 ? odd(n) : even(n)).catch(() => undefined);
    slowestMs = Math.max(slowestMs, performance.now() - callFrom);
    if (n % 50 === 49) await new Promise(setImmediate); // as a program that also does something else
  }
  say({ count, tookMs: performance.now() - from, slowestMs });
};

say({ pid: process.pid });
let round = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const [what, text] = line.split(' ');
  const count = Number(text);
  if (what === 'tasks') {
    for (let nth = 0; nth < count; nth += 1) await pod.task('empty', () => undefined);
    say({ count });
  } else {
    round += 1;
    await pod.task(`round ${round}`, () => work(count));
  }
}
const endFrom = performance.now();
const { outcome, calls, errors, dropped } = await pod.complete({ rounds: round });
say({ outcome, calls, errors, dropped, endMs: performance.now() - endFrom });
