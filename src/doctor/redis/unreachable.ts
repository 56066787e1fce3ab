/** Owns what is said of a Redis that cannot be used, and what helps: by the reason that the link gives. Pure. */
import { type Finding, wrong } from '../finding.ts';

interface Reason {
  readonly pattern: RegExp;
  /** Stable end of the finding's id. */
  readonly id: string;
  readonly remedy: string;
}

const REASONS: readonly Reason[] = [
  {
    pattern: /WRONGPASS|invalid (?:username-)?password/i,
    id: 'login',
    remedy:
      'Correct user and password in NIKA_REDIS_URL, or redis.url: redis://user:password@host:port. Is the user on, and has it a password? redis-cli ACL LIST',
  },
  {
    pattern: /NOAUTH|Authentication required/i,
    id: 'login',
    remedy: 'It asks for a password: set NIKA_REDIS_URL=redis://user:password@host:port in the environment.',
  },
  {
    pattern: /LOADING/,
    id: 'loading',
    remedy: 'Wait: it reads its data after a start. Pods go on meanwhile, and catch up.',
  },
  {
    pattern: /NOPERM/,
    id: 'rights',
    remedy: 'Grant what nika needs: the line in config/redis/nika.acl of the package has it all.',
  },
  {
    pattern: /ECONNREFUSED|ENOENT/,
    id: 'reach',
    remedy:
      'Start it, or correct redis.url or NIKA_REDIS_URL. Without either nika needs none. Pods lose nothing meanwhile: the bus has it all.',
  },
  {
    pattern: /ENOTFOUND|EAI_AGAIN/,
    id: 'reach',
    remedy: 'Correct the host in redis.url or NIKA_REDIS_URL, or see why its name cannot be resolved.',
  },
  {
    pattern: /certificate|self.signed|SSL|TLS|wrong version number/i,
    id: 'tls',
    remedy: 'See redis.ca, redis.cert and redis.key, and whether the server speaks TLS on that port (rediss://).',
  },
  {
    pattern: /is no Redis/,
    id: 'protocol',
    remedy: 'Something else listens on that port: correct redis.url or NIKA_REDIS_URL.',
  },
  {
    pattern: /DB index is out of range|SELECT/i,
    id: 'database',
    remedy: 'Name a database that is there at the end of redis.url or NIKA_REDIS_URL; 0 always is.',
  },
];

/** As the link says it. */
export const NO_REDIS = 'what answers there is no Redis';

/** Whether the reason says what is wrong, and not only that no answer came. */
export const isTelling = (why: string): boolean => REASONS.some(({ pattern }) => pattern.test(why));

const HANGS: Reason = {
  pattern: /./,
  id: 'reach',
  remedy:
    'See whether it hangs (redis-cli PING), or a firewall swallows what is sent to it. Pods lose nothing meanwhile: the bus has it all.',
};

const LOOPBACK = /^rediss?:\/\/(?:127\.|localhost:|\[?::1)/;

/** `where`: without a password. `why`: as the link tells it, or the first word of the server. */
export const unreachable = (where: string, why: string): Finding => {
  const { id, remedy } = REASONS.find(({ pattern }) => pattern.test(why)) ?? HANGS;
  const isNobodyHere = /ECONNREFUSED/.test(why) && LOOPBACK.test(where);
  const hint = isNobodyHere ? ' One of its own for this home: unset them, then "nika up --redis".' : '';
  return wrong(`redis.${id}`, `${where} cannot be used: ${why}`, `${remedy}${hint}`);
};
