/** Owns the error codes of the swarm: who follows it, leads it, and works in it. A part of the catalogue. */

export interface ErrorCodeEntry {
  readonly meaning: string;
  readonly remedy: string;
  /** 1 failed, 2 usage or configuration, 3 time or limit. */
  readonly exitCode: 1 | 2 | 3;
}

export const SWARM_ERROR_CODES = {
  NIKA_ALPHA_NOT_STARTED: {
    meaning: 'The orchestrator (Alpha) could not be started in the background.',
    remedy: 'Start it in the foreground to see what is wrong: nika alpha start.',
    exitCode: 1,
  },
  NIKA_FEED_AWAY: {
    meaning: 'The feed cannot be read or written: no Redis is configured, it cannot be reached, or it refuses.',
    remedy:
      'Name one (redis.url, NIKA_REDIS_URL), start one of this machine ("nika up --redis"), or see "nika doctor".',
    exitCode: 1,
  },
  NIKA_DIGEST_CURSOR: {
    meaning: 'The cursor of a digest is none, is of another home, or its place on the bus is gone.',
    remedy: 'Ask once without a cursor ("nika alpha digest"): that digest tells all that counts, and has a new cursor.',
    exitCode: 2,
  },
  NIKA_DIGEST_TOO_SMALL: {
    meaning: 'What is to be told does not fit into so few tokens.',
    remedy: 'Give more with --max-tokens.',
    exitCode: 2,
  },
  NIKA_DISPATCH_FAILED: {
    meaning: 'A job could not be given to the swarm: the home cannot be written, and no queue took it.',
    remedy: 'See "nika doctor" for what is wrong with disk and Redis, then dispatch it again.',
    exitCode: 1,
  },
  NIKA_QUEUE_AWAY: {
    meaning: 'The queue cannot be asked or changed: Redis is away, or the folder run/queue cannot be used.',
    remedy: 'See "nika doctor". Jobs that wait are not lost; try again when it is back.',
    exitCode: 1,
  },
  NIKA_QUEUE_UNKNOWN: {
    meaning: 'No such job is in the queue.',
    remedy: 'Run "nika queue ls" to see what is there; what has ended is in "nika tree".',
    exitCode: 2,
  },
  NIKA_QUEUE_ACTIVE: {
    meaning: 'A worker has the job already.',
    remedy: 'Stop its pod where it runs: nika pod stop <job>.',
    exitCode: 1,
  },
} as const satisfies Record<string, ErrorCodeEntry>;
