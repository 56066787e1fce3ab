/** Owns the error codes of what is asked of a pod: calls, results, its socket. */
import type { ErrorCodeEntry } from './error-codes.ts';

export const CALL_ERROR_CODES = {
  NIKA_POD_DENIED: {
    meaning: 'A tool call was denied: by policy, by a hook or by a person.',
    remedy: 'See the reason; the rules stand in "policy" of config/nika.yaml and of the job.',
    exitCode: 1,
  },
  NIKA_POD_RESULT: {
    meaning: 'A value cannot be the result of a pod: JSON has no word for it, or it is too long.',
    remedy: 'Give less than 4 MiB of JSON; write what is longer into a file, and give its path.',
    exitCode: 1,
  },
  NIKA_POD_FAILED: {
    meaning: 'The pod could not do what it was asked, by a mistake of its own.',
    remedy: 'See the log of the pod; this is a bug of nika.',
    exitCode: 1,
  },
  NIKA_POD_SOCKET: {
    meaning: "The pod's socket could not be opened.",
    remedy: 'Make a folder of your own with mode 700 and name it in XDG_RUNTIME_DIR, by a short path.',
    exitCode: 2,
  },
} as const satisfies Record<string, ErrorCodeEntry>;
