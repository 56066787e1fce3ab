/** Owns how pods find the Redis that `nika up` started in their home: by its note, as long as its process lives. */
import { livenessOfService, readServiceSecret, readServiceState } from '../services/service-state.ts';
import type { RedisTarget } from './redis-settings.ts';

/** `prefix`: as in `RedisTarget`. `undefined`: none runs here. Never throws; a note that cannot be read is none. */
export const localRedis = (runDir: string, prefix: string): RedisTarget | undefined => {
  const state = readServiceState(runDir, 'redis');
  if (state === undefined || state.ended_at !== null || livenessOfService(state) !== 'alive') return undefined;
  const password = readServiceSecret(runDir, 'redis');
  if (password === undefined) return undefined; // without it nothing could be said to it
  return { kind: 'on', at: { kind: 'tcp', host: '127.0.0.1', port: state.port }, password, db: 0, prefix };
};
