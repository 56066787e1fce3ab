/** A program that follows the swarm: `node docs/examples/own-alpha.ts`, in a project that has nika as a dependency. */
import { subscribeFeed } from 'nika';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

const states = new Map<string, string>();
const options = { group: 'my-alpha', only: 'significant', signal: stop.signal } as const;

for await (const change of subscribeFeed(options)) {
  states.set(change.entity, change.event);
  const why = change.event === 'failed' ? `: ${String(change.data['error'])}` : '';
  const where = change.source === 'bus' ? ' (local only)' : '';
  console.log(`${change.entity} ${change.event}${why}${where}`);
  change.ack(); // done: it is not given again
}
console.log(`${states.size} entities heard of`);
