/** A program that is a pod itself: `node docs/examples/library-pod.ts`, in a project that has nika as a dependency. */
import { Pod } from 'nika';

await using pod = await Pod.start({ job: 'sum-of-squares', domain: 'examples', intent: 'show' });

const square = pod.tool('square', (n: number): number => n * n);

const squares: number[] = [];
await pod.task('squares', async () => {
  for (const n of [1, 2, 3]) squares.push(await square(n));
});

const { outcome, calls } = await pod.complete({ sum: squares.reduce((sum, n) => sum + n) });
console.log(`${outcome} after ${calls} calls: nika bus show ${pod.id}`);
