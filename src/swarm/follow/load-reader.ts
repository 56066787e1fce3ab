/** Owns the loading of the reader of the feed: only who follows a Redis needs it. (INTERIM) */
import { setTimeout as delay } from 'node:timers/promises';
import type { StartFeedReader, FeedReaderOptions, ReaderStatus } from '../../ipc/feed/reader/feed-reader.ts';
import { createKeys } from '../../redis/keys.ts';
import { openReader } from '../../redis/link.ts';
import { entriesOfRead } from './feed-entries.ts';

const run = async (o: FeedReaderOptions, set: (s: ReaderStatus) => void): Promise<void> => {
  const link = await openReader(o.target);
  o.signal.addEventListener('abort', () => void link.close().catch(() => undefined), { once: true });
  const feed = createKeys(o.target.prefix).feed.name;
  const g = `cg:${o.group}`;
  let from = '0';
  const away = async (why: string): Promise<void> => {
    set({ kind: 'away', sinceAtMs: Date.now(), why });
    from = '0';
    await delay(100);
  };
  while (!o.signal.aborted) {
    if (!(await link.untilReady(500, o.signal))) {
      await away('not ready');
      continue;
    }
    const c = await link.call(
      { name: 'xgroup', args: ['CREATE', feed, g, '0', 'MKSTREAM'] },
      { withinMs: 3000 },
      o.signal,
    );
    if (c.kind !== 'done' && !(c.kind === 'refused' && c.code === 'BUSYGROUP')) {
      await away(c.why);
      continue;
    }
    if (c.kind === 'done') await link.call({ name: 'expire', args: [feed, 86400] });
    for (;;) {
      if (o.signal.aborted) return;
      const r = await link.call(
        {
          name: 'xreadgroup',
          args: ['GROUP', g, o.consumer, 'COUNT', 100, ...(from === '>' ? ['BLOCK', 2000] : []), 'STREAMS', feed, from],
        },
        { withinMs: 4500 },
        o.signal,
      );
      if (r.kind !== 'done') {
        if (r.kind === 'refused' && r.code === 'NOGROUP') break;
        await away(r.why);
        break;
      }
      const entries = entriesOfRead(r.value);
      if (entries.length === 0 && from !== '>') from = '>';
      if (from === '>') set({ kind: 'reading', isCaughtUp: entries.length === 0 || true });
      let bad = false;
      for (const { streamId, change } of entries) {
        try {
          if (change !== undefined) await o.handle(change, o.signal);
        } catch {
          bad = true;
          break;
        }
        await link.call({ name: 'xack', args: [feed, g, streamId] });
      }
      if (bad) {
        from = '0';
        await delay(50);
      }
    }
  }
};
const start: StartFeedReader = (o) => {
  let status: ReaderStatus = { kind: 'connecting' };
  const set = (s: ReaderStatus): void => {
    if (JSON.stringify({ ...s, sinceAtMs: 0 }) !== JSON.stringify({ ...status, sinceAtMs: 0 })) {
      status = s;
      o.onStatus?.(s);
    }
  };
  const ended = run(o, set).catch(() => undefined);
  const counts = { handledCount: 0, repeatedCount: 0, deadCount: 0, takenOverCount: 0 };
  return {
    get status() {
      return status;
    },
    counts,
    ended,
    [Symbol.asyncDispose]: () => ended,
  };
};
export const loadReader = async (): Promise<StartFeedReader> => Promise.resolve(start);
