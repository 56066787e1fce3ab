/**
 * What nika's reader of the feed adds to a bare XADD → XREADGROUP: from published to in the handler with 50 publishers, and
 * how many a second. Both with the same kind of connection, by turns, against one Redis; the bare loop acknowledges each
 * batch and does nothing else.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { FeedReader } from '../../src/ipc/feed/reader/feed-reader.ts';
import { startFeedReader } from '../../src/ipc/feed/reader/group-reader.ts';
import { createKeys } from '../../src/redis/keys.ts';
import { type FeedEvent, publish } from '../../src/redis/scripts/publish.lua.ts';
import { runScripts } from '../../src/redis/scripts/script.ts';
import { type Link, openWriter } from '../../src/redis/link.ts';
import { createEventId } from '../../src/model/event-id.ts';
import { RedisServer } from '../../test/servers/redis.ts';
import { targetOf } from '../../test/servers/target.ts';
import { fixed, machine, median, percentiles, row } from './figures.ts';

const ROUNDS = 5;
const PUBLISHERS = 50;
const EACH = 40;
/** Of one publisher: 50 of them make 500 a second. */
const EVERY_MS = 100;
const MANY = 100_000;
const { feed } = createKeys('');
const folder = mkdtempSync(join(tmpdir(), 'nika-bench-feed-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
let seenFiles = 0;
/** A new one each time: nothing was seen yet. */
const seenFile = (): string => join(folder, `seen-${(seenFiles += 1)}`);

const eventOf = (publisher: number): FeedEvent => {
  const entity = `JOB-bench-${publisher}`;
  const meta = { v: 1, session_id: 'bench', entity_id: entity, entity_type: 'JOB', root_id: entity, job: 'bench' };
  const fields = { ts: new Date().toISOString(), event: 'started', entity_id: entity, entity_type: 'JOB' };
  const more = {
    session_id: 'bench',
    meta: JSON.stringify(meta),
    data: '{"from":"created","to":"in_progress","rev":2}',
  };
  return { id: createEventId(Date.now()), fields: { ...fields, ...more } };
};

type Publish = (event: FeedEvent) => Promise<void>;

/** One connection each. */
const publishersOf = async (
  url: string,
  kind: 'nika' | 'bare',
): Promise<{ all: readonly Publish[]; close: () => void }> => {
  if (kind === 'bare') {
    const clients = Array.from({ length: PUBLISHERS }, () => new Redis(url));
    await Promise.all(clients.map(async (client) => client.ping()));
    const all = clients.map((client): Publish => async ({ id, fields }) => {
      await client.xadd(feed.name, '*', 'id', id, ...Object.entries(fields).flat());
    });
    return { all, close: () => clients.forEach((client) => client.disconnect()) };
  }
  const links: Link[] = [];
  for (let nth = 0; nth < PUBLISHERS; nth += 1) links.push(await openWriter(targetOf(url)));
  await Promise.all(links.map(async (link) => link.untilReady(5_000)));
  const all = links.map((link): Publish => async (event) => {
    await runScripts(link, [publish({ key: feed, events: [event], afterId: undefined, isAgain: false })]);
  });
  return { all, close: () => links.forEach((link) => void link.close()) };
};

interface Consumer {
  readonly onEvent: (listener: (id: string) => void) => void;
  readonly close: () => Promise<void>;
}

const bareConsumer = async (url: string): Promise<Consumer> => {
  const client = new Redis(url);
  await client.xgroup('CREATE', feed.name, 'cg:bare', '0', 'MKSTREAM').catch(() => undefined);
  let listener: (id: string) => void = () => undefined;
  const stop = new AbortController();
  const loop = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const args = ['GROUP', 'cg:bare', 'one', 'COUNT', 100, 'BLOCK', 200, 'STREAMS', feed.name, '>'] as const;
      const answer = (await client.xreadgroup(...args)) as [string, [string, string[]][]][] | null;
      const entries = answer?.[0]?.[1] ?? [];
      for (const [, fields] of entries) listener(fields[1] ?? '');
      if (entries.length > 0)
        client.xack(feed.name, 'cg:bare', ...entries.map(([entry]) => entry)).catch(() => undefined);
    }
  };
  const ended = loop();
  const close = async (): Promise<void> => {
    stop.abort();
    await ended;
    client.disconnect();
  };
  return { onEvent: (next) => (listener = next), close };
};

const nikaConsumer = async (url: string): Promise<Consumer> => {
  const stop = new AbortController();
  let listener: (id: string) => void = () => undefined;
  const reader: FeedReader = startFeedReader({
    target: targetOf(url),
    group: 'bench',
    consumer: 'one',
    seenFile: seenFile(),
    handle: async ({ id }) => listener(id),
    signal: stop.signal,
  });
  while (reader.status.kind !== 'reading' || !reader.status.isCaughtUp) await delay(5);
  const close = async (): Promise<void> => {
    stop.abort();
    await reader.ended;
  };
  return { onEvent: (next) => (listener = next), close };
};

/** From before it is published to in the handler, ms. */
const latencies = async (server: RedisServer, kind: 'nika' | 'bare', by: 'nika' | 'bare'): Promise<Float64Array> => {
  await server.admin.flushall();
  const consumer = await (kind === 'nika' ? nikaConsumer : bareConsumer)(server.url);
  const { all, close } = await publishersOf(server.url, by);
  const sentAtMs = new Map<string, number>();
  const samples = new Float64Array(PUBLISHERS * EACH);
  const done = Promise.withResolvers<void>();
  let count = 0;
  consumer.onEvent((id) => {
    samples[count] = performance.now() - (sentAtMs.get(id) ?? 0);
    count += 1;
    if (count === samples.length) done.resolve();
  });
  const work = all.map(async (tell, nth) => {
    await delay((nth * EVERY_MS) / PUBLISHERS);
    for (let at = 0; at < EACH; at += 1) {
      const event = eventOf(nth);
      sentAtMs.set(event.id, performance.now());
      await tell(event);
      await delay(EVERY_MS);
    }
  });
  await Promise.all([...work, done.promise]);
  close();
  await consumer.close();
  return samples;
};

/** A second, with all there already. */
const throughput = async (server: RedisServer, kind: 'nika' | 'bare'): Promise<number> => {
  const group = kind === 'nika' ? 'cg:bench' : 'cg:bare';
  await server.admin.call('XGROUP', 'DESTROY', feed.name, group).catch(() => undefined);
  let count = 0;
  const done = Promise.withResolvers<void>();
  const onEvent = (): void => {
    count += 1;
    if (count === MANY) done.resolve();
  };
  const fromMs = performance.now();
  if (kind === 'bare') {
    const consumer = await bareConsumer(server.url);
    consumer.onEvent(onEvent);
    await done.promise;
    const tookMs = performance.now() - fromMs;
    await consumer.close();
    return (1000 * MANY) / tookMs;
  }
  const stop = new AbortController();
  const handle = async (): Promise<void> => onEvent();
  const reader = startFeedReader({
    target: targetOf(server.url),
    group: 'bench',
    consumer: 'one',
    seenFile: seenFile(),
    handle,
    signal: stop.signal,
  });
  await done.promise;
  const tookMs = performance.now() - fromMs;
  stop.abort();
  await reader.ended;
  return (1000 * MANY) / tookMs;
};

console.log(`${machine()}\n`);
await using server = await RedisServer.open();
row('published → in the handler, 50 publishers, 500/s', ['p50 ms', 'p99 ms', 'p50 / bare', 'p99 / bare']);
row('---', ['---', '---', '---', '---']);
const KINDS = [
  ['bare XADD → XREADGROUP', 'bare', 'bare'],
  ['bare XADD → nika’s reader', 'nika', 'bare'],
  ['published by nika → nika’s reader', 'nika', 'nika'],
] as const;
const found = KINDS.map(() => [] as { readonly p50: number; readonly p99: number }[]);
for (let round = 0; round < ROUNDS; round += 1)
  for (const [at, [, kind, by]] of KINDS.entries()) found[at]?.push(percentiles(await latencies(server, kind, by)));
for (const [at, [name]] of KINDS.entries()) {
  const rounds = found[at] ?? [];
  const bare = found[0] ?? [];
  const cells = (['p50', 'p99'] as const).map((key) => fixed(median(rounds.map((one) => one[key])), 2));
  const ratios = (['p50', 'p99'] as const).map((key) =>
    fixed(median(rounds.map((one, nth) => one[key] / (bare[nth]?.[key] ?? 1))), 2),
  );
  row(name, [...cells, ...ratios]);
}

await server.admin.flushall();
const link = await openWriter(targetOf(server.url));
await link.untilReady(5_000);
for (let at = 0; at < MANY; at += 500) {
  const events = Array.from({ length: 500 }, () => eventOf(at % PUBLISHERS));
  await runScripts(link, [publish({ key: feed, events, afterId: undefined, isAgain: false })]);
}
await link.close();
const rates = { bare: [] as number[], nika: [] as number[] };
for (let round = 0; round < ROUNDS; round += 1)
  for (const kind of ['bare', 'nika'] as const) rates[kind].push(await throughput(server, kind));
console.log('');
row('100,000 changes that are there', ['changes/s', 'of bare']);
row('---', ['---', '---']);
row('bare XREADGROUP COUNT 100 and XACK', [fixed(median(rates.bare), 0), '1.00']);
row('nika’s reader', [
  fixed(median(rates.nika), 0),
  fixed(median(rates.nika.map((rate, nth) => rate / (rates.bare[nth] ?? 1))), 2),
]);
