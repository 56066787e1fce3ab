/** Owns the error codes of workers and of what they offer; a part of the table of all codes. */
import type { ErrorCodeEntry } from './error-codes.ts';

export const SWARM_ERROR_CODES = {
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
