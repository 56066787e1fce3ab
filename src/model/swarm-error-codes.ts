/** Owns the error codes of workers and of what they offer; a part of the table of all codes. */
import type { ErrorCodeEntry } from './error-codes.ts';

export const SWARM_ERROR_CODES = {
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
