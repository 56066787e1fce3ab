/** Reads the feed as a consumer of a group, and adds the id of each change that it has handled to a file. */
import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { startFeedReader } from '../../src/ipc/feed/reader/group-reader.ts';
import { targetOf } from '../servers/target.ts';

const [url = '', consumer = '', handledFile = '', seenFile = ''] = process.argv.slice(2);
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
const reader = startFeedReader({
  target: targetOf(url),
  group: 'worker',
  consumer,
  seenFile,
  minIdleMs: 1_000,
  handle: async ({ id }) => {
    await delay(1);
    appendFileSync(handledFile, `${id}\n`);
  },
  onStatus: ({ kind }) => console.log(kind),
  signal: stop.signal,
});
await reader.ended;
