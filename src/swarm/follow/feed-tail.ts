/**
 * Owns the plain reading of the feed, which takes nothing from any group: from a place on, for ever.
 *
 * T1. A place that is ahead of all that is there means that Redis lost its data: it is begun anew.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { RedisTarget } from '../../config/redis/redis-settings.ts';
import { createKeys } from '../../redis/keys.ts';
import { type Link, openReader } from '../../redis/link.ts';
import { READ_BLOCK_MS } from '../../redis/link-options.ts';
import { entriesOf, entriesOfRead, type FeedEntry } from './feed-entries.ts';

const PAGE_COUNT = 500;
const READY_MS = 1_000;
const PAUSE_MS = 200;
const BEGINNING = '0-0';

const orderOf = (id: string): readonly [number, number] => {
  const [ms = 0, seq = 0] = id.split('-').map(Number);
  return [ms, seq];
};

const isAhead = (a: string, b: string): boolean => {
  const [x, y] = [orderOf(a), orderOf(b)];
  return x[0] > y[0] || (x[0] === y[0] && x[1] > y[1]);
};

const CALL_MS = READ_BLOCK_MS + 2_500;

/** The place to go on from; `undefined`: Redis does not say. */
const checked = async (link: Link, feed: string, after: string, signal: AbortSignal): Promise<string | undefined> => {
  const command = { name: 'xrevrange', args: [feed, '+', '-', 'COUNT', 1] };
  const outcome = await link.call(command, { withinMs: CALL_MS }, signal);
  if (outcome.kind !== 'done') return undefined;
  const newest = entriesOf(outcome.value)[0]?.streamId ?? BEGINNING;
  return isAhead(after, newest) ? BEGINNING : after; // T1
};

/** In batches; some of an outage later. Ends with the signal. */
export async function* tailFeed(
  target: RedisTarget,
  from: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<readonly FeedEntry[]> {
  await using link = await openReader(target);
  const stop = (): void => void link.close().catch(() => undefined); // else the end waits for a BLOCK
  signal.addEventListener('abort', stop, { once: true });
  const { feed } = createKeys(target.prefix);
  let after = from ?? BEGINNING;
  let isChecked = false;
  while (!signal.aborted) {
    if (!(await link.untilReady(READY_MS, signal))) {
      isChecked = false;
      continue;
    }
    if (!isChecked) {
      const place = await checked(link, feed.name, after, signal);
      after = place ?? after;
      isChecked = place !== undefined;
    }
    const args = ['COUNT', PAGE_COUNT, 'BLOCK', READ_BLOCK_MS, 'STREAMS', feed.name, after];
    const outcome = await link.call({ name: 'xread', args }, { withinMs: CALL_MS }, signal);
    if (outcome.kind !== 'done') {
      isChecked = false;
      await delay(PAUSE_MS, undefined, { signal, ref: false }).catch(() => undefined);
      continue;
    }
    const entries = entriesOfRead(outcome.value);
    if (entries.length === 0) isChecked = false; // FLUSHALL breaks no connection: nothing came, so it is looked again
    else {
      after = entries.at(-1)?.streamId ?? after;
      yield entries;
    }
  }
  signal.removeEventListener('abort', stop);
}
