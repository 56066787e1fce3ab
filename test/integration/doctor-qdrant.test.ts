import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../../src/memory/qdrant/open-store.ts';
import { type Diagnosis, diagnose } from '../doctor.ts';
import { rememberedPoint } from '../fixtures/memory-points.ts';
import { TestHome } from '../nika.ts';
import { hasQdrant, QdrantServer } from '../servers/qdrant.ts';
import { freePort } from '../servers/redis.ts';

const WITHIN_MS = 3_000;
const KEY = 'k3y-0f-doctor';
const signal = new AbortController().signal;

/** What doctor says; in time, whatever is there, without the key, and with a remedy for whatever is wrong. */
const diagnoseQdrant = async (env: Readonly<Record<string, string>>, config = ''): Promise<Diagnosis> => {
  using home = new TestHome();
  if (config !== '') writeFileSync(join(home.dir, 'config/nika.yaml'), config, { mode: 0o600 });
  const diagnosis = await diagnose(home, env);
  expect(diagnosis.tookMs).toBeLessThan(WITHIN_MS);
  expect(diagnosis.output).not.toContain(env['NIKA_QDRANT_API_KEY'] ?? KEY);
  for (const { status, remedy, id } of diagnosis.findings)
    if (status === 'wrong' || status === 'degraded') expect([id, remedy]).toEqual([id, expect.stringMatching(/\S/)]);
  return diagnosis;
};

describe.skipIf(!hasQdrant)('nika doctor and a Qdrant', () => {
  let server: QdrantServer;
  beforeAll(async () => {
    server = await QdrantServer.open();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });
  const inCollection = (collection: string) => ({ ...server.env, NIKA_QDRANT_COLLECTION: collection });

  it('that is well: where it is, its version, and how much is remembered', async () => {
    const empty = await diagnoseQdrant(server.env);
    expect([empty.code, empty.wrong]).toEqual([0, []]);
    expect(empty.of('qdrant.collection')).toMatchObject({
      status: 'info',
      says: expect.stringContaining('not there yet'),
    });
    await using store = await openStore({ target: server.target() });
    await store.prepare(signal);
    await store.write([rememberedPoint(), rememberedPoint({ entity: 'JOB-b' })], signal);
    const { wrong, of } = await diagnoseQdrant(server.env);
    expect(wrong).toEqual([]);
    expect(of('qdrant.reach')).toMatchObject({ status: 'ok', says: expect.stringContaining(server.url) });
    expect(of('qdrant.version')).toMatchObject({ status: 'ok', says: expect.stringMatching(/^Qdrant 1\.\d+/) });
    expect(of('qdrant.collection')).toMatchObject({ status: 'ok', says: '"nika_memory" holds 2 points' });
  });

  it('whose collection lacks indexes, or the dense vectors that are configured: what helps', async () => {
    await using store = await openStore({ target: server.target({ collection: 'lacking' }) });
    await store.prepare(signal);
    await server.ask('DELETE', '/collections/lacking/index/domain?wait=true');
    const embeddings = 'memory: { embeddings: { url: "http://127.0.0.1:1/v1", model: small, dimension: 2 } }\n';
    const { of, wrong } = await diagnoseQdrant(inCollection('lacking'), embeddings);
    expect(wrong).toEqual([]);
    expect(of('qdrant.indexes')).toMatchObject({
      status: 'degraded',
      remedy: expect.stringContaining('nika memory sync'),
    });
    expect(of('qdrant.dense')).toMatchObject({
      status: 'degraded',
      remedy: expect.stringContaining('nika memory migrate'),
    });
  });

  it.each([
    ['of another shape', { vectors: { size: 2, distance: 'Dot' } }, 'qdrant.collection'],
    [
      'of a newer version',
      { sparse_vectors: { text: { modifier: 'idf' } }, metadata: { nika_schema: 9 } },
      'Update nika',
    ],
    [
      'of an older version',
      { sparse_vectors: { text: { modifier: 'idf' } }, metadata: { nika_schema: 0 } },
      'memory migrate',
    ],
  ])('with a collection %s: a clear finding, and it is left as it is', async (what, shape, remedy) => {
    const collection = what.replaceAll(' ', '_');
    await server.ask('PUT', `/collections/${collection}`, shape);
    const before = await server.ask('GET', `/collections/${collection}`);
    const { code, of } = await diagnoseQdrant(inCollection(collection));
    expect(code).toBe(1);
    expect(of('qdrant.collection')).toMatchObject({ status: 'wrong', remedy: expect.stringContaining(remedy) });
    expect(await server.ask('GET', `/collections/${collection}`)).toEqual(before);
  });

  it('that asks for another key', async () => {
    const { wrong } = await diagnoseQdrant({ ...server.env, NIKA_QDRANT_API_KEY: KEY });
    expect(wrong).toEqual(['qdrant.key']);
  });

  it('that hangs: in time (G1, G9)', async () => {
    server.stop();
    try {
      const { wrong, of } = await diagnoseQdrant(server.env);
      expect(wrong).toEqual(['qdrant.reach']);
      expect(of('qdrant.reach')?.says).toContain('no answer within 400 ms');
    } finally {
      server.cont();
    }
  });
});

describe('nika doctor and what is no Qdrant', () => {
  it('nobody listens: how to start one', async () => {
    const { wrong, of } = await diagnoseQdrant({ NIKA_QDRANT_URL: `http://127.0.0.1:${await freePort()}` });
    expect(wrong).toEqual(['qdrant.reach']);
    expect(of('qdrant.reach')?.remedy).toContain('nika up --qdrant');
  });

  it('something else listens', async () => {
    const stranger = createServer((_, response) => response.end('<html>hello</html>')).listen(0, '127.0.0.1');
    await once(stranger, 'listening');
    const { port } = stranger.address() as AddressInfo;
    const { wrong } = await diagnoseQdrant({ NIKA_QDRANT_URL: `http://127.0.0.1:${port}` });
    stranger.close();
    expect(wrong).toEqual(['qdrant.protocol']);
  });
});
