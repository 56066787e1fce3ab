/** Owns the error codes of the swarm: feed, queue, digest, reviews, workers; a part of the table of all codes. */
import type { ErrorCodeEntry } from './error-codes.ts';

export const SWARM_ERROR_CODES = {
  NIKA_ALPHA_NOT_STARTED: {
    meaning: 'The orchestrator (Alpha) could not be started in the background.',
    remedy: 'Start it in the foreground to see what is wrong: nika alpha start.',
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
  NIKA_FEED_AWAY: {
    meaning: 'The feed cannot be read or written: no Redis is configured, it cannot be reached, or it refuses.',
    remedy:
      'Name one (redis.url, NIKA_REDIS_URL), start one of this machine ("nika up --redis"), or see "nika doctor".',
    exitCode: 1,
  },
  NIKA_REVIEW_PENDING: {
    meaning: 'The job awaits review: nothing of it is started before somebody has decided.',
    remedy: 'Decide: "nika review accept <job>" or "nika review reject <job> --reason …".',
    exitCode: 2,
  },
  NIKA_REVIEW_NONE: {
    meaning: 'Something does not await review, or somebody has decided already.',
    remedy: 'Run "nika review list" to see what awaits review.',
    exitCode: 2,
  },
  NIKA_REVIEW_OWN: {
    meaning: 'A pod was to decide on its own work, or on work that is not of a pod below it.',
    remedy: 'Leave the decision to the parent pod, or to people.',
    exitCode: 2,
  },
  NIKA_REGISTRY_AWAY: {
    meaning: 'Who offers which capability stands in Redis, which cannot be asked.',
    remedy: 'See "nika doctor"; "nika up" starts one for this home.',
    exitCode: 1,
  },
  NIKA_WORKER_UNKNOWN: {
    meaning: 'No worker of this home has that id, or several begin with it.',
    remedy: '"nika worker ls" shows them.',
    exitCode: 2,
  },
  NIKA_WORKER_NOT_STARTED: {
    meaning: 'A worker was started in the background and did not come up.',
    remedy: 'See what it printed; "nika worker start" without -d shows it here.',
    exitCode: 1,
  },
} as const satisfies Record<string, ErrorCodeEntry>;
