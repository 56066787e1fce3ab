import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPointFilter, FIELD_OF, valuesIn } from '../../src/memory/filter.ts';
import type { MemorySource } from '../../src/memory/memory-source.ts';
import type { MemoryPoint } from '../../src/memory/point.ts';
import type { DenseEncoder } from '../../src/memory/qdrant/dense-encoder.ts';
import { openStore } from '../../src/memory/qdrant/open-store.ts';
import { openQdrantSource, type SourceOptions } from '../../src/memory/qdrant/qdrant-source.ts';
import { MEMORY_GROUPS, type MemoryFilter, memoryFilterSchema } from '../../src/model/memory.ts';
import { plainVector, rememberedPoint } from '../fixtures/memory-points.ts';
import { hasQdrant, QdrantServer } from '../servers/qdrant.ts';

const signal = new AbortController().signal;
const DAY_MS = 86_400_000;
const FROM_MS = Date.parse('2026-04-01T00:00:00.000Z');

const pick = <T>(list: readonly T[], n: number): T => list[n % list.length] as T;
const WORDS = 'flaky websocket test timeout redis socket hook policy merge conflict parser unicode'.split(' ');

/** Points of many kinds, each made from its number. */
const numbered = (n: number): MemoryPoint =>
  rememberedPoint({
    type: pick(['job_completed', 'job_failed', 'job_cancelled', 'entity_created', 'session_end_summary'] as const, n),
    entity: `${pick(['JOB', 'JOB', 'TASK', 'PROJ'], Math.floor(n / 5))}-${Math.floor(n / 3)}`,
    session: `session-${Math.floor(n / 2)}`,
    ts: new Date(FROM_MS + (n % 60) * DAY_MS * 0.5).toISOString(),
    meta: {
      root_id: `${pick(['JOB', 'JOB', 'TASK', 'PROJ'], Math.floor(n / 5))}-${Math.floor(n / 3)}`,
      domain: pick(['hooks', 'bus', 'queue'], n),
      job: pick(['fix', 'audit'], n * 7),
      host: pick(['a', 'b'], n),
      ...(n % 2 === 0 ? { intent: pick(['refactor', 'feature'], n / 2) } : {}),
      ...(n % 3 === 0 ? { tags: ['nightly', pick(['x', 'y'], n)] } : {}),
      ...(n % 4 === 0 ? { agent: 'claude', role: 'reviewer' } : {}),
    },
    data: {
      outcome: pick(['completed', 'failed'], n),
      work: { tools: n % 2 === 0 ? ['Bash', 'Read'] : ['Edit'], models: [pick(['m-1', 'm-2'], n)] },
      calls_by_tool: { Bash: 2, Grep: 1 },
      result: `${pick(WORDS, n)} ${pick(WORDS, n * 5 + 1)} ${pick(WORDS, n * 7 + 2)}`,
    },
  });

describe.skipIf(!hasQdrant)('what Qdrant answers', () => {
  const points = Array.from({ length: 600 }, (_, n) => numbered(n));
  /** As the writer leaves them. */
  let stored: readonly MemoryPoint[];
  let server: QdrantServer;
  let source: MemorySource & AsyncDisposable;

  const filled = async (
    collection: string,
    given: readonly MemoryPoint[],
    dense?: DenseEncoder,
  ): Promise<SourceOptions> => {
    const options = { target: server.target({ collection }), encode: plainVector, ...(dense && { dense }) };
    await using store = await openStore(options);
    await store.prepare(signal);
    for (let at = 0; at < given.length; at += 100) await store.write(given.slice(at, at + 100), signal);
    if (dense !== undefined) await store.completeDense(1000, signal);
    return options;
  };

  beforeAll(async () => {
    server = await QdrantServer.open();
    source = await openQdrantSource(await filled('nika_memory', points));
    const found = await server.ask('POST', '/collections/nika_memory/points/scroll', { limit: 1000 });
    stored = (found as { points: MemoryPoint[] }).points;
    if (stored.length !== points.length) throw new Error(`${stored.length} points were stored`);
  });
  afterAll(async () => {
    await source[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  const values = (field: string): readonly string[] => [
    ...new Set(points.flatMap(({ payload }) => valuesIn(payload, field))),
    'none',
  ];
  /** Mostly nothing: else no point is left by all of them together. */
  const rarely = <T>(one: fc.Arbitrary<T>) =>
    fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: one });
  const some = (field: string) => rarely(fc.subarray([...values(field).slice(0, 5), 'none'], { minLength: 1 }));
  const times = fc.option(
    fc.integer({ min: -2, max: 70 }).map((half) => FROM_MS + half * DAY_MS * 0.5 + (half % 2 === 0 ? 0 : 0.5)),
    { nil: undefined },
  );
  const filters = fc
    .record({
      ...Object.fromEntries(
        Object.entries(FIELD_OF).flatMap(([name, field]) => (name === 'day' ? [] : [[name, some(field)]])),
      ),
      kind: fc.option(fc.subarray(['job', 'task', 'session', 'proj'], { minLength: 1 }), { nil: undefined }),
      fromMs: times,
      untilMs: times,
    })
    .map((given): MemoryFilter => memoryFilterSchema.parse(given));
  const standing = (filter: MemoryFilter): readonly MemoryPoint[] => {
    const is = createPointFilter({ ...filter, kind: filter.kind ?? ['job'] });
    return stored.filter(({ payload }) => payload.standing && is(payload));
  };

  it('a filter means the same to it as to the bus', { timeout: 60_000 }, async () => {
    const counts = new Set<number>();
    await fc.assert(
      fc.asyncProperty(filters, async (filter) => {
        const { count } = await source.count({ filter }, signal);
        counts.add(count);
        expect(count).toBe(standing(filter).length);
      }),
      { numRuns: 300 },
    );
    expect(counts.size).toBeGreaterThan(10); // not of nothing
  });

  it('times far away are bounds as well', async () => {
    const all = { kind: ['job', 'task', 'session', 'proj'] } as const;
    const { count } = await source.count({ filter: all }, signal);
    expect(count).toBeGreaterThan(100);
    for (const [filter, expected] of [
      [{ fromMs: -9e15, untilMs: 9e15 }, count],
      [{ fromMs: 9e15 }, 0],
      [{ untilMs: -9e15 }, 0],
    ] as const)
      expect(await source.count({ filter: { ...all, ...filter } }, signal)).toEqual({ count: expected });
  });

  it.each(MEMORY_GROUPS)('counts by %s: the largest first, then by value', async (by) => {
    const filter = memoryFilterSchema.parse({ kind: ['job', 'session'], fromMs: FROM_MS });
    const expected = new Map<string, number>();
    for (const { payload } of standing(filter))
      for (const value of new Set(valuesIn(payload, FIELD_OF[by]))) expected.set(value, (expected.get(value) ?? 0) + 1);
    const groups = Array.from(expected, ([value, count]) => ({ value, count })).toSorted(
      (a, b) => b.count - a.count || (a.value < b.value ? -1 : 1),
    );
    expect(groups.length).toBeGreaterThan(0);
    expect(await source.count({ filter, by }, signal)).toEqual({ count: standing(filter).length, groups });
  });

  it('an entity is counted once, by its last state', async () => {
    const { count } = await source.count({ filter: {} }, signal);
    const jobs = points.filter(({ payload }) => payload.kind === 'job');
    expect(count).toBe(new Set(jobs.map(({ payload }) => payload.entity_id)).size);
  });

  /** Scores as Qdrant makes them: N and n over all points with words, whatever is filtered. */
  const scored = (words: string, filter: MemoryFilter, without?: string) => {
    const is = createPointFilter(filter);
    const vectors = stored.map((point) => ({ point, ...plainVector(point.payload.text) }));
    const counted = vectors.filter(({ indices }) => indices.length > 0).length;
    const idf = plainVector(words).indices.map((index) => {
      const n = vectors.filter(({ indices }) => indices.includes(index)).length;
      return { index, weight: Math.log((counted - n + 0.5) / (n + 0.5) + 1) };
    });
    const best = new Map<string, { id: string; score: number }>();
    for (const { point, indices } of vectors) {
      const hits = idf.filter(({ index }) => indices.includes(index));
      const { entity_id: entity } = point.payload;
      if (hits.length === 0 || !point.payload.standing || !is(point.payload) || entity === without) continue;
      const score = hits.reduce((sum, { weight }) => sum + weight, 0);
      if (score > (best.get(entity)?.score ?? -1)) best.set(entity, { id: point.id, score });
    }
    return [...best.values()].toSorted((a, b) => b.score - a.score);
  };
  const scoresOf = (hits: readonly { score: number }[]) => hits.map(({ score }) => Math.round(score * 1000) / 1000);

  it.each([1, 5, 40])(
    'finds of each entity its best point, limit %i, by words alone, filtered inside of Qdrant',
    async (limit) => {
      for (const filter of [{}, { domain: ['hooks'] }, { kind: ['session'], fromMs: FROM_MS + 5 * DAY_MS }] as const) {
        const asked = { words: 'flaky websocket test', filter, limit };
        const hits = await source.search(asked, signal);
        expect(scoresOf(hits)).toEqual(scoresOf(scored(asked.words, filter).slice(0, limit)));
        expect(new Set(hits.map(({ payload }) => payload.entity_id)).size).toBe(hits.length);
        expect(hits.every(({ payload }) => createPointFilter(filter)(payload))).toBe(true);
        expect(await source.search(asked, signal)).toEqual(hits); // ties too
        const ties = hits.map(({ score, id }) => [-score, id] as const);
        expect(ties.toSorted((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1))).toEqual(ties);
      }
    },
  );

  it('more entities than there are: gives those that there are', async () => {
    const asked = { words: 'flaky', filter: {}, limit: 300 };
    expect(await source.search(asked, signal)).toHaveLength(scored('flaky', {}).length);
    expect(await source.search({ ...asked, words: 'nothing-of-that-kind' }, signal)).toEqual([]);
    expect(await source.search({ ...asked, words: '—' }, signal)).toEqual([]);
  });

  it('finds what is like an entity, by its newest point that has a text, and leaves that entity out', async () => {
    const entity = 'JOB-100';
    const own = stored.filter(({ payload }) => payload.entity_id === entity && payload.text !== '');
    const newest = own.toSorted((a, b) => (a.payload.ts + a.id < b.payload.ts + b.id ? -1 : 1)).at(-1);
    const hits = await source.similar(entity, { filter: {}, limit: 10 }, signal);
    expect(scoresOf(hits)).toEqual(scoresOf(scored(newest?.payload.text ?? '', {}, entity).slice(0, 10)));
    expect(await source.similar('JOB-unknown', { filter: {}, limit: 10 }, signal)).toEqual([]);
  });

  it('with dense vectors fuses both ways, filtered both; without an answer of the endpoint in time by words alone', async () => {
    let hangs = false;
    const dense: DenseEncoder = {
      model: 'small',
      dimension: 2,
      encode: async (texts, given) => {
        if (hangs)
          await new Promise((_, reject) => given.addEventListener('abort', () => reject(given.reason as Error)));
        return texts.map((text) => (/socket|wire/.test(text) ? [1, 0] : [0, 1]));
      },
    };
    const told = (entity: string, result: string, domain = 'hooks') =>
      rememberedPoint({ entity, meta: { domain, job: entity }, data: { result } });
    const given = [told('JOB-1', 'socket closed'), told('JOB-2', 'wire cut'), told('JOB-3', 'socket', 'bus')];
    const options = await filled('with_dense', [...given, told('JOB-4', 'typo on page', 'docs')], dense);
    await using fused = await openQdrantSource({ ...options, denseWithinMs: 100 });
    const entities = async (): Promise<readonly string[]> => {
      const hits = await fused.search({ words: 'socket', filter: { domain: ['hooks'] }, limit: 2 }, signal);
      return hits.map(({ payload }) => payload.entity_id);
    };
    expect(await entities()).toEqual(['JOB-1', 'JOB-2']);
    const like = await fused.similar('JOB-2', { filter: {}, limit: 2 }, signal);
    expect(like.map(({ payload }) => payload.entity_id).toSorted()).toEqual(['JOB-1', 'JOB-3']);
    hangs = true;
    expect(await entities()).toEqual(['JOB-1']);
  });

  it('a collection of another shape, or none, is not asked: the bus answers', async () => {
    await server.ask('PUT', '/collections/others', { vectors: { size: 2, distance: 'Dot' } });
    for (const [collection, kind] of [
      ['others', 'other-shape'],
      ['nowhere', 'away'],
    ]) {
      await using other = await openQdrantSource({ target: server.target({ collection }), encode: plainVector });
      await expect(other.count({ filter: {} }, signal)).rejects.toMatchObject({ failure: { kind } });
      await expect(other.search({ words: 'a', filter: {}, limit: 1 }, signal)).rejects.toMatchObject({
        failure: { kind },
      });
    }
  });

  it('rejects with the reason of its caller at once', async () => {
    const reason = new Error('no longer wanted');
    await expect(source.count({ filter: {} }, AbortSignal.abort(reason))).rejects.toBe(reason);
    const late = new AbortController();
    server.stop();
    const asked = source.count({ filter: {} }, late.signal);
    late.abort(reason);
    await expect(asked).rejects.toBe(reason);
    server.cont();
  });
});
