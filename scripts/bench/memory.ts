/**
 * Put and get of working memory beside a bare HSET with EXPIRE, and HGETALL, on the same Redis in the same run, by turns:
 * in process as a pod's supervisor does it, with and without the copy in the home.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { tryLock } from '../../src/bus/segments.ts';
import { parseArtifactName } from '../../src/ipc/working-memory/artifact.ts';
import { HomeMemory } from '../../src/ipc/working-memory/home-memory.ts';
import { RedisMemory } from '../../src/ipc/working-memory/redis-memory.ts';
import { WorkingMemory } from '../../src/ipc/working-memory/working-memory.ts';
import { parseEntityId } from '../../src/model/id.ts';
import { createKeys } from '../../src/redis/keys.ts';
import { openWriter } from '../../src/redis/link.ts';
import { RedisServer } from '../../test/servers/redis.ts';
import { targetOf } from '../../test/servers/target.ts';
import { fixed, machine, percentiles, row } from './figures.ts';

const CALLS = 400;
const ROUNDS = 5;
const NAMES = 50;
const JOB = parseEntityId('JOB-20261120-k3f9xq2m');

await using server = await RedisServer.open();
const dir = mkdtempSync(join(tmpdir(), 'nika-bench-wm-'));
const bare = new Redis({ port: server.port, host: '127.0.0.1' });
await using link = await openWriter(targetOf(server.url));
await link.untilReady(2_000);
const keys = createKeys('');
const home = new HomeMemory({ runDir: dir, tryLock });
const memory = new WorkingMemory({ home, way: () => Promise.resolve({ kind: 'link', link, keys }) });
const alone = new RedisMemory(link, keys);
const nameOf = (n: number) => parseArtifactName(`a${n % NAMES}`);

const measure = async (work: (n: number) => Promise<unknown>, into: number[]): Promise<void> => {
  for (let n = 0; n < CALLS; n += 1) {
    const atMs = performance.now();
    await work(n);
    into.push((performance.now() - atMs) * 1000);
  }
};

console.log(`${machine()}\n`);
row('', ['p50 µs', 'p99 µs', 'p50 ÷ bare']);
row('---', ['---', '---', '---']);
for (const bytes of [1_000, 100_000]) {
  const value = randomBytes(bytes);
  const wish = (n: number) => ({ artifact: nameOf(n), value, contentType: 'text/plain', session: 's' });
  let ts = Date.now();
  const putAlone = (n: number) => {
    ts += 1;
    const head = { artifact: nameOf(n), contentType: 'text/plain', bytes, sha256: '0'.repeat(64), session: 's', ts };
    return alone.put(JOB, { ...head, value });
  };
  const works: readonly (readonly [string, string, (n: number) => Promise<unknown>])[] = [
    [
      'bare HSET, EXPIRE',
      'put',
      (n) =>
        bare
          .multi()
          .hset(`bare:${n % NAMES}`, 'value', value, 'bytes', bytes)
          .expire(`bare:${n % NAMES}`, 60)
          .exec(),
    ],
    ['put, Redis alone', 'put', putAlone],
    ['put, with the copy in the home', 'put', (n) => memory.put(JOB, wish(n))],
    ['bare HGETALL', 'get', (n) => bare.hgetallBuffer(`bare:${n % NAMES}`)],
    ['get, Redis alone', 'get', (n) => alone.get(JOB, nameOf(n))],
    ['get, with a look at the home', 'get', (n) => memory.get(JOB, nameOf(n))],
  ];
  const samples = works.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [at, [, , work]] of works.entries()) await measure(work, samples[at] ?? []);
  }
  const bareP50 = new Map<string, number>();
  for (const [at, [name, kind]] of works.entries()) {
    const { p50, p99 } = percentiles(Float64Array.from(samples[at] ?? []));
    if (!bareP50.has(kind)) bareP50.set(kind, p50);
    row(`${bytes / 1000} kB: ${name}`, [fixed(p50, 0), fixed(p99, 0), fixed(p50 / (bareP50.get(kind) ?? p50), 2)]);
  }
}
bare.disconnect();
rmSync(dir, { recursive: true, force: true });
