import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RedisTarget } from '../config/redis/redis-settings.ts';
import { Secret } from '../model/secret.ts';
import { resolveClientOptions, retryDelayMs } from './link-options.ts';

const target: RedisTarget = { kind: 'on', at: { kind: 'tcp', host: 'r.example', port: 7000 }, db: 3, prefix: '' };
const SENTINELS = [
  { host: 'a', port: 26_379 },
  { host: 'b', port: 1 },
];

const optionsOf = (given: ReturnType<typeof resolveClientOptions>) => given.options;

describe('resolveClientOptions', () => {
  it('is the set that was tried under every fault, letter by letter', () => {
    const measured = {
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      enableAutoPipelining: false,
      socketTimeout: 2000,
      commandTimeout: 3000,
      connectTimeout: 2000,
      disconnectTimeout: 100,
      keepAlive: 5000,
      noDelay: true,
      enableReadyCheck: true,
      maxLoadingRetryTime: 500,
    };
    const where = { host: 'r.example', port: 7000, db: 3, lazyConnect: true };
    const functions = { retryStrategy: retryDelayMs, reconnectOnError: expect.any(Function) };
    expect(resolveClientOptions(target, 'writer')).toEqual({
      kind: 'single',
      options: { ...measured, ...where, ...functions, connectionName: 'nika-writer' },
    });
    expect(resolveClientOptions(target, 'reader')).toEqual({
      kind: 'single',
      options: {
        ...measured,
        ...where,
        ...functions,
        connectionName: 'nika-reader',
        socketTimeout: 4000,
        commandTimeout: 5000,
      },
    });
  });

  it('tries again for ever, at first soon, later each second and a bit', () => {
    const delays = Array.from({ length: 100 }, (_, at) => retryDelayMs(at + 1));
    expect(delays[0]).toBeGreaterThanOrEqual(50);
    expect(delays[0]).toBeLessThan(150);
    expect(Math.min(...delays.slice(5))).toBeGreaterThanOrEqual(1000);
    expect(Math.max(...delays)).toBeLessThan(1100);
  });

  it('looks again behind an address that has become read-only, also before Redis 7, and for no other error', () => {
    const { reconnectOnError } = optionsOf(resolveClientOptions(target, 'writer')) as {
      reconnectOnError: (error: Error) => unknown;
    };
    const judge = (text: string) => reconnectOnError(new Error(text));
    expect(judge("READONLY You can't write against a read only replica.")).toBe(true);
    expect(judge('ERR Error running script (call to f_1): @user_script:1: -READONLY You can’t write')).toBe(true);
    expect(judge("OOM command not allowed when used memory > 'maxmemory'.")).toBe(false);
  });

  it('asks the Sentinels for a limited time each, with their own password', () => {
    const at = { kind: 'sentinel', sentinels: SENTINELS, name: 'mymaster', sentinelPassword: new Secret('x') } as const;
    const resolved = resolveClientOptions({ ...target, at, user: 'nika', password: new Secret('y') }, 'writer');
    expect(resolved).toMatchObject({
      kind: 'sentinel',
      options: {
        sentinels: SENTINELS,
        name: 'mymaster',
        sentinelPassword: 'x',
        sentinelCommandTimeout: 1000,
        username: 'nika',
        password: 'y',
        db: 3,
        socketTimeout: 2000,
      },
    });
    expect(resolved.options).not.toHaveProperty('host');
    expect(resolved.options).not.toHaveProperty('enableTLSForSentinelMode');
  });

  it('gives every node of a Cluster the same bounds, and the Cluster itself no queue', () => {
    const nodes = [{ host: 'a', port: 1 }];
    const resolved = resolveClientOptions({ ...target, at: { kind: 'cluster', nodes }, db: 0 }, 'writer');
    expect(resolved).toMatchObject({
      kind: 'cluster',
      nodes,
      options: {
        enableOfflineQueue: false,
        clusterRetryStrategy: retryDelayMs,
        redisOptions: { socketTimeout: 2000, maxRetriesPerRequest: 0, autoResendUnfulfilledCommands: false },
      },
    });
    const { redisOptions } = resolved.options as { redisOptions: object };
    expect(redisOptions).not.toHaveProperty('retryStrategy'); // a node that is gone is asked for, not waited for
  });

  it('reads certificates, for Sentinels too, and names the host to a Cluster that has TLS', () => {
    const dir = mkdtempSync(join(tmpdir(), 'nika-tls-'));
    const ca = join(dir, 'ca.pem');
    writeFileSync(ca, 'CA');
    const tls = { ca };
    const wanted = { ca: Buffer.from('CA') };
    expect(resolveClientOptions({ ...target, tls }, 'writer')).toMatchObject({ options: { tls: wanted } });
    const sentinel = { kind: 'sentinel', sentinels: SENTINELS, name: 'm' } as const;
    expect(resolveClientOptions({ ...target, tls, at: sentinel }, 'writer')).toMatchObject({
      options: { tls: wanted, enableTLSForSentinelMode: true, sentinelTLS: wanted },
    });
    const cluster = { kind: 'cluster', nodes: [{ host: 'a', port: 1 }] } as const;
    expect(resolveClientOptions({ ...target, tls, at: cluster }, 'writer')).toMatchObject({
      options: { dnsLookup: expect.any(Function), redisOptions: { tls: wanted } },
    });
    rmSync(dir, { recursive: true });
  });
});
