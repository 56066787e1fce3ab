import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { readFirstWord } from '../../src/doctor/redis/first-word.ts';
import { type Diagnosis, diagnose } from '../doctor.ts';
import { TestHome } from '../nika.ts';
import { until } from '../pods.ts';
import { ServiceHome } from '../service-home.ts';
import { Proxy } from '../servers/proxy.ts';
import { freePort, RedisServer } from '../servers/redis.ts';

const WITHIN_MS = 3000;
/** 4 s for 800 keys; meanwhile it answers now and then. */
const SLOW_LOAD = ['key-load-delay 5000', 'loading-process-events-interval-bytes 4096'];
const PASSWORD = 's3cr3t-pa55';

/** What doctor says of the Redis at that url; whatever that is, in time and without its password. */
const diagnoseRedis = async (url: string): Promise<Diagnosis> => {
  using home = new TestHome();
  const diagnosis = await diagnose(home, { NIKA_REDIS_URL: url });
  expect(diagnosis.tookMs).toBeLessThan(WITHIN_MS);
  expect(diagnosis.output).not.toContain(PASSWORD);
  for (const { status, remedy, id } of diagnosis.findings)
    if (status === 'wrong' || status === 'degraded') expect([id, remedy]).toEqual([id, expect.stringMatching(/\S/)]);
  return diagnosis;
};

describe('nika doctor and a Redis that can be used', () => {
  it('finds nothing wrong', async () => {
    await using server = await RedisServer.open();
    const { code, wrong, of } = await diagnoseRedis(server.url);
    expect([code, wrong]).toEqual([0, []]);
    expect(of('redis.reach')).toMatchObject({ status: 'ok', says: server.url });
    expect(of('redis.version')?.says).toMatch(/^(?:Redis|Valkey) \d+\./);
    expect(of('redis.latency')?.status).toBe('ok');
    expect(of('redis.memory')?.status).toBe('ok');
    expect(of('redis.policy')?.status).toBe('ok');
    expect(of('redis.clock')?.status).toBe('ok');
    expect(of('redis.rights')?.says).toContain('all that nika needs is allowed');
    expect(await server.admin.dbsize()).toBe(0);
  });

  it('knows the one that nika up started for the home: well, and wrong when it died', async () => {
    await using home = new ServiceHome();
    await home.nika('up', '--redis');
    const well = await diagnose(home.home);
    expect([well.code, well.wrong]).toEqual([0, []]);
    expect(well.of('redis.rights')?.status).toBe('ok');
    expect(well.output).not.toContain(home.secret('redis'));
    chmodSync(join(home.home.dir, 'config/nika.yaml'), 0o644);
    expect((await diagnose(home.home)).of('config.password')).toBeUndefined(); // it is in run/, which is ours alone
    const { pid } = home.state('redis').process;
    process.kill(pid, 'SIGKILL');
    await until('Redis to be gone', () => home.servers('redis').length === 0);
    const died = await diagnose(home.home);
    expect([died.code, died.wrong]).toEqual([1, ['redis.reach']]);
    expect(died.of('redis.reach')?.remedy).toContain('nika up --redis');
    await home.nika('up', '--redis');
    expect((await diagnose(home.home)).wrong).toEqual([]);
    await home.nika('down');
    expect((await diagnose(home.home)).of('redis.reach')?.status).toBe('info');
  });

  it('warns of a policy that drops streams', async () => {
    await using server = await RedisServer.open({ config: ['maxmemory 100mb', 'maxmemory-policy volatile-lru'] });
    const { code, of } = await diagnoseRedis(server.url);
    expect(of('redis.policy')).toMatchObject({ status: 'degraded', says: expect.stringContaining('volatile-lru') });
    expect(of('redis.policy')?.remedy).toContain('noeviction');
    expect(code).toBe(0);
  });

  it('warns where memory is nearly full, and says where it is full', async () => {
    await using server = await RedisServer.open();
    await server.admin.set('ballast', 'x'.repeat(20_000_000));
    await server.configSet('maxmemory', '24mb');
    const near = await diagnoseRedis(server.url);
    expect(near.of('redis.memory')).toMatchObject({ status: 'degraded', says: expect.stringMatching(/8\d|9\d/) });
    expect(near.code).toBe(0);
    await server.configSet('maxmemory', '10mb');
    const full = await diagnoseRedis(server.url);
    expect(full.of('redis.memory')).toMatchObject({ status: 'wrong', says: expect.stringContaining('refuses') });
    expect(full.code).toBe(1);
  });

  it('says that it is slow', async () => {
    await using server = await RedisServer.open();
    await using proxy = await Proxy.open(server.port);
    proxy.set({ kind: 'latency', ms: 60 });
    const { code, of, wrong } = await diagnoseRedis(proxy.url);
    expect(of('redis.latency')).toMatchObject({ status: 'degraded', says: expect.stringMatching(/within 1\d\d ms/) });
    expect([code, wrong]).toEqual([0, []]);
  });

  it('names the right that its user lacks, and how to grant it', async () => {
    await using server = await RedisServer.open();
    await server.admin.call('ACL', 'SETUSER', 'nika', 'on', `>${PASSWORD}`, '~nika:*', '~agent:*', '+@all', '-xadd');
    const { code, of, wrong } = await diagnoseRedis(`redis://nika:${PASSWORD}@127.0.0.1:${server.port}`);
    expect(wrong).toEqual(['redis.rights']);
    expect(of('redis.rights')).toMatchObject({
      says: 'its user "nika" may not run XADD',
      remedy: 'redis-cli ACL SETUSER nika ~nika:* ~agent:* +xadd',
    });
    expect(code).toBe(1);
  });

  it('says that it is the keys, where those are what its user may not use', async () => {
    await using server = await RedisServer.open();
    await server.admin.call('ACL', 'SETUSER', 'nika', 'on', `>${PASSWORD}`, '~other:*', '+@all', '-time');
    const { of, wrong } = await diagnoseRedis(`redis://nika:${PASSWORD}@127.0.0.1:${server.port}`);
    expect(wrong).toEqual(['redis.rights']);
    expect(of('redis.rights')).toMatchObject({
      says: 'its user "nika" may not use the keys of nika (~nika:* ~agent:*), and may not run TIME',
      remedy: 'redis-cli ACL SETUSER nika ~nika:* ~agent:* +time',
    });
  });

  it('says that it refuses all writes since it cannot save, and where it takes them all the same', async () => {
    await using server = await RedisServer.open({ config: ['save 3600 1'] });
    mkdirSync(join(server.dir, 'dump.rdb')); // no file can take its place
    await server.admin.set('some', 'thing', 'EX', 600);
    await server.admin.bgsave();
    while (!(await server.admin.info('persistence')).includes('rdb_last_bgsave_status:err')) await delay(10);
    const refused = await diagnoseRedis(server.url);
    expect([refused.code, refused.wrong]).toEqual([1, ['redis.save']]);
    expect(refused.of('redis.save')?.says).toMatch(/refuses all writes \(MISCONF\).*snapshot/);
    expect(refused.of('redis.save')?.remedy).toContain('Make room');
    await server.configSet('stop-writes-on-bgsave-error', 'no');
    const taken = await diagnoseRedis(server.url);
    expect([taken.code, taken.of('redis.save')?.status]).toEqual([0, 'degraded']);
  });

  it('looks at the rest where INFO is denied', async () => {
    await using server = await RedisServer.open();
    await server.admin.call('ACL', 'SETUSER', 'nika', 'on', `>${PASSWORD}`, '~*', '+@all', '-info');
    const { of, wrong } = await diagnoseRedis(`redis://nika:${PASSWORD}@127.0.0.1:${server.port}`);
    expect(wrong).toEqual(['redis.rights']);
    expect(of('redis.version')).toMatchObject({ status: 'info', says: expect.stringContaining('are not known') });
    expect(of('redis.latency')?.status).toBe('ok');
  });

  it('says that it is a read-only replica, and of whom', async () => {
    await using primary = await RedisServer.open();
    await using replica = await RedisServer.open({ config: [`replicaof 127.0.0.1 ${primary.port}`] });
    const { code, of, wrong } = await diagnoseRedis(replica.url);
    expect(wrong).toEqual(['redis.role']);
    expect(of('redis.role')?.says).toContain(`replica of 127.0.0.1:${primary.port}`);
    expect(of('redis.role')?.remedy).toContain('primary');
    expect(code).toBe(1);
  });
});

describe('nika doctor and a Redis that cannot be used: wrong, with its remedy, within 3 s', () => {
  it('one that is not there', async () => {
    const { code, of, wrong } = await diagnoseRedis(`redis://nika:${PASSWORD}@127.0.0.1:${await freePort()}`);
    expect([code, wrong]).toEqual([1, ['redis.reach']]);
    expect(of('redis.reach')?.says).toContain('ECONNREFUSED');
    expect(of('redis.reach')?.remedy).toMatch(/Start it, .*redis\.url or NIKA_REDIS_URL.*nika up --redis/);
  });

  it('one that hangs (SIGSTOP)', async () => {
    await using server = await RedisServer.open();
    server.stop();
    const { code, of, wrong } = await diagnoseRedis(server.url);
    server.cont();
    expect([code, wrong]).toEqual([1, ['redis.reach']]);
    expect(of('redis.reach')?.says).toContain('does not answer');
    expect(of('redis.reach')?.remedy).toContain('hangs');
  });

  it('one that takes the connection and never answers', async () => {
    await using server = await RedisServer.open();
    await using proxy = await Proxy.open(server.port);
    proxy.set({ kind: 'silent' });
    const { code, wrong } = await diagnoseRedis(proxy.url);
    expect([code, wrong]).toEqual([1, ['redis.reach']]);
  });

  it('one that stops answering in the middle', async () => {
    await using server = await RedisServer.open();
    await using proxy = await Proxy.open(server.port);
    proxy.set({ kind: 'silent-after', bytes: 7000 });
    const { code, wrong } = await diagnoseRedis(proxy.url);
    expect([code, wrong]).toEqual([1, ['redis.reach']]);
  });

  it('one that asks for a password (NOAUTH)', async () => {
    await using server = await RedisServer.open({ config: [`requirepass ${PASSWORD}`], password: PASSWORD });
    const { code, of, wrong } = await diagnoseRedis(server.url);
    expect([code, wrong]).toEqual([1, ['redis.login']]);
    expect(of('redis.login')?.remedy).toContain('NIKA_REDIS_URL');
  });

  it('one that another password is right for (WRONGPASS)', async () => {
    await using server = await RedisServer.open({ config: ['requirepass another'], password: 'another' });
    const { code, of, wrong } = await diagnoseRedis(`redis://:${PASSWORD}@127.0.0.1:${server.port}`);
    expect([code, wrong]).toEqual([1, ['redis.login']]);
    expect(of('redis.login')?.says).toContain('WRONGPASS');
  });

  it('one that loads its data (LOADING)', async () => {
    await using server = await RedisServer.open({ isPersistent: true, config: SLOW_LOAD });
    const pipeline = server.admin.pipeline();
    for (let nth = 0; nth < 800; nth += 1) pipeline.set(`k${nth}`, 'x'.repeat(2000), 'EX', 600);
    await pipeline.exec();
    await server.admin.bgrewriteaof();
    while ((await server.admin.info('persistence')).includes('aof_rewrite_in_progress:1')) await delay(10);
    await server.kill();
    const started = server.start();
    while (!(await readFirstWord({ kind: 'tcp', host: '127.0.0.1', port: server.port }, 1000))?.startsWith('-LOADING'))
      await delay(10);
    const { code, of, wrong } = await diagnoseRedis(server.url);
    await started;
    expect([code, wrong, of('redis.reach')?.says]).toEqual([1, ['redis.loading'], undefined]);
    expect(of('redis.loading')?.remedy).toContain('Wait');
  });

  it('one that has no such database', async () => {
    await using server = await RedisServer.open();
    const { code, wrong } = await diagnoseRedis(`${server.url}/99`);
    expect([code, wrong]).toEqual([1, ['redis.database']]);
  });

  it('one that is no Redis', async () => {
    const http = createHttpServer((_, response) => response.end('hello')).listen(0, '127.0.0.1');
    await once(http, 'listening');
    const { port } = http.address() as AddressInfo;
    const { code, of, wrong } = await diagnoseRedis(`redis://nika:${PASSWORD}@127.0.0.1:${port}`);
    http.closeAllConnections();
    http.close();
    expect([code, wrong]).toEqual([1, ['redis.protocol']]);
    expect(of('redis.protocol')?.remedy).toContain('Something else listens');
  });

  it('others may read its password in the settings', async () => {
    using home = new TestHome();
    const file = join(home.dir, 'config/nika.yaml');
    writeFileSync(file, `redis: { url: "redis://:${PASSWORD}@127.0.0.1:1" }\n`);
    chmodSync(file, 0o644);
    const { of, output } = await diagnose(home);
    expect(of('config.password')).toMatchObject({ status: 'degraded', remedy: expect.stringContaining('chmod 600') });
    expect(output).not.toContain(PASSWORD);
    chmodSync(file, 0o600);
    expect((await diagnose(home)).of('config.password')).toBeUndefined();
  });
});
