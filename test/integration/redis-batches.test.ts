import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ServiceWatch } from '../../src/failopen/service-watch.ts';
import { FeedPublisher } from '../../src/ipc/feed/feed-publisher.ts';
import { type BatchSource, BatchWriter, partOf } from '../../src/redis/batch-writer.ts';
import { createKeys } from '../../src/redis/keys.ts';
import { openWriter } from '../../src/redis/link.ts';
import { setFleetField } from '../../src/redis/scripts/set-fleet-field.lua.ts';
import { sessionIdSchema } from '../../src/model/id.ts';
import { until } from '../pods.ts';
import { RedisServer } from '../servers/redis.ts';
import { targetOf } from '../servers/target.ts';

const session = sessionIdSchema.parse('0197f3d2-1c7e-7a10-8a44-0242ac120002');
const keys = createKeys('');
const FIRST = { id: '0197f3d2-1c7e-7a10-8a44-000000000001', fields: { event: 'started' } };

let server: RedisServer;

beforeAll(async () => {
  server = await RedisServer.open();
});
afterAll(async () => server[Symbol.asyncDispose]());
beforeEach(async () => {
  await server.admin.flushall();
});

/** Tells a number that rises. */
class Beats implements BatchSource {
  waitingCount = 0;
  toldCount = 0;

  async nextParts() {
    const value = { told: (this.toldCount += 1) };
    return [partOf(setFleetField({ key: keys.fleet, session, value }), () => (this.waitingCount = 0), 1)];
  }
}

const writerOf = (...sources: readonly BatchSource[]): BatchWriter => {
  const tally = () => ({ offeredCount: 0, droppedCount: 0, waitingCount: 0 });
  const watch = new ServiceWatch({ tally, onOutageStart: () => undefined, onOutageEnd: () => undefined });
  return new BatchWriter({ openLink: () => openWriter(targetOf(server.url)), sources, watch });
};

const onFleet = async (): Promise<number> =>
  Number(/"told":(\d+)/.exec((await server.admin.hget(keys.fleet.name, session)) ?? '')?.[1] ?? 0);

/** Has all to read from a bus that gives nothing for as long as the test says. */
const feedBehind = async (bus: Promise<void>): Promise<FeedPublisher> => {
  const feed = new FeedPublisher({
    keys,
    session,
    settle: async () => undefined,
    isBusWhole: () => true,
    readBack: async function* () {
      await bus;
      yield FIRST;
    },
  });
  feed.offer(FIRST, false);
  const [part] = await feed.nextParts('due', new AbortController().signal);
  part?.settle({ kind: 'done', value: { kind: 'lost' } });
  return feed;
};

describe('a batch', () => {
  it('G1, G4: goes out also while a source cannot say what it has, and while one waits for a long bus', async () => {
    const bus = Promise.withResolvers<void>();
    const beats = new Beats();
    const failing = { waitingCount: 1, nextParts: async () => Promise.reject(new Error('EIO')) };
    await using writer = writerOf(await feedBehind(bus.promise), failing, beats);
    writer.start();
    await until('the first batch', async () => (await onFleet()) > 0);
    const before = await onFleet();
    beats.waitingCount = 1;
    writer.want();
    await until('another batch', async () => (await onFleet()) > before);
    expect(await server.admin.xlen(keys.feed.name)).toBe(0);
    bus.resolve();
    await until('the feed', async () => (await server.admin.xlen(keys.feed.name)) === 1);
  });

  it('G1: holds up the end no longer than it was told, whatever is waited for then', async () => {
    const bus = Promise.withResolvers<void>();
    const writer = writerOf(await feedBehind(bus.promise), new Beats());
    writer.start();
    await until('the first batch', async () => (await onFleet()) > 0);
    const from = performance.now();
    await writer.drain(500);
    await writer.close();
    expect(performance.now() - from).toBeLessThan(900);
    bus.resolve();
  });

  it('G1: has an end where nothing of what waits can be told', { timeout: 10_000 }, async () => {
    await using writer = writerOf({ waitingCount: 3, nextParts: async () => [] });
    const from = performance.now();
    await writer.drain(500);
    expect(performance.now() - from).toBeLessThan(900);
  });
});
