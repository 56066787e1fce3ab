import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrateMemory, type MigrateOptions } from '../../src/memory/qdrant/migrate.ts';
import { openStore } from '../../src/memory/qdrant/open-store.ts';
import type { MemoryPoint } from '../../src/memory/point.ts';
import { rememberedPoint } from '../fixtures/memory-points.ts';
import { hasQdrant, QdrantServer } from '../servers/qdrant.ts';

const signal = new AbortController().signal;
const COUNT = 95;

describe.skipIf(!hasQdrant)('migrating memory', () => {
  let server: QdrantServer;
  let made = 0;
  beforeAll(async () => {
    server = await QdrantServer.open();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  const dense = { model: 'small', dimension: 2 };
  const points = Array.from({ length: COUNT }, (_, n) =>
    rememberedPoint({ entity: `JOB-${n}`, data: { result: `n${n}` } }),
  );
  /** Of version 0, where a job was called a task. */
  const older = ({ id, payload: { job, ...payload } }: MemoryPoint) => ({
    id,
    vector: {},
    payload: { ...payload, schema: 0, task: job },
  });
  const upgrades: MigrateOptions['upgrades'] = new Map([[0, ({ task, ...payload }) => ({ ...payload, job: task })]]);

  const ofVersion = async (schema: number): Promise<Pick<MigrateOptions, 'target' | 'pageCount'>> => {
    const collection = `memory_${(made += 1)}`;
    const options = { target: server.target({ collection }), pageCount: 10 };
    if (schema === 1) {
      await using store = await openStore(options);
      await store.prepare(signal);
      await store.writeFresh(points, true, signal);
      return options;
    }
    const shape = { sparse_vectors: { text: { modifier: 'idf' } }, metadata: { nika_schema: schema } };
    await server.ask('PUT', `/collections/${collection}`, shape);
    await server.ask('PUT', `/collections/${collection}/points?wait=true`, { points: points.map(older) });
    return options;
  };
  const nameOf = ({ target }: Pick<MigrateOptions, 'target'>): string => target.collection;
  const infoOf = (name: string) => server.ask('GET', `/collections/${name}`);

  it('of this version there is nothing to do: it says so, and adds payload indexes that are missing', async () => {
    const options = await ofVersion(1);
    expect(await migrateMemory(options, signal)).toEqual({ kind: 'done', value: { kind: 'nothing', added: [] } });
    await server.ask('DELETE', `/collections/${nameOf(options)}/index/domain?wait=true`);
    expect(await migrateMemory(options, signal)).toEqual({
      kind: 'done',
      value: { kind: 'nothing', added: ['domain'] },
    });
    const nowhere = { target: server.target({ collection: 'never_there' }) };
    expect(await migrateMemory(nowhere, signal)).toEqual({ kind: 'done', value: { kind: 'made' } });
  });

  it('makes one of an older version anew, and it stands under the same name', async () => {
    const options = await ofVersion(0);
    const progress: number[] = [];
    const onProgress = (done: number): unknown => progress.push(done);
    const by = `${nameOf(options)}_v2`;
    expect(await migrateMemory({ ...options, upgrades, onProgress }, signal)).toEqual({
      kind: 'done',
      value: { kind: 'migrated', points: COUNT, collection: by },
    });
    expect(progress).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90, 95]);
    expect(await infoOf(nameOf(options))).toMatchObject({
      points_count: COUNT,
      config: { metadata: { nika_schema: 1 } },
    });
    expect(
      await server.count({ must: [{ key: 'job', match: { value: 'fix' } }, { has_vector: 'text' }] }, nameOf(options)),
    ).toBe(COUNT);
    expect(await migrateMemory(options, signal)).toEqual({ kind: 'done', value: { kind: 'nothing', added: [] } });
    await using store = await openStore(options);
    expect(await store.prepare(signal)).toEqual({ kind: 'done', value: 'there' });
  });

  it('a way that is not known changes nothing', async () => {
    const options = await ofVersion(0);
    expect(await migrateMemory(options, signal)).toEqual({
      kind: 'other-shape',
      why: 'there is no way from version 0: run "nika memory rebuild"',
    });
    expect(await server.count({}, nameOf(options))).toBe(COUNT);
  });

  it('ended in the middle it goes on where it was, and the old one is used until then', async () => {
    const options = { ...(await ofVersion(0)), upgrades };
    const ended = new AbortController();
    const reason = new Error('ended');
    const onProgress = (done: number): void => {
      if (done >= 50) ended.abort(reason);
    };
    await expect(migrateMemory({ ...options, onProgress }, ended.signal)).rejects.toBe(reason);
    expect(await infoOf(nameOf(options))).toMatchObject({ config: { metadata: { nika_schema: 0 } } });
    const progress: number[] = [];
    await server.restart();
    expect(await migrateMemory({ ...options, onProgress: (done) => progress.push(done) }, signal)).toMatchObject({
      value: { points: COUNT },
    });
    expect(progress[0]).toBeGreaterThan(50);
    expect(await server.count({}, nameOf(options))).toBe(COUNT);
  });

  it('gives it the dense vectors that were configured later, again and again without a moment without a collection', async () => {
    const options = await ofVersion(1);
    for (const [model, collection] of [
      ['small', `${nameOf(options)}_v2`],
      ['other', `${nameOf(options)}_v3`],
    ] as const) {
      expect(await migrateMemory({ ...options, dense: { ...dense, model } }, signal)).toEqual({
        kind: 'done',
        value: { kind: 'migrated', points: COUNT, collection },
      });
      expect(await infoOf(nameOf(options))).toMatchObject({
        config: { params: { vectors: { dense: { size: 2 } } }, metadata: { nika_dense_model: model } },
      });
    }
    const { collections } = (await server.ask('GET', '/collections')) as { collections: { name: string }[] };
    expect(collections.map(({ name }) => name).filter((name) => name.startsWith(nameOf(options)))).toEqual([
      `${nameOf(options)}_v3`,
    ]);
  });

  it('a collection of somebody else, or one that stands where the new one would, is left alone', async () => {
    const options = await ofVersion(0);
    const by = `${nameOf(options)}_v2`;
    await server.ask('PUT', `/collections/${by}`, { vectors: { size: 2, distance: 'Dot' } });
    expect(await migrateMemory({ ...options, upgrades }, signal)).toMatchObject({
      kind: 'other-shape',
      why: `the collection "${by}" is in the way: remove it, if it is not needed`,
    });
    const strange = { target: server.target({ collection: by }) };
    expect(await migrateMemory(strange, signal)).toMatchObject({ kind: 'other-shape' });
    expect(await infoOf(by)).toMatchObject({ config: { params: { vectors: { size: 2 } } } });
  });
});
