import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sessionIdSchema } from '../../src/model/id.ts';
import { USED_COMMANDS } from '../../src/redis/commands.ts';
import { createKeys } from '../../src/redis/keys.ts';
import { type Link, openWriter } from '../../src/redis/link.ts';
import { tryRights } from '../../src/redis/rights.ts';
import { addCounters } from '../../src/redis/scripts/add-counters.lua.ts';
import { addEvents, createEntry } from '../../src/redis/scripts/add-events.lua.ts';
import { keepAlive } from '../../src/redis/scripts/keep-alive.lua.ts';
import { publish } from '../../src/redis/scripts/publish.lua.ts';
import { runScripts } from '../../src/redis/scripts/script.ts';
import { setFleetField } from '../../src/redis/scripts/set-fleet-field.lua.ts';
import { setState } from '../../src/redis/scripts/set-state.lua.ts';
import { resolveHome } from '../../src/config/home.ts';
import { openWorkQueue } from '../../src/swarm/queue/open-work-queue.ts';
import { queuedJob, taken } from '../fixtures/queued-job.ts';
import { isOnPath, RedisServer } from '../servers/redis.ts';
import { targetOf } from '../servers/target.ts';

const shipped = join(import.meta.dirname, '../../config/redis/nika.acl');
const PASSWORD = 'acl-p4ssw0rd';

describe.each(['redis-server', 'valkey-server'].filter(isOnPath))('config/redis/nika.acl on a real %s', (program) => {
  const dir = mkdtempSync(join(tmpdir(), 'nika-acl-'));
  let server: RedisServer;
  let link: Link;
  let plain: Redis;
  const target = () => targetOf(`redis://nika:${PASSWORD}@127.0.0.1:${server.port}`);

  beforeAll(async () => {
    copyFileSync(shipped, join(dir, 'nika.acl'));
    server = await RedisServer.open({ program, config: [`aclfile ${join(dir, 'nika.acl')}`] });
  });
  afterAll(async () => {
    plain?.disconnect();
    await link?.close();
    await server[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true });
  });

  it('lets nobody in before a password is set', async () => {
    await using early = await openWriter(target());
    expect(await early.untilReady(500)).toBe(false);
    expect(early.status).toMatchObject({ kind: 'down', why: expect.stringContaining('WRONGPASS') });
    await server.admin.call('ACL', 'SETUSER', 'nika', `>${PASSWORD}`);
  });

  it('lets the link be ready', async () => {
    link = await openWriter(target());
    expect(await link.untilReady(5000)).toBe(true);
    plain = new Redis(server.port, '127.0.0.1', { username: 'nika', password: PASSWORD, enableReadyCheck: false });
    expect(await plain.ping()).toBe('PONG');
  });

  it('allows each command that nika uses, and its trial leaves nothing behind', async () => {
    const rights = await tryRights(link, target());
    expect(rights).toEqual({ triedCount: expect.any(Number), lacking: [], unknownCount: 0, refusesWrites: false });
    expect(rights.triedCount).toBeGreaterThan(USED_COMMANDS.length);
    expect(await server.admin.dbsize()).toBe(0);
  });

  it('allows every script all that it does (G5)', async () => {
    const keys = createKeys('');
    const session = sessionIdSchema.parse(randomUUID());
    const outcomes = await runScripts(link, [
      addEvents({
        key: keys.events(session),
        believedLastId: '0-0',
        fields: ['tool'],
        entries: [createEntry('1-1', ['x'])],
      }),
      addCounters({ key: keys.metrics(new Date()), session, totals: { calls: 1 } }),
      publish({
        key: keys.feed,
        events: [{ id: 'e', fields: { event: 'created' } }],
        afterId: undefined,
        isAgain: true,
      }),
      setFleetField({ key: keys.fleet, session, value: { status: 'running' } }),
      setFleetField({ key: keys.fleet, session, value: undefined }),
      setState({ key: keys.state(session), rev: 1, fields: { status: 'running' } }),
      keepAlive(keys.state(session)),
    ]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(Array.from(outcomes, () => 'done'));
    await server.mustHaveTtls();
  });

  it('allows the queue all that it does', async () => {
    const home = resolveHome({ flag: dir, env: {}, cwd: dir });
    const times = { lockMs: 500, stalledEveryMs: 100 };
    await using queue = await openWorkQueue({ home, settings: { redis: target() }, times });
    await queue.untilKnown(5_000);
    const not_before = new Date(Date.now() + 60_000).toISOString();
    for (const name of ['a', 'b', 'c']) expect(await queue.add(queuedJob(name))).toEqual({ kind: 'queued' });
    for (const name of ['d', 'e']) expect(await queue.add(queuedJob(name, { not_before }))).toEqual({ kind: 'queued' });
    const first = await taken(queue);
    expect(await first.update({ state: 'in_progress', rev: 2, attempt: 1 })).toBe('ok');
    expect(await first.putBack(60_000, 'later')).toBe('ok');
    const second = await taken(queue);
    expect(await second.putBack(0, 'not here')).toBe('ok');
    expect(await (await taken(queue)).fail('it cannot be')).toBe('ok');
    expect(await (await taken(queue)).done('fine')).toBe('ok');
    const failed = await queue.list({ states: ['failed'] });
    expect(failed).toMatchObject([{ error: 'it cannot be' }]);
    const id = 'kind' in failed ? '' : (failed[0]?.job.entity ?? '');
    expect(await queue.retry(id)).toBe('retried');
    expect(await queue.retry('JOB-d')).toBe('retried');
    expect(await queue.cancel('JOB-e')).toBe('cancelled');
    expect(await queue.depths()).toEqual({ default: 2 });
    // What stalls: the one that takes it is gone.
    const dead = await openWorkQueue({ home, settings: { redis: target() }, times });
    await dead.untilKnown(5_000);
    const held = await taken(dead);
    await dead[Symbol.asyncDispose]();
    const rest = [await taken(queue), await taken(queue)];
    expect(rest.map(({ job }) => job.entity)).toContain(held.job.entity);
  });

  it.each([
    ['flushall'],
    ['flushdb'],
    ['config', 'get', '*'],
    ['keys', '*'],
    ['scan', '0'],
    ['acl', 'list'],
    ['client', 'list'],
    ['shutdown', 'nosave'],
    ['del', 'orders'],
    ['set', 'orders', 'x'],
    ['hgetall', 'session:of-somebody-else'],
    ['xadd', 'orders', '*', 'a', 'b'],
    ['eval', "return redis.call('HGETALL', KEYS[1])", '1', 'orders'],
    ['eval', "return redis.call('FLUSHALL')", '0'],
    ['publish', 'news', 'x'],
  ])('denies what nika does not need: %s %s', async (name, ...args) => {
    await expect(plain.call(name, ...args)).rejects.toThrow(/NOPERM|ACL failure|can't (?:run|access)/);
  });

  it.each(USED_COMMANDS.map(({ name, onlyWith }) => [name, onlyWith]))(
    'a right that is taken away is the one that is missed: %s',
    async (name, onlyWith) => {
      await server.admin.call('ACL', 'SETUSER', 'nika', `-${name}`);
      const cluster = { ...target(), db: 3, at: { kind: 'cluster', nodes: [] } } as const;
      const { lacking } = await tryRights(link, onlyWith === undefined ? target() : cluster);
      await server.admin.call('ACL', 'SETUSER', 'nika', `+${name}`);
      expect(new Set(lacking.map(({ command }) => command))).toEqual(new Set([name]));
    },
  );

  it('keys that are not granted are missed on every command that has one', async () => {
    await server.admin.call('ACL', 'SETUSER', 'nika', 'resetkeys', '~nika:*');
    const { lacking } = await tryRights(link, target());
    await server.admin.call('ACL', 'SETUSER', 'nika', '~agent:*');
    const isOnBoth = ({ hasKey, usedFor }: (typeof USED_COMMANDS)[number]) => hasKey && usedFor !== 'the queue';
    const keyed = USED_COMMANDS.filter(isOnBoth).map(({ name }) => ({
      command: name,
      keys: '~agent:*',
      isByKey: true,
    }));
    expect(lacking).toEqual(keyed);
  });
});
