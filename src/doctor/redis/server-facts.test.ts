import { describe, expect, it } from 'vitest';
import { clockFinding, factFindings, isReadOnly, parseInfo, saveFinding } from './server-facts.ts';

const findingsOf = (lines: Readonly<Record<string, string>>) =>
  factFindings(new Map(Object.entries({ redis_version: '7.0.15', ...lines })));
const of = (id: string, lines: Readonly<Record<string, string>>) => findingsOf(lines).find((one) => one.id === id);

describe('what a Redis says of itself', () => {
  it('is read as it comes over the wire', () => {
    const facts = parseInfo('# Server\r\nredis_version:6.2.1\r\n\r\n# Keyspace\r\ndb0:keys=1,expires=1\r\n');
    expect([...facts]).toEqual([
      ['redis_version', '6.2.1'],
      ['db0', 'keys=1,expires=1'],
    ]);
  });

  it.each([
    ['5.0.14', 'wrong'],
    ['6.0.20', 'wrong'],
    ['6.2.0', 'ok'],
    ['7.0.15', 'ok'],
    ['10.0.0', 'ok'],
  ])('Redis %s: %s', (redis_version, status) => {
    expect(of('redis.version', { redis_version })).toMatchObject({ status });
  });

  it('a Valkey is called by its own name', () => {
    expect(of('redis.version', { valkey_version: '8.1.0' })?.says).toBe('Valkey 8.1.0');
  });

  it.each(['allkeys-lru', 'allkeys-random', 'volatile-lru', 'volatile-ttl', 'volatile-lfu'])(
    'the policy %s is warned of, with a maxmemory and without: all keys of nika have a time to live (G5)',
    (maxmemory_policy) => {
      expect(of('redis.policy', { maxmemory_policy, maxmemory: '1000' })).toMatchObject({ status: 'degraded' });
      const unlimited = of('redis.policy', { maxmemory_policy, maxmemory: '0' });
      expect(unlimited).toMatchObject({ status: 'degraded', says: expect.stringContaining('none is') });
    },
  );

  it.each([
    [84, 'ok'],
    [85, 'degraded'],
    [99, 'degraded'],
    [100, 'wrong'],
  ])('memory that is full to %i %% of maxmemory: %s', (used_memory, status) => {
    expect(of('redis.memory', { used_memory: String(used_memory), maxmemory: '100' })).toMatchObject({ status });
  });

  it('without a maxmemory the memory of its machine counts, and being near is never more than a warning', () => {
    const memory = { used_memory: '100', maxmemory: '0', total_system_memory: '100' };
    expect(of('redis.memory', memory)).toMatchObject({ status: 'degraded' });
  });

  it('memory is told in the units in which maxmemory is set', () => {
    const memory = { used_memory: String(2 ** 20), maxmemory: String(2 ** 30) };
    expect(of('redis.memory', memory)?.says).toBe('1.0 MiB used, 0.1 % of maxmemory, 1.0 GiB');
  });

  it.each([
    [{}, false, undefined],
    [{ aof_enabled: '1', aof_last_write_status: 'ok', rdb_last_bgsave_status: 'ok' }, false, undefined],
    [{ aof_enabled: '1', aof_last_write_status: 'err' }, false, 'wrong'],
    [{ aof_enabled: '0', aof_last_write_status: 'err' }, false, undefined],
    [{ rdb_last_bgsave_status: 'err' }, false, 'degraded'],
    [{ rdb_last_bgsave_status: 'err' }, true, 'wrong'],
    [{}, true, 'wrong'], // it does not tell INFO
  ])('%j, and a trial of a write was refused with MISCONF: %j: %s', (lines, refusesWrites, status) => {
    const finding = saveFinding(new Map<string, string>(Object.entries(lines)), refusesWrites);
    expect(finding?.status).toBe(status);
    expect(finding?.says.includes('refuses all writes') ?? false).toBe(status === 'wrong');
  });

  it('a replica that takes writes is warned of: they are gone at the next sync', () => {
    const replica = { role: 'slave', master_host: 'primary', master_port: '6379', slave_read_only: '0' };
    expect(of('redis.role', replica)).toMatchObject({ status: 'degraded' });
    expect(isReadOnly(new Map(Object.entries(replica)))).toBe(false);
    expect(of('redis.role', { ...replica, slave_read_only: '1' })).toMatchObject({ status: 'wrong' });
  });

  it.each([
    [0, 'ok', 'apart'],
    [1900, 'ok', 'apart'],
    [-3_600_000, 'degraded', '3600.0 s behind'],
    [2100, 'degraded', '2.1 s ahead'],
  ])('a clock that is %i ms off: %s', (aheadMs, status, says) => {
    const ourMs = 1_795_000_000_500;
    const theirs = ourMs + aheadMs;
    const time = [String(Math.floor(theirs / 1000)), String((theirs % 1000) * 1000)];
    expect(clockFinding(time, ourMs)).toMatchObject({ status, says: expect.stringContaining(says) });
  });
});
