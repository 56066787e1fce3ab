/** Owns how tests come to a resolved target: by the same way as the settings do. */
import { type RedisTarget, redisSchema } from '../../src/config/redis/redis-settings.ts';

/** @throws where it is no url. */
export const targetOf = (url: string, more: Readonly<Record<string, unknown>> = {}): RedisTarget => {
  const settings = redisSchema.parse({ url, ...more });
  if (settings.kind === 'off') throw new Error('off');
  return settings;
};
