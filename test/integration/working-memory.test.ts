import { createHash, randomBytes } from 'node:crypto';
import { copyFileSync, mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { tryLock } from '../../src/bus/segments.ts';
import { Contracts } from '../../src/ipc/contracts/contracts.ts';
import { HomeContracts } from '../../src/ipc/contracts/home-contracts.ts';
import { parseArtifactName, type PutCondition } from '../../src/ipc/working-memory/artifact.ts';
import { bringAllMemory, bringMemory } from '../../src/ipc/working-memory/bring-memory.ts';
import { HomeMemory } from '../../src/ipc/working-memory/home-memory.ts';
import { type RedisWay, WorkingMemory } from '../../src/ipc/working-memory/working-memory.ts';
import { JobKeys } from '../../src/ipc/job-keys.ts';
import { parseEntityId } from '../../src/model/id.ts';
import { MemoryKeeper } from '../../src/pod/memory/memory-keeper.ts';
import { createKeys, type Keys } from '../../src/redis/keys.ts';
import { type Link, openWriter } from '../../src/redis/link.ts';
import { runScripts } from '../../src/redis/scripts/script.ts';
import { targetOf } from '../servers/target.ts';
import { RedisServer } from '../servers/redis.ts';

const JOB = parseEntityId('JOB-20261120-k3f9xq2m');
const PLAN = parseArtifactName('plan.json');
const sha = (value: Buffer): string => createHash('sha256').update(value).digest('hex');

/** A home with its own connection, as another host has it. */
class Host implements AsyncDisposable {
  readonly runDir = mkdtempSync(join(tmpdir(), 'nika-wm-'));
  readonly home: HomeMemory;
  readonly memory: WorkingMemory;
  readonly link: Link | undefined;
  readonly keys: Keys = createKeys('');
  isCutOff = false;

  constructor(link: Link | undefined, maxBytes?: number) {
    this.link = link;
    this.home = new HomeMemory({ runDir: this.runDir, tryLock, ...(maxBytes === undefined ? {} : { maxBytes }) });
    this.memory = new WorkingMemory({ home: this.home, way: () => Promise.resolve(this.way()) });
  }

  way(): RedisWay {
    const { link, keys } = this;
    if (link === undefined) return { kind: 'none' };
    return link.status.kind === 'ready' && !this.isCutOff
      ? { kind: 'link', link, keys }
      : { kind: 'away', why: 'gone' };
  }

  put(name: string, value: string | Buffer, condition?: PutCondition) {
    const wish = { artifact: parseArtifactName(name), value: Buffer.from(value), contentType: 'text/plain' };
    return this.memory.put(JOB, { ...wish, session: 's1', condition });
  }

  async get(name: string): Promise<string | undefined> {
    return (await this.memory.get(JOB, parseArtifactName(name))).artifact?.value.toString();
  }

  async names(): Promise<readonly string[]> {
    return (await this.memory.list(JOB)).heads.map(({ artifact }) => artifact);
  }

  bring() {
    if (this.link === undefined) throw new Error('no link');
    return bringMemory({ link: this.link, keys: this.keys, home: this.home }, JOB);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.link?.close();
    rmSync(this.runDir, { recursive: true, force: true });
  }
}

describe('working memory', () => {
  let server: RedisServer;
  const hosts: Host[] = [];

  const openHost = async (maxBytes?: number): Promise<Host> => {
    const link = await openWriter(targetOf(server.url));
    expect(await link.untilReady(2_000)).toBe(true);
    const host = new Host(link, maxBytes);
    hosts.push(host);
    return host;
  };

  beforeAll(async () => {
    server = await RedisServer.open();
  });
  beforeEach(async () => {
    await server.admin.flushall();
  });
  afterEach(async () => {
    await server.mustHaveTtls(); // G5
    for (const host of hosts.splice(0)) await host[Symbol.asyncDispose]();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  it('keeps type, size, hash and session of any bytes, for another host to get', async () => {
    const [a, b] = [await openHost(), await openHost()];
    const value = randomBytes(100_000);
    expect(await a.put('blob.bin', value)).toMatchObject({ kind: 'put', where: 'redis' });
    const { artifact } = await b.memory.get(JOB, parseArtifactName('blob.bin'));
    expect(artifact?.value.equals(value)).toBe(true);
    expect(artifact).toMatchObject({ bytes: 100_000, sha256: sha(value), contentType: 'text/plain', session: 's1' });
    const stored = await server.admin.hgetall(`nika:wm:${JOB}:blob.bin`);
    expect(Object.keys(stored).toSorted()).toEqual(['bytes', 'content_type', 'session_id', 'sha256', 'ts', 'value']);
    expect(await server.admin.ttl(`nika:wm:${JOB}:blob.bin`)).toBe(3600);
    expect(await b.names()).toEqual(['blob.bin']);
  });

  it('lets one of two writers win where both saw the same version, and nobody put what is there already', async () => {
    const [a, b] = [await openHost(), await openHost()];
    await a.put('plan.json', 'first');
    const condition = { kind: 'sha256', sha256: sha(Buffer.from('first')) } as const;
    const both = await Promise.all([a.put('plan.json', 'mine', condition), b.put('plan.json', 'yours', condition)]);
    expect(both.map(({ kind }) => kind).toSorted()).toEqual(['conflict', 'put']);
    expect(await a.put('plan.json', 'again', { kind: 'absent' })).toMatchObject({ kind: 'conflict' });
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, at) => (at % 2 ? a : b).put('new', String(at), { kind: 'absent' })),
    );
    expect(all.filter(({ kind }) => kind === 'put')).toHaveLength(1);
  });

  it('has at most 1,000 artifacts a job, and room again when one is deleted', async () => {
    const host = await openHost();
    const put = (at: number) => host.put(`a${at}`, 'x');
    for (let from = 0; from < 1_000; from += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, at) => put(from + at)));
    }
    expect(await host.names()).toHaveLength(1_000);
    expect(await put(1_000)).toMatchObject({ kind: 'full' });
    expect(await host.put('a1', 'over what is there')).toMatchObject({ kind: 'put' });
    await host.memory.delete(JOB, parseArtifactName('a7'), 's1');
    expect(await put(1_000)).toMatchObject({ kind: 'put', where: 'redis' });
  });

  it('takes names out of the index whose artifact never came', async () => {
    const host = await openHost();
    await server.admin.hset(
      `nika:wm:${JOB}`,
      Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`dead${at}`, 1])),
    );
    await server.admin.expire(`nika:wm:${JOB}`, 60);
    expect(await host.put('plan.json', 'x')).toMatchObject({ kind: 'put', where: 'redis' });
    expect(await server.admin.hkeys(`nika:wm:${JOB}`)).toEqual(['plan.json']);
  });

  it('is kept alive by the heartbeat of its job, each artifact, a deletion not (G5)', async () => {
    const host = await openHost();
    await host.put('plan.json', 'x');
    await host.put('old', 'x');
    await host.memory.delete(JOB, parseArtifactName('old'), 's1');
    const keys = [`nika:wm:${JOB}`, `nika:wm:${JOB}:plan.json`, `nika:wm:${JOB}:old`];
    for (const key of keys) await server.admin.expire(key, 5);
    const jobKeys = new JobKeys(host.keys, () => JOB);
    for (let beat = 0; beat < 2; beat += 1) {
      const parts = await jobKeys.nextParts('heartbeat');
      if (host.link === undefined) throw new Error('no link');
      const outcomes = await runScripts(
        host.link,
        parts.map(({ call }) => call),
      );
      for (const [at, { settle }] of parts.entries()) settle(outcomes[at] ?? { kind: 'unsent', why: '' });
    }
    const [index, artifact, gone] = await Promise.all(keys.map((key) => server.admin.ttl(key)));
    expect([index, artifact]).toEqual([3600, 3600]);
    expect(gone).toBeLessThanOrEqual(5);
  });

  it('is written and read in the home while Redis hangs, and brought to it afterwards (G1, G4)', async () => {
    const [a, b] = [await openHost(), await openHost()];
    await a.put('plan.json', 'before');
    await a.put('gone', 'before');
    server.stop();
    try {
      const startedAtMs = performance.now();
      const condition = { kind: 'sha256', sha256: sha(Buffer.from('before')) } as const;
      expect(await a.put('plan.json', 'meanwhile', condition)).toMatchObject({ kind: 'put', where: 'home' });
      expect(performance.now() - startedAtMs).toBeLessThan(1_800); // Redis is waited for once, a second
      expect(await a.put('new', 'meanwhile')).toMatchObject({ kind: 'put', where: 'home' });
      expect(await a.memory.delete(JOB, parseArtifactName('gone'), 's1')).toMatchObject({
        kind: 'deleted',
        where: 'home',
      });
      expect(await a.get('plan.json')).toBe('meanwhile');
      expect(await a.names()).toEqual(['new', 'plan.json']);
    } finally {
      server.cont();
    }
    expect(await a.link?.untilReady(5_000)).toBe(true);
    expect(await b.link?.untilReady(5_000)).toBe(true);
    expect(await a.bring()).toMatchObject({ why: undefined });
    expect(await b.get('plan.json')).toBe('meanwhile');
    expect(await b.names()).toEqual(['new', 'plan.json']);
    expect(await a.bring()).toEqual({ broughtCount: 0, why: undefined });
  });

  it('lets what another host put later stand, and forgets its own copy of what was there before', async () => {
    const [a, b] = [await openHost(), await openHost()];
    await a.home.put(
      JOB,
      { artifact: PLAN, value: Buffer.from('old'), contentType: 'text/plain', session: 's1' },
      1_000,
    );
    await b.put('plan.json', 'newer');
    expect(await a.get('plan.json')).toBe('newer');
    expect(await a.bring()).toEqual({ broughtCount: 0, why: undefined });
    expect(await a.home.names(JOB)).toEqual([]);
  });

  it('is there again after FLUSHALL, and what was deleted elsewhere is not (G4)', async () => {
    const [a, b] = [await openHost(), await openHost()];
    await a.put('plan.json', 'mine');
    await a.put('other', 'mine');
    await b.memory.delete(JOB, parseArtifactName('other'), 's2');
    await a.bring();
    await server.admin.flushall();
    expect(await b.get('plan.json')).toBeUndefined();
    expect(await a.get('plan.json')).toBe('mine'); // the copy, and on the way it is brought
    expect(await b.get('plan.json')).toBe('mine');
    expect(await b.names()).toEqual(['plan.json']);
  });

  it('is brought by the next reconcile only while its time is not over, and then removed', async () => {
    const host = await openHost();
    await host.put('plan.json', 'x');
    await server.admin.flushall();
    const hourAgo = new Date(Date.now() - 3_700_000);
    utimesSync(host.home.dirOf(JOB), hourAgo, hourAgo);
    if (host.link === undefined) throw new Error('no link');
    const bring = { link: host.link, keys: host.keys, home: host.home };
    expect(await bringAllMemory(bring, 3_600_000)).toEqual({ broughtCount: 0, why: undefined });
    await host.home.touch(JOB);
    expect(await bringAllMemory(bring, 3_600_000)).toEqual({ broughtCount: 1, why: undefined });
    utimesSync(host.home.dirOf(JOB), hourAgo, hourAgo);
    expect(await host.home.tidy(3_600_000)).toEqual([JOB]);
    expect(readdirSync(join(host.runDir, 'wm'))).toEqual([]);
  });

  it('has all in its index again where that alone was lost, so that it is listed and kept alive (G4, G5)', async () => {
    const [a, b] = [await openHost(), await openHost()];
    await a.put('plan.json', 'x');
    await a.put('old', 'x');
    await b.memory.delete(JOB, parseArtifactName('old'), 's2');
    await server.admin.del(`nika:wm:${JOB}`); // evicted; or FLUSHALL came between the name and its artifact
    expect(await b.names()).toEqual([]);
    await a.bring();
    expect(await b.names()).toEqual(['plan.json']);
    expect(await server.admin.hkeys(`nika:wm:${JOB}`)).toEqual(['plan.json']);
  });

  it('is brought at the next look of the pod where Redis refused a version, and not a minute later (G4)', async () => {
    const [a, b] = [await openHost(), await openHost()];
    const way = () => Promise.resolve(a.way());
    const homeContracts = new HomeContracts({ runDir: a.runDir, tryLock });
    const contracts = new Contracts({ way, home: homeContracts });
    const given = { home: a.home, memory: a.memory, homeContracts, contracts, job: JOB, way };
    await using keeper = new MemoryKeeper({ ...given, everyMs: 1_000_000 });
    await a.put('plan.json', 'old');
    await keeper.look(); // all is compared over this connection
    await server.configSet('maxmemory', '1');
    try {
      expect(await a.put('plan.json', 'new')).toMatchObject({ kind: 'put', where: 'home' });
      await keeper.look();
    } finally {
      await server.configSet('maxmemory', '0');
    }
    expect(await b.get('plan.json')).toBe('old');
    await keeper.look();
    expect(await b.get('plan.json')).toBe('new');
  });

  it('is deleted by a home that does not know it, while Redis is away', async () => {
    const [a, b] = [await openHost(), await openHost()];
    await b.put('plan.json', 'x');
    a.isCutOff = true;
    expect(await a.memory.delete(JOB, PLAN, 's1')).toMatchObject({ kind: 'deleted', where: 'home' });
    a.isCutOff = false;
    await a.bring();
    expect(await b.get('plan.json')).toBeUndefined();
  });

  it('remembers so many deletions and no more (G6)', async () => {
    await using host = new Host(undefined);
    const forget = (name: string) =>
      host.home.delete(JOB, parseArtifactName(name), { ts: Date.now(), session: 's1', isNew: true });
    await forget('first');
    const dir = host.home.dirOf(JOB);
    for (let at = 0; at < 1_998; at += 1) copyFileSync(join(dir, 'first.gone'), join(dir, `a${at}.gone`));
    utimesSync(join(dir, 'first.gone'), new Date(0), new Date(0));
    await forget('last');
    const names = readdirSync(dir);
    expect(names).toHaveLength(1_000);
    expect([names.includes('first.gone'), names.includes('last.gone')]).toEqual([false, true]);
  });

  it('is not tidied away while somebody puts something, nor while a pod of its job lives', async () => {
    await using host = new Host(undefined);
    const hourAgo = new Date(Date.now() - 3_700_000);
    for (let at = 0; at < 50; at += 1) {
      await host.put('old', 'x');
      utimesSync(host.home.dirOf(JOB), hourAgo, hourAgo);
      const others = new HomeMemory({ runDir: host.runDir, tryLock });
      const [put] = await Promise.all([host.put('new', String(at)), others.tidy(3_600_000)]);
      expect([put.kind, await host.get('new')]).toEqual(['put', String(at)]);
    }
    utimesSync(host.home.dirOf(JOB), hourAgo, hourAgo); // a machine that slept
    expect(await host.home.tidy(3_600_000, () => true)).toEqual([]);
    expect(await host.home.tidy(3_600_000, () => false)).toEqual([JOB]);
  });

  it('keeps no more copies than the home has room for, and says so', async () => {
    const host = await openHost(10_000);
    await host.put('a', 'x'.repeat(6_000));
    expect(await host.put('b', 'x'.repeat(6_000))).toMatchObject({ kind: 'put', where: 'redis' });
    expect(host.memory.uncopiedCount).toBe(1);
    expect(await host.home.names(JOB)).toEqual(['a']);
  });

  it('is refused by a full Redis and taken by the home', async () => {
    const host = await openHost();
    await server.configSet('maxmemory', '1');
    try {
      expect(await host.put('plan.json', 'x')).toMatchObject({ kind: 'put', where: 'home' });
    } finally {
      await server.configSet('maxmemory', '0');
    }
    await server.mustHaveTtls();
    expect(await host.get('plan.json')).toBe('x');
    expect(await server.admin.hget(`nika:wm:${JOB}:plan.json`, 'value')).toBe('x');
  });

  it('works in a home without Redis, for two processes at once, up to 1,000 artifacts', async () => {
    await using one = new Host(undefined);
    const two = new HomeMemory({ runDir: one.runDir, tryLock });
    const wish = (at: number) => ({
      artifact: parseArtifactName(`a${at}`),
      value: Buffer.from('x'),
      contentType: 't',
      session: '',
    });
    const condition = { kind: 'absent' } as const;
    const both = await Promise.all([
      one.home.put(JOB, { ...wish(0), condition }, 1),
      two.put(JOB, { ...wish(0), condition }, 2),
    ]);
    expect(both.map(({ kind }) => kind).toSorted()).toEqual(['conflict', 'put']);
    for (let at = 1; at < 1_000; at += 1) await one.home.put(JOB, wish(at), at);
    expect(await one.put('a1000', 'x')).toMatchObject({ kind: 'full' });
    expect(await one.names()).toHaveLength(1_000);
  });
});
