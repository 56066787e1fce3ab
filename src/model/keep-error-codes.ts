/** Owns the error codes of what is done to the bus as a whole: redaction and export. */
import type { ErrorCodeEntry } from './error-codes.ts';

export const KEEP_ERROR_CODES = {
  NIKA_REDACT_NOT_FOUND: {
    meaning: 'No line of the bus has that id, or refers to that blob.',
    remedy: 'Find it: nika bus grep WORD --json | jq -r .id',
    exitCode: 2,
  },
  NIKA_REDACT_NOT_DONE: {
    meaning: 'A redaction is not done everywhere yet: a file could not be written, or a service is away.',
    remedy: 'Mend what the message names, then run "nika bus redact --resume".',
    exitCode: 1,
  },
  NIKA_REDACT_BUSY: {
    meaning: 'Another redaction of this home is under way.',
    remedy: 'Wait until it is done, then run it again.',
    exitCode: 3,
  },
  NIKA_EXPORT_EXISTS: {
    meaning: 'The file to export to is there already.',
    remedy: 'Name another file, or give --force to replace it.',
    exitCode: 2,
  },
  NIKA_EXPORT_NOT_WRITTEN: {
    meaning: 'The file to export to cannot be written.',
    remedy: 'Give a path in a folder that is there and may be written to, with room for it.',
    exitCode: 1,
  },
} as const satisfies Record<string, ErrorCodeEntry>;
