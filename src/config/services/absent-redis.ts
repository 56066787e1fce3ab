/** Owns what is said where no Redis is configured: whether one of this home died, and what can be done. */
import { hasDied } from './service-state.ts';

export interface AbsentRedis {
  /** The one that `nika up` started here is gone, and nobody said `nika down`. */
  readonly hasDied: boolean;
  /** Without a full stop. */
  readonly why: string;
}

/** Never throws. */
export const absentRedis = (runDir: string): AbsentRedis => {
  if (hasDied(runDir, 'redis'))
    return {
      hasDied: true,
      why: 'the Redis that "nika up" started for this home died; start it again, with its data: nika up --redis',
    };
  return {
    hasDied: false,
    why: 'no Redis is configured (redis.url, NIKA_REDIS_URL), and "nika up" runs none for this home',
  };
};
