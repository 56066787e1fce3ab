import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { sessionIdSchema } from '../../model/id.ts';
import type { Part } from '../../redis/batch-writer.ts';
import type { CallOutcome } from '../../redis/call-outcome.ts';
import { createKeys } from '../../redis/keys.ts';
import type { FeedEvent, PublishAnswer } from '../../redis/scripts/publish.lua.ts';
import { FeedPublisher } from './feed-publisher.ts';

const { signal } = new AbortController();
const idOf = (nth: number): string => `0197f3d2-1c7e-7a10-8a44-${String(nth).padStart(12, '0')}`;
const session = sessionIdSchema.parse('11111111-1c7e-4a10-8a44-0242ac120002');
const eventOf = (nth: number): FeedEvent => ({ id: idOf(nth), fields: { event: 'started', session_id: session } });
const LOST: CallOutcome<PublishAnswer> = { kind: 'done', value: { kind: 'lost' } };

/** A bus and a feed in memory: what is offered stands on the bus, what is confirmed on the feed. */
class Told {
  readonly bus: FeedEvent[] = [];
  readonly feed: string[] = [];
  readonly ended: string[] = [];
  /** How many events of it can be read before it fails. */
  readableCount = Infinity;
  isBusWhole = true;
  readonly publisher = new FeedPublisher({
    keys: createKeys(''),
    session,
    settle: async () => undefined,
    isBusWhole: () => this.isBusWhole,
    readBack: (sinceId, end) => this.#readBack(sinceId, end),
  });

  offer(from: number, to: number, isOnBus = true): void {
    for (let nth = from; nth <= to; nth += 1) {
      if (isOnBus) this.bus.push(eventOf(nth));
      this.publisher.offer(eventOf(nth), false);
    }
  }

  /** One batch, and what comes of it. */
  async send(outcome?: CallOutcome<PublishAnswer>): Promise<void> {
    const [part] = await this.publisher.nextParts('due', signal);
    part?.settle(outcome ?? this.#publish(part));
  }

  /** As the script does it: what may be there already is looked for behind the entry that the writer knows. */
  #publish({ call: { args } }: Part): CallOutcome<PublishAnswer> {
    const [, , afterId, isAgain] = args;
    const known = isAgain === 1 ? this.feed.slice(Number.parseInt(String(afterId), 10) || 0) : [];
    const ids = new Set(args.filter((arg): arg is string => typeof arg === 'string' && arg.startsWith('0197')));
    const missing = [...ids].filter((id) => !known.includes(id));
    this.feed.push(...missing);
    const last = [...ids].at(-1) ?? '';
    const lastId = `${this.feed.lastIndexOf(last) + 1}-0`;
    return { kind: 'done', value: { kind: 'published', lastId, addedCount: missing.length } };
  }

  async sendAll(): Promise<void> {
    for (let nth = 0; nth < 200 && this.publisher.waitingCount > 0; nth += 1) {
      await this.send().catch(() => undefined);
      await delay(5); // as the writer of batches does
    }
  }

  async *#readBack(sinceId = '', end: AbortSignal): AsyncGenerator<FeedEvent> {
    try {
      for (const [nth, event] of this.bus.entries()) {
        end.throwIfAborted();
        if (nth >= this.readableCount) throw new Error('EIO');
        if (event.id >= sinceId) yield event;
      }
    } finally {
      this.ended.push(sinceId);
    }
  }
}

const upTo = (count: number): readonly string[] => Array.from({ length: count }, (_, at) => idOf(at + 1));

describe('FeedPublisher', () => {
  it('G4: brings all in order from the bus where the queue was too short', async () => {
    const told = new Told();
    told.offer(1, 5_000);
    await told.sendAll();
    expect(told.feed).toEqual(upTo(5_000));
  });

  it.each([0, 250])(
    'G4: a bus that cannot be read behind %i events loses none that the queue could not hold',
    async (n) => {
      const told = new Told();
      told.offer(1, 4_300);
      told.readableCount = n === 0 ? 0 : 4_000 + n;
      for (let nth = 0; nth < 40; nth += 1) await told.send().catch(() => undefined);
      told.offer(4_301, 4_310);
      expect(told.publisher.waitingCount).toBeGreaterThan(0);
      told.readableCount = Infinity;
      await told.sendAll();
      expect(told.feed).toEqual(upTo(4_310));
    },
  );

  it.each([0, 250])('G4: a bus that cannot be read behind %i events loses none that Redis lost', async (n) => {
    const told = new Told();
    told.offer(1, 300);
    await told.sendAll();
    told.feed.length = 0;
    told.offer(301, 301);
    await told.send(LOST);
    told.readableCount = n;
    for (let nth = 0; nth < 40; nth += 1) await told.send().catch(() => undefined);
    told.offer(302, 310);
    expect(told.publisher.waitingCount).toBeGreaterThan(0);
    told.readableCount = Infinity;
    await told.sendAll();
    expect(told.feed).toEqual(upTo(310));
  });

  it('G4: reads again, once the bus is whole, what the bus held back when Redis lost it', async () => {
    const told = new Told();
    told.offer(1, 10);
    await told.sendAll();
    told.isBusWhole = false;
    told.offer(11, 20, false);
    await told.sendAll();
    told.feed.length = 0;
    told.offer(21, 21, false);
    await told.send(LOST);
    await told.sendAll();
    expect(told.feed).toEqual([...upTo(10), idOf(21)]); // what is there at once
    told.bus.push(...[...upTo(21)].slice(10).map((id) => ({ id, fields: { event: 'started', session_id: session } })));
    told.isBusWhole = true;
    await told.send(); // as at the next heartbeat
    await told.sendAll();
    expect(told.feed.toSorted()).toEqual(upTo(21));
  });

  it('G4: what the queue could not hold waits for a bus that holds lines back', async () => {
    const told = new Told();
    told.isBusWhole = false;
    told.offer(1, 4_100, false);
    for (let nth = 0; nth < 30; nth += 1) await told.send();
    expect([told.feed.length, told.publisher.waitingCount]).toEqual([4_000, 100]);
    told.bus.push(...upTo(4_100).map((id) => ({ id, fields: { event: 'started', session_id: session } })));
    told.isBusWhole = true;
    await told.sendAll();
    expect(told.feed).toEqual(upTo(4_100));
  });

  it('G1: a bus that takes long to read holds up a batch only for a moment', async () => {
    const hold = Promise.withResolvers<void>();
    const publisher = new FeedPublisher({
      keys: createKeys(''),
      session,
      settle: async () => undefined,
      isBusWhole: () => true,
      readBack: async function* () {
        await hold.promise;
        yield eventOf(1);
      },
    });
    publisher.offer(eventOf(1), false);
    (await publisher.nextParts('due', signal))[0]?.settle(LOST);
    const from = performance.now();
    expect(await publisher.nextParts('due', signal)).toEqual([]);
    const ended = AbortSignal.abort();
    expect(await publisher.nextParts('due', ended)).toEqual([]);
    expect(performance.now() - from).toBeLessThan(1_000);
    hold.resolve();
    expect((await publisher.nextParts('due', signal))[0]?.entryCount).toBe(1);
  });

  it('G6: ends a reading of the bus that it gives up', async () => {
    const told = new Told();
    told.offer(1, 500);
    await told.sendAll();
    told.offer(501, 501);
    await told.send(LOST);
    await told.send();
    expect(told.ended).toEqual([]);
    await told.send(LOST); // in the middle of it
    await told.sendAll();
    expect(told.ended).toEqual(['', '']);
  });
});
