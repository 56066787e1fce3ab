import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DenseEncoder } from '../../src/memory/qdrant/dense-encoder.ts';
import { encodeDocument } from '../../src/memory/encode/sparse.ts';
import { openStore, type StoreOptions } from '../../src/memory/qdrant/open-store.ts';
import type { MemoryPoint } from '../../src/memory/point.ts';
import type { PointStore } from '../../src/memory/point-store.ts';
import { plainVector, rememberedPoint } from '../fixtures/memory-points.ts';
import { hasQdrant, QdrantServer } from '../servers/qdrant.ts';

const signal = new AbortController().signal;
const done = { kind: 'done', value: undefined };

describe.skipIf(!hasQdrant)('the store of memory', () => {
  let server: QdrantServer;
  let made = 0;
  beforeAll(async () => {
    server = await QdrantServer.open();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  interface Opened {
    readonly store: PointStore;
    readonly collection: string;
    readonly options: StoreOptions;
    readonly standing: (points: readonly MemoryPoint[]) => Promise<readonly boolean[]>;
  }
  /** With a collection of its own. */
  const opened = async (more: Partial<StoreOptions> = {}): Promise<Opened> => {
    const collection = `memory_${(made += 1)}`;
    const options = { target: server.target({ collection }), encode: plainVector, ...more };
    const store = await openStore(options);
    const standing = async (points: readonly MemoryPoint[]): Promise<readonly boolean[]> => {
      const given = { ids: points.map(({ id }) => id), with_payload: ['standing'] };
      const found = (await server.ask('POST', `/collections/${collection}/points`, given)) as {
        id: string;
        payload: { standing: boolean };
      }[];
      return points.map(({ id }) => found.find((one) => one.id === id)?.payload.standing ?? false);
    };
    return { store, collection, options, standing };
  };
  const infoOf = (collection: string) =>
    server.ask('GET', `/collections/${collection}`) as Promise<{
      config: { params: object; metadata?: object };
      payload_schema: Record<string, { data_type: string }>;
    }>;

  it('writes a batch of the longest texts, of which Qdrant does not take so many in one request', async () => {
    const { store, collection } = await opened({ encode: encodeDocument, writeWithinMs: 20_000 });
    await store.prepare(signal);
    // Han characters, one word for each pair of them.
    const text = (nth: number) =>
      Array.from({ length: 6_000 }, (_, at) => String.fromCharCode(0x4e00 + ((at * (nth + 7)) % 9_973))).join('');
    const points = Array.from({ length: 300 }, (_, nth) => {
      const point = rememberedPoint({ entity: `JOB-${nth}` });
      return { ...point, payload: { ...point.payload, text: text(nth) } };
    });
    expect(await store.write(points, signal)).toEqual(done);
    expect(await server.count({}, collection)).toBe(points.length);
  }, 60_000);

  it('makes the collection on first use, with its vectors, its version and an index for all that is filtered by', async () => {
    const { store, collection } = await opened();
    expect(await store.prepare(signal)).toEqual({ kind: 'done', value: 'made' });
    expect(await store.prepare(signal)).toEqual({ kind: 'done', value: 'there' });
    const { config, payload_schema: indexes } = await infoOf(collection);
    expect(config.params).toMatchObject({ vectors: {}, sparse_vectors: { text: { modifier: 'idf' } } });
    expect(config.metadata).toEqual({ nika_schema: 1 });
    expect(Object.keys(indexes).toSorted()).toEqual(
      'agent day domain entity_id event host intent job kind models parent_id role root_id session_id standing status tags tools ts'.split(
        ' ',
      ),
    );
    expect(indexes['ts']?.data_type).toBe('datetime');
  });

  it('is made once by ten that come at the same time', async () => {
    const { options } = await opened();
    const stores = await Promise.all(Array.from({ length: 10 }, () => openStore(options)));
    const outcomes = await Promise.all(stores.map((store) => store.prepare(signal)));
    expect(outcomes.map((one) => one.kind)).toEqual(Array(10).fill('done'));
    expect(outcomes.filter((one) => one.kind === 'done' && one.value === 'made')).toHaveLength(1);
  });

  it('adds payload indexes that are missing, and leaves a marker and points as they are', async () => {
    const { store, collection } = await opened();
    await store.prepare(signal);
    await store.write([rememberedPoint()], signal);
    await server.ask('DELETE', `/collections/${collection}/index/tools?wait=true`);
    expect(await store.prepare(signal)).toEqual({ kind: 'done', value: 'there' });
    expect((await infoOf(collection)).payload_schema['tools']).toMatchObject({ data_type: 'keyword', points: 0 });
    expect(await server.count({}, collection)).toBe(1);
  });

  it.each([
    ['dense vectors of somebody else', { vectors: { size: 4, distance: 'Dot' } }, 'no sparse vectors "text"'],
    ['sparse vectors without idf', { sparse_vectors: { text: {} } }, 'lack the modifier idf'],
    [
      'further vectors',
      { sparse_vectors: { text: { modifier: 'idf' }, other: {} } },
      "vectors that are not nika's: other",
    ],
    [
      'a newer version',
      { sparse_vectors: { text: { modifier: 'idf' } }, metadata: { nika_schema: 99 } },
      'version 99, and this nika knows up to 1: update nika',
    ],
    [
      'an older version',
      { sparse_vectors: { text: { modifier: 'idf' } }, metadata: { nika_schema: 0 } },
      'run "nika memory migrate"',
    ],
  ])('a collection with %s is told of, and neither changed nor written to', async (_, shape, says) => {
    const { store, collection } = await opened();
    await server.ask('PUT', `/collections/${collection}`, shape);
    const before = await infoOf(collection);
    expect(await store.prepare(signal)).toEqual({ kind: 'other-shape', why: expect.stringContaining(says) });
    expect(await infoOf(collection)).toEqual(before);
  });

  it('a collection without a marker is judged by its points: those of somebody else are never mixed with', async () => {
    const { store, collection } = await opened();
    await server.ask('PUT', `/collections/${collection}`, { sparse_vectors: { text: { modifier: 'idf' } } });
    const points = [{ id: 1, vector: {}, payload: { mine: true } }];
    await server.ask('PUT', `/collections/${collection}/points?wait=true`, { points });
    expect(await store.prepare(signal)).toEqual({
      kind: 'other-shape',
      why: `the collection "${collection}" is not as nika writes it: its points are not those of nika`,
    });
    await server.ask('POST', `/collections/${collection}/points/delete?wait=true`, { points: [1] });
    expect(await store.prepare(signal)).toEqual({ kind: 'done', value: 'there' });
  });

  it('writes a point with its complete payload, and a second time is the same write', async () => {
    const { store, collection } = await opened();
    await store.prepare(signal);
    const point = rememberedPoint({ data: { result: 'the websocket test is no longer flaky' } });
    for (let time = 0; time < 2; time += 1) expect(await store.write([point], signal)).toEqual(done);
    const found = await server.ask('POST', `/collections/${collection}/points/scroll`, { with_vector: true });
    const vector = { text: { indices: expect.any(Array), values: expect.any(Array) } };
    expect(found).toMatchObject({
      points: [{ id: point.id, payload: JSON.parse(JSON.stringify(point.payload)), vector }],
    });
    expect(await store.present([point.id, '0195f0a0-0000-7000-8000-00000000ffff'], signal)).toEqual({
      kind: 'done',
      value: new Set([point.id]),
    });
  });

  it('of an entity the first terminal point stands, and its created one no more; a repeat changes nothing', async () => {
    const { store, standing } = await opened();
    await store.prepare(signal);
    const created = rememberedPoint({ type: 'entity_created' });
    const other = rememberedPoint({ type: 'entity_created', entity: 'JOB-b' });
    const failed = rememberedPoint({ type: 'job_failed' });
    const later = rememberedPoint({ type: 'job_completed' });
    await store.write([created, other], signal);
    expect(await standing([created, other])).toEqual([true, true]);
    for (const batch of [[failed], [later], [failed, later], [created], [created, other, failed, later]]) {
      expect(await store.write(batch, signal)).toEqual(done);
      expect(await standing([created, other, failed])).toEqual([false, true, true]);
    }
    expect(await standing([later])).toEqual([false]);
  });

  it('of a session its first end stands, whatever became of its entity', async () => {
    const { store, standing } = await opened();
    await store.prepare(signal);
    const ends = ['s-1', 's-1', 's-2'].map((session) =>
      rememberedPoint({ type: 'session_end_summary', session, data: { outcome: 'failed' } }),
    );
    await store.write([rememberedPoint(), ...ends], signal);
    await store.write(ends, signal);
    expect(await standing(ends)).toEqual([true, false, true]);
  });

  it('a rebuild asks nothing, and has all of it applied when the last batch is done', async () => {
    const { store, collection } = await opened();
    await store.prepare(signal);
    const points = Array.from({ length: 2000 }, (_, n) => rememberedPoint({ entity: `JOB-${n}` }));
    for (let at = 0; at < points.length; at += 500) {
      const isLast = at + 500 >= points.length;
      expect(await store.writeFresh(points.slice(at, at + 500), isLast, signal)).toEqual(done);
    }
    expect(await server.count({}, collection)).toBe(2000);
  });

  it('takes out by id, and what is older than kept, of one kind alone', async () => {
    const { store, collection } = await opened();
    await store.prepare(signal);
    const old = rememberedPoint({ ts: '2025-01-01T00:00:00.000Z' });
    const session = rememberedPoint({ type: 'session_end_summary', ts: '2025-01-01T00:00:00.000Z' });
    const young = rememberedPoint({ entity: 'JOB-b', ts: '2026-01-01T00:00:00.000Z' });
    await store.write([old, session, young], signal);
    const beforeMs = Date.parse(young.payload.ts);
    expect(await store.removeBefore('job', beforeMs, signal)).toEqual({ kind: 'done', value: 1 });
    expect(await store.removeBefore('job', beforeMs, signal)).toEqual({ kind: 'done', value: 0 });
    expect(await store.remove([session.id, old.id], signal)).toEqual(done);
    expect(
      await store.present(
        [old, session, young].map(({ id }) => id),
        signal,
      ),
    ).toMatchObject({
      value: new Set([young.id]),
    });
    expect(await server.count({}, collection)).toBe(1);
  });

  describe('with dense vectors', () => {
    let isAway = false;
    const dense: DenseEncoder = {
      model: 'small',
      dimension: 2,
      encode: async (texts) => texts.map((text) => (isAway ? undefined : [text.length, 1])),
    };

    it('points are written without, and completed once the endpoint answers', async () => {
      const { store, collection } = await opened({ dense });
      await store.prepare(signal);
      const data = { result: 'it works' };
      await store.write([rememberedPoint({ data }), rememberedPoint({ entity: 'JOB-b', data })], signal);
      isAway = true;
      expect(await store.completeDense(10, signal)).toMatchObject({ kind: 'away' });
      isAway = false;
      expect(await store.completeDense(1, signal)).toEqual({ kind: 'done', value: 1 });
      expect(await store.completeDense(10, signal)).toEqual({ kind: 'done', value: 1 });
      expect(await store.completeDense(10, signal)).toEqual({ kind: 'done', value: 0 });
      expect(await server.count({ must: [{ has_vector: 'dense' }, { has_vector: 'text' }] }, collection)).toBe(2);
    });

    it('a collection without them, or of another model, goes on by words alone', async () => {
      const { store, options } = await opened();
      await store.prepare(signal);
      const later = await openStore({ ...options, dense });
      expect(await later.prepare(signal)).toEqual({ kind: 'done', value: 'there' });
      expect(await later.write([rememberedPoint()], signal)).toEqual(done);
      expect(await later.completeDense(10, signal)).toEqual({ kind: 'done', value: 0 });
    });
  });
});
