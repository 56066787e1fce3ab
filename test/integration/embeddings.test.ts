import { chmodSync, globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DenseClient } from '../../src/memory/encode/dense.ts';
import { EmbeddingCache } from '../../src/memory/encode/embedding-cache.ts';
import { encodeDocument, encodeQuestion } from '../../src/memory/encode/sparse.ts';
import { openStore } from '../../src/memory/qdrant/open-store.ts';
import { openQdrantSource } from '../../src/memory/qdrant/qdrant-source.ts';
import { Secret } from '../../src/model/secret.ts';
import { rememberedPoint } from '../fixtures/memory-points.ts';
import { hasQdrant, QdrantServer } from '../servers/qdrant.ts';
import { EmbeddingsServer, vectorOf, type EmbeddingsFault } from '../servers/embeddings.ts';

const DIMENSION = 16;
const KEY = 'sk-this-is-the-key-0123456789';
const never = new AbortController().signal;

let server: EmbeddingsServer;
let dir: string;
beforeEach(async () => {
  server = await EmbeddingsServer.open(DIMENSION);
  dir = join(mkdtempSync(join(tmpdir(), 'nika-embeddings-')), 'memory/embeddings');
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(join(dir, '../..'), { recursive: true, force: true });
});

const clientOf = ({ url = server.url, timeoutMs = 5_000, batch = 4, model = 'small' } = {}): DenseClient =>
  new DenseClient({ url, model, dimension: DIMENSION, apiKey: new Secret(KEY), batch, timeoutMs }, dir);
const texts = (count: number): readonly string[] => Array.from({ length: count }, (_, n) => `text ${n}`);
const vectors = (of: readonly string[]) => of.map((text) => vectorOf(text, DIMENSION));

describe('dense vectors', () => {
  it('come in the order of the texts, asked for in batches, with the key', async () => {
    const outcome = await clientOf().tryEncode(texts(10), never);
    expect(outcome).toEqual({ vectors: vectors(texts(10)) });
    expect(server.requests.map(({ input }) => input.length)).toEqual([4, 4, 2]);
    expect(server.requests[0]).toMatchObject({
      path: '/v1/embeddings',
      model: 'small',
      authorization: `Bearer ${KEY}`,
    });
  });

  it('are asked for once: the same text again, also in another process, comes from the disk', async () => {
    const first = await clientOf().tryEncode(['a', 'b', 'a', ' '], never);
    expect(server.requests.flatMap(({ input }) => input)).toEqual(['a', 'b']);
    expect(first.vectors[3]).toBeUndefined(); // nothing in it
    server.fault = { kind: 'hang' };
    expect(await clientOf().tryEncode(['b', 'a'], never)).toEqual({ vectors: vectors(['b', 'a']) });
    server.fault = { kind: 'none' };
    await clientOf({ model: 'other' }).tryEncode(['a'], never);
    expect(server.requests).toHaveLength(2);
  });

  it('are made again where a file on disk is damaged', async () => {
    await clientOf().encode(['a'], never);
    const [file = ''] = globSync('*/*', { cwd: dir });
    const bytes = readFileSync(join(dir, file));
    for (const damaged of [bytes.subarray(0, 7), Buffer.from(bytes).fill(7, 10, 12)]) {
      writeFileSync(join(dir, file), damaged);
      expect(await clientOf().encode(['a'], never)).toEqual(vectors(['a']));
    }
    expect(statSync(join(dir, file)).mode & 0o777).toBe(0o600);
  });

  it('are made also where nothing can be kept (G1)', async () => {
    const file = join(dir, '../../file');
    writeFileSync(file, '');
    chmodSync(file, 0o400);
    const settings = { url: server.url, model: 'small', dimension: DIMENSION, batch: 4, timeoutMs: 5_000 };
    const client = new DenseClient(settings, join(file, 'embeddings'));
    expect(await client.tryEncode(['a'], never)).toEqual({ vectors: vectors(['a']) });
  });
});

describe('an endpoint that fails', () => {
  const cases: readonly (readonly [string, EmbeddingsFault, string, RegExp])[] = [
    ['hangs', { kind: 'hang' }, 'away', /^no answer within 300 ms$/],
    ['stalls within its answer', { kind: 'stall' }, 'away', /^no answer within 300 ms$/],
    [
      'says 500 and the key',
      { kind: 'status', status: 500, body: `no: ${KEY}\u001b[31m` },
      'away',
      /^HTTP 500: no: \[secret\] \[31m$/,
    ],
    ['says that it is too much', { kind: 'status', status: 429, body: '' }, 'away', /^HTTP 429$/],
    [
      'says 401 with a part of the key',
      { kind: 'status', status: 401, body: 'sk-this***6789' },
      'refused',
      /^HTTP 401: it asks for a key/,
    ],
    [
      'sends elsewhere',
      { kind: 'status', status: 302, body: '', headers: { location: 'http://127.0.0.1:1/' } },
      'garbage',
      /302/,
    ],
    [
      'does not know the model',
      { kind: 'status', status: 404, body: 'model "small" not found' },
      'not-taken',
      /404: model "small" not found/,
    ],
    ['answers with garbage', { kind: 'body', body: '<html>hello</html>' }, 'garbage', /no "data" with vectors: <html>/],
    ['answers with nothing', { kind: 'body', body: '' }, 'garbage', /\(empty\)/],
    ['leaves vectors out', { kind: 'body', body: '{"data":[]}' }, 'garbage', /lacks vector 0 of 1/],
    ['answers without end', { kind: 'flood' }, 'garbage', /longer than such vectors are/],
    [
      'has another dimension',
      { kind: 'dimension', dimension: 8 },
      'other-dimension',
      /small gives 8 numbers, and memory.embeddings.dimension says 16/,
    ],
  ];

  it.each(cases)('%s: told as a value, in time, without the key (G1)', async (_, fault, kind, why) => {
    server.fault = fault;
    const client = clientOf({ timeoutMs: fault.kind === 'hang' || fault.kind === 'stall' ? 300 : 20_000 });
    const outcome = await client.tryEncode(['a'], never);
    expect(outcome).toMatchObject({
      vectors: [undefined],
      failure: { kind, why: expect.stringMatching(why) as unknown },
    });
    expect(client.failure).toEqual(outcome.failure);
    expect(inspect([outcome, client], { depth: 9, showHidden: true }) + JSON.stringify(outcome)).not.toContain(KEY);
    server.fault = { kind: 'none' };
    expect(await client.tryEncode(['a'], never)).toEqual({ vectors: vectors(['a']) });
    expect(client.failure).toBeUndefined();
  });

  it('is not there: told as a value', async () => {
    const { url } = server;
    await server[Symbol.asyncDispose]();
    const { vectors, failure } = await clientOf({ url }).tryEncode(texts(3), never);
    expect(vectors).toEqual([undefined, undefined, undefined]);
    expect(failure).toMatchObject({ kind: 'away', why: expect.stringContaining('ECONNREFUSED') as unknown });
    server = await EmbeddingsServer.open(DIMENSION);
  });

  it('is asked no further after the first failure; what was made stays made', async () => {
    const client = clientOf();
    await client.encode(texts(4), never);
    server.fault = { kind: 'status', status: 503, body: 'busy' };
    const { vectors: made, failure } = await client.tryEncode(texts(20), never);
    expect(made.slice(0, 4)).toEqual(vectors(texts(4)));
    expect(made.slice(4).every((vector) => vector === undefined)).toBe(true);
    expect(failure?.kind).toBe('away');
    expect(server.requests).toHaveLength(2);
  });

  it('takes no long text: the others are made all the same, and of that one the beginning', async () => {
    server.fault = { kind: 'longest', chars: 1_500 };
    const long = 'word '.repeat(1_000);
    const { vectors: made, failure } = await clientOf().tryEncode(['a', long, 'b', 'c'], never);
    expect(failure).toBeUndefined();
    expect(made).toEqual(vectors(['a', long.slice(0, 1_000), 'b', 'c']));
  });

  it('takes one text not even in part: the others are made all the same; after some of that kind it is asked no more', async () => {
    server.fault = { kind: 'longest', chars: 500 };
    const long = 'word '.repeat(300);
    const { vectors: made, failure } = await clientOf().tryEncode(['a', long, ...texts(40)], never);
    expect(made).toEqual([...vectors(['a']), undefined, ...vectors(texts(40))]);
    expect(failure).toMatchObject({ kind: 'not-taken' });
    server.fault = { kind: 'status', status: 404, body: 'no such model' };
    const before = server.requests.length;
    await clientOf().tryEncode(
      texts(500).map((text) => `other ${text}`),
      never,
    );
    expect(server.requests.length - before).toBeLessThan(20);
  });

  it('lets go at once when nobody wants it any more', async () => {
    server.fault = { kind: 'hang' };
    const controller = new AbortController();
    const encoded = clientOf().tryEncode(['a'], controller.signal);
    const reason = new Error('not wanted');
    controller.abort(reason);
    await expect(encoded).rejects.toBe(reason);
  });
});

it('vectors on disk stay within their bound, the newest of them (G6)', async () => {
  const maxBytes = 256 * 4 * (4 + DIMENSION * 4); // four in each folder
  const cache = new EmbeddingCache({ dir, of: 'small', dimension: DIMENSION, maxBytes });
  for (const text of texts(1_500)) await cache.write(text, vectorOf(text, DIMENSION));
  const files = globSync('*/*', { cwd: dir });
  expect(files.length).toBeLessThanOrEqual(4 * 256);
  expect(files.length).toBeGreaterThan(2 * 256);
  expect(await cache.read('text 1499')).toEqual(vectorOf('text 1499', DIMENSION));
});

describe.skipIf(!hasQdrant)('points in Qdrant', () => {
  it('are found by their words while the endpoint is away, and get their vectors when it is back (G4)', async () => {
    await using qdrant = await QdrantServer.open();
    const target = qdrant.target();
    const dense = clientOf();
    await using store = await openStore({ target, encode: encodeDocument, dense });
    await store.prepare(never);
    server.fault = { kind: 'status', status: 503, body: '' };
    const data = { result: 'it works' };
    const points = [rememberedPoint({ data }), rememberedPoint({ entity: 'JOB-b', data })];
    expect(await store.write(points, never)).toMatchObject({ kind: 'done' });
    expect(await store.completeDense(10, never)).toMatchObject({ kind: 'away' });
    const [point] = points;
    await using source = await openQdrantSource({ target, encode: encodeQuestion, dense });
    const found = () => source.search({ words: point?.payload.text ?? '', filter: {}, limit: 5 }, never);
    expect(await found()).toHaveLength(2);
    server.fault = { kind: 'none' };
    expect(await store.completeDense(10, never)).toEqual({ kind: 'done', value: 2 });
    expect(await qdrant.count({ must: [{ has_vector: 'dense' }, { has_vector: 'text' }] }, target.collection)).toBe(2);
    expect(await found()).toHaveLength(2);
  });
});
