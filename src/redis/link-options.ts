/**
 * Owns the option sets of ioredis: each tried under every fault (absent, killed, hung, black hole, loading, full,
 * read-only, wrong password, no Redis at all) before it was taken. Pure but for the reading of certificates.
 *
 * Why so: by default a client whose server hangs never settles a call, keeps what waits for ever, and sends it later
 * although its caller was told that it failed. `commandTimeout` alone makes that worse: what timed out stays queued, and
 * is still executed. Only `socketTimeout` frees the queue. Without `maxRetriesPerRequest: 0` calls in flight at a loss of
 * the connection never settle; with automatic pipelining besides, the client is stuck for good while it says "ready".
 */
import { readFileSync } from 'node:fs';
import type { ClusterNode, ClusterOptions, RedisOptions } from 'ioredis';
import type { RedisTarget } from '../config/redis/redis-settings.ts';

/** `writer`: sends and forgets. `reader`: waits in blocking commands; nothing else may go over its connection. */
export type LinkRole = 'writer' | 'reader';

/** How long a reader's blocking command may wait: `BLOCK` of XREADGROUP. */
export const READ_BLOCK_MS = 2_000;

/** Less is shorter than a pause of the event loop: healthy connections are destroyed (measured: at 700 ms, all of them). */
const SILENCE_MS = 2_000;
const CONNECT_MS = 2_000;
/** A backstop: must be over `socketTimeout`. */
const COMMAND_OVER_SILENCE_MS = 1_000;

export const silenceMs = (role: LinkRole): number => (role === 'writer' ? SILENCE_MS : READ_BLOCK_MS + SILENCE_MS);

/** 50 ms, doubled up to 1 s, and up to 100 ms by chance so that a fleet does not come back at once. Never an end. */
export const retryDelayMs = (attempt: number): number =>
  Math.min(50 * 2 ** Math.min(attempt - 1, 5), 1000) + Math.floor(Math.random() * 100);

const isReadOnlyError = (error: Error): boolean => /\bREADONLY\b/.test(error.message);

const commonOptions = (role: LinkRole) =>
  ({
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    enableAutoPipelining: false,
    socketTimeout: silenceMs(role),
    commandTimeout: silenceMs(role) + COMMAND_OVER_SILENCE_MS,
    connectTimeout: CONNECT_MS,
    disconnectTimeout: 100,
    keepAlive: 5000,
    noDelay: true,
    enableReadyCheck: true,
    maxLoadingRetryTime: 500,
    retryStrategy: retryDelayMs,
    reconnectOnError: isReadOnlyError,
  }) as const satisfies RedisOptions;

const tlsOptions = ({ tls }: RedisTarget): RedisOptions['tls'] => {
  if (tls === undefined) return undefined;
  const { ca, cert, key } = tls;
  return {
    ...(ca === undefined ? {} : { ca: readFileSync(ca) }),
    ...(cert === undefined ? {} : { cert: readFileSync(cert) }),
    ...(key === undefined ? {} : { key: readFileSync(key) }),
  };
};

const loginOptions = ({ user, password }: RedisTarget): RedisOptions => ({
  ...(user === undefined ? {} : { username: user }),
  ...(password === undefined ? {} : { password: password.reveal() }),
});

export type ClientOptions =
  | { readonly kind: 'single' | 'sentinel'; readonly options: RedisOptions }
  | { readonly kind: 'cluster'; readonly nodes: readonly ClusterNode[]; readonly options: ClusterOptions };

const clusterOptions = (redisOptions: RedisOptions): ClusterOptions => {
  const { retryStrategy: _, enableOfflineQueue: __, ...perNode } = redisOptions;
  return {
    enableOfflineQueue: false,
    enableReadyCheck: true,
    clusterRetryStrategy: retryDelayMs,
    slotsRefreshTimeout: 1000,
    // All of them within the deadline of a call; more would only make it wait.
    maxRedirections: 4,
    retryDelayOnFailover: 100,
    retryDelayOnClusterDown: 100,
    redisOptions: perNode,
    // A certificate names hosts, not the addresses they resolve to.
    ...(redisOptions.tls === undefined ? {} : { dnsLookup: (host, callback) => callback(null, host) }),
  };
};

/** @throws a system error where a certificate cannot be read any more. */
export const resolveClientOptions = (target: RedisTarget, role: LinkRole): ClientOptions => {
  const tls = tlsOptions(target);
  const options: RedisOptions = {
    ...commonOptions(role),
    ...loginOptions(target),
    ...(tls === undefined ? {} : { tls }),
    connectionName: `nika-${role}`,
    db: target.db,
    lazyConnect: true,
  };
  const { at } = target;
  switch (at.kind) {
    case 'tcp':
      return { kind: 'single', options: { ...options, host: at.host, port: at.port } };
    case 'unix':
      return { kind: 'single', options: { ...options, path: at.path } };
    case 'cluster':
      return { kind: 'cluster', nodes: at.nodes, options: clusterOptions(options) };
    case 'sentinel':
      return {
        kind: 'sentinel',
        options: {
          ...options,
          sentinels: at.sentinels.map(({ host, port }) => ({ host, port })),
          name: at.name,
          // One that takes the question and never answers must not be waited for.
          sentinelCommandTimeout: 1000,
          sentinelRetryStrategy: retryDelayMs,
          ...(at.sentinelUser === undefined ? {} : { sentinelUsername: at.sentinelUser }),
          ...(at.sentinelPassword === undefined ? {} : { sentinelPassword: at.sentinelPassword.reveal() }),
          ...(tls === undefined ? {} : { enableTLSForSentinelMode: true, sentinelTLS: tls }),
        },
      };
  }
};
