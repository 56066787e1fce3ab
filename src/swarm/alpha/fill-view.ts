/** Owns what Alpha learns at its beginning of what was before: from the feed, and from the bus of its home. */
import { existsSync } from 'node:fs';
import { parseFeedChange } from '../../ipc/feed/feed-change.ts';
import { readFeedLines } from '../../recorder/reconcile/feed-lines.ts';
import { entriesOf } from '../follow/feed-entries.ts';
import type { AlphaContext } from './duty.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** Jobs may wait for a worker for longer than the feed remembers. */
const BUS_DAYS = 7;
const PAGE_COUNT = 1_000;
/** The newest come first; more than the view holds is of no use. */
const MAX_PAGES = 100;
const CALL_MS = 3_000;

const fillFromFeed = async (context: AlphaContext, signal: AbortSignal): Promise<void> => {
  const { view } = context;
  const answer = await context.link(signal);
  if (answer.kind !== 'link') return;
  const { link, keys } = answer;
  let until = '+';
  for (let page = 0; page < MAX_PAGES && !signal.aborted; page += 1) {
    const command = { name: 'xrevrange', args: [keys.feed.name, until, '-', 'COUNT', PAGE_COUNT] };
    const outcome = await link.call(command, { withinMs: CALL_MS }, signal);
    if (outcome.kind !== 'done') return; // what is missing comes by the changes themselves
    const entries = entriesOf(outcome.value);
    for (const { change } of entries) if (change !== undefined) view.apply(change);
    const last = entries.at(-1);
    if (last === undefined || entries.length < PAGE_COUNT) return;
    until = `(${last.streamId}`;
  }
};

/** @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason */
const fillFromBus = async ({ view, home: { busDir } }: AlphaContext, signal: AbortSignal): Promise<void> => {
  if (!existsSync(busDir)) return;
  for await (const piece of readFeedLines({ busDir, sinceMs: Date.now() - BUS_DAYS * DAY_MS, signal })) {
    if (piece === 'lost') return;
    for (const { event } of piece.lines) {
      const change = parseFeedChange({ id: event.id, ...event.fields });
      if (change !== undefined) view.apply(change);
    }
  }
};

/** @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason */
export const fillView = async (context: AlphaContext, signal: AbortSignal): Promise<void> => {
  await fillFromBus(context, signal);
  await fillFromFeed(context, signal);
};
