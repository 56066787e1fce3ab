/** Owns a Qdrant of its own for one benchmark, asked over bare HTTP: its sparse way with our vectors, and its text index. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { encodeDocument, encodeQuestion } from '../../src/memory/encode/sparse.ts';
import { Secret } from '../../src/model/secret.ts';
import { qdrantService } from '../../src/services/qdrant-service.ts';
import { PLACES, type Document, type Hit, type Search } from './ranking.ts';

const START_WITHIN_MS = 20_000;
const SECRET = new Secret('of-this-benchmark');

interface Point {
  /** The place of the document in the list. */
  readonly id: number;
  readonly score?: number;
}

export interface QdrantRanking extends AsyncDisposable {
  /** Our vectors, scored by Qdrant: with its scores. */
  sparse(words: string): Promise<readonly Hit[]>;
  /** Its text index: all words must be there; in the order in which they are given. */
  readonly allWords: Search;
  /** The same, one of the words will do. */
  readonly anyWord: Search;
}

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
};

type Call = (method: string, path: string, body?: unknown) => Promise<unknown>;

const load = async (call: Call, documents: readonly Document[]): Promise<void> => {
  await call('PUT', '', { vectors: {}, sparse_vectors: { text: { modifier: 'idf' } } });
  await call('PUT', '/index?wait=true', { field_name: 'text', field_schema: { type: 'text', tokenizer: 'word' } });
  const points = documents.map(({ text }, id) => ({ id, vector: { text: encodeDocument(text) }, payload: { text } }));
  await call('PUT', '/points?wait=true', { points });
};

const untilReady = async (port: number): Promise<void> => {
  const untilMs = performance.now() + START_WITHIN_MS;
  while ((await qdrantService.probe({ port, secret: SECRET, withinMs: 500 })) !== 'ready') {
    if (performance.now() > untilMs) throw new Error('Qdrant did not start');
    await wait(50);
  }
};

export const openQdrantRanking = async (documents: readonly Document[]): Promise<QdrantRanking | undefined> => {
  const binary = qdrantService.find({ cwd: process.cwd(), env: process.env });
  if (binary === undefined) return undefined;
  const dir = mkdtempSync(join(tmpdir(), 'nika-bench-recall-'));
  const port = await freePort();
  const configPath = join(dir, qdrantService.configFile);
  writeFileSync(configPath, qdrantService.config({ port, secret: SECRET, dataDir: dir }));
  const child = spawn(binary, qdrantService.args(configPath), { stdio: 'ignore', cwd: dir });
  const ended = once(child, 'exit');
  const call: Call = async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${port}/collections/recall${path}`, {
      method,
      headers: { 'api-key': SECRET.reveal(), 'content-type': 'application/json', 'accept-encoding': 'identity' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = (await response.json()) as { readonly result: unknown };
    if (!response.ok) throw new Error(`Qdrant: ${method} ${path}: ${JSON.stringify(answer).slice(0, 300)}`);
    return answer.result;
  };
  const end = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await untilReady(port);
    await load(call, documents);
  } catch (thrown) {
    await end();
    throw thrown;
  }
  const byText = async (match: object): Promise<readonly string[]> => {
    const filter = { must: [{ key: 'text', match }] };
    const { points } = (await call('POST', '/points/scroll', { filter, limit: PLACES })) as {
      readonly points: readonly Point[];
    };
    return points.map(({ id }) => documents[id]?.id ?? '');
  };
  return {
    sparse: async (words) => {
      const query = encodeQuestion(words);
      const body = { query, using: 'text', limit: PLACES, with_payload: false };
      const { points } = (await call('POST', '/points/query', body)) as { readonly points: readonly Point[] };
      return points.map(({ id, score = 0 }) => ({ id: documents[id]?.id ?? '', score }));
    },
    allWords: (words) => byText({ text: words }),
    anyWord: (words) => byText({ text_any: words }),
    [Symbol.asyncDispose]: end,
  };
};
