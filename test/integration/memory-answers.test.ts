/** Both ways of asking memory, Qdrant and the bus, hold to the same answers. */
import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BusSource } from '../../src/memory/bus/bus-source.ts';
import { encodeDocument, encodeQuestion } from '../../src/memory/encode/sparse.ts';
import type { MemorySource, SearchHit } from '../../src/memory/memory-source.ts';
import { openStore } from '../../src/memory/qdrant/open-store.ts';
import { openQdrantSource } from '../../src/memory/qdrant/qdrant-source.ts';
import { memoryTargetName } from '../../src/memory/sync/memory-files.ts';
import { MemorySync } from '../../src/memory/sync/memory-sync.ts';
import { randomFilter, randomGroup, randomWords } from '../fixtures/memory-questions.ts';
import { createRandom, createRememberedBus } from '../fixtures/remembered-bus.ts';
import type { TempBus } from '../fixtures/temp-bus.ts';
import { hasQdrant, QdrantServer } from '../servers/qdrant.ts';

const COUNTS = 1_000;
const SEARCHES = 500;
const SEEDS = [42, 43];
const CLOSE = 1e-3;

const { signal } = new AbortController();

/** The same entities and points in the same order; where scores tie, in any. */
const expectSame = (found: readonly SearchHit[], other: readonly SearchHit[]): void => {
  expect(found.length).toBe(other.length);
  for (const [nth, { score }] of found.entries())
    expect(Math.abs(score - (other[nth]?.score ?? 0))).toBeLessThan(CLOSE);
  const last = found.at(-1)?.score ?? 0;
  const above = (hits: readonly SearchHit[]): readonly string[] =>
    hits
      .filter(({ score }) => score > last + CLOSE)
      .map(({ id }) => id)
      .toSorted();
  expect(above(found)).toEqual(above(other));
};

describe.runIf(hasQdrant).each(SEEDS)('the two ways of asking memory (seed %i)', (seed) => {
  let server: QdrantServer;
  let bus: TempBus;
  let qdrant: MemorySource & AsyncDisposable;
  let alone: MemorySource;

  beforeAll(async () => {
    bus = await createRememberedBus({ seed, jobs: 40, segments: 3 });
    mkdirSync(bus.runDir, { recursive: true });
    server = await QdrantServer.open();
    const target = server.target();
    await using store = await openStore({ target, encode: encodeDocument });
    const { busDir, runDir } = bus;
    const sync = new MemorySync({ store, busDir, runDir, target: memoryTargetName(target), keepMs: {}, signal });
    const caught = await sync.catchUp();
    if (caught.kind !== 'done') throw new Error(caught.why);
    qdrant = await openQdrantSource({ target, encode: encodeQuestion });
    alone = new BusSource({ busDir, runDir });
  });
  afterAll(async () => {
    await qdrant[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    bus[Symbol.dispose]();
  });

  it(`count the same, ${COUNTS} questions`, async () => {
    const random = createRandom(seed + 1);
    let total = 0;
    for (let nth = 0; nth < COUNTS; nth += 1) {
      const by = randomGroup(random);
      const question = { filter: randomFilter(random), ...(by === undefined ? {} : { by }) };
      const [answer, other] = await Promise.all([qdrant.count(question, signal), alone.count(question, signal)]);
      expect({ question, answer }).toEqual({ question, answer: other });
      total += answer.count;
    }
    expect(total).toBeGreaterThan(COUNTS);
  });

  it(`find the same, ${SEARCHES} questions`, async () => {
    const random = createRandom(seed + 2);
    let total = 0;
    for (let nth = 0; nth < SEARCHES; nth += 1) {
      const question = {
        words: randomWords(random),
        filter: randomFilter(random),
        limit: 1 + Math.floor(random() * 10),
      };
      const [found, other] = await Promise.all([qdrant.search(question, signal), alone.search(question, signal)]);
      expectSame(found, other);
      total += found.length;
    }
    expect(total).toBeGreaterThan(SEARCHES);
  });

  it('find what is like an entity, and not itself', async () => {
    const [first] = await alone.search({ words: 'websocket', filter: {}, limit: 1 }, signal);
    const entity = first?.payload.entity_id ?? '';
    const question = { filter: {}, limit: 5 };
    const [found, other] = await Promise.all([
      qdrant.similar(entity, question, signal),
      alone.similar(entity, question, signal),
    ]);
    expect(found.length).toBe(5);
    expectSame(found, other);
    expect(found.map(({ payload }) => payload.entity_id)).not.toContain(entity);
  });
});
