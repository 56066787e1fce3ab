/** Owns the error codes of working memory and contracts. */
import type { ErrorCodeEntry } from './error-codes.ts';

export const MEMORY_ERROR_CODES = {
  NIKA_WM_BAD_NAME: {
    meaning: 'It cannot be the name of an artifact.',
    remedy: 'Use 1 to 100 letters, digits and . _ - , with a letter or digit first: plan.json',
    exitCode: 2,
  },
  NIKA_WM_BAD: {
    meaning: 'A wish to working memory is wrong: the content type, the hash, or whose memory is meant.',
    remedy: 'See "nika wm --help", or docs/working-memory.md.',
    exitCode: 2,
  },
  NIKA_WM_TOO_LARGE: {
    meaning: 'An artifact has 512 × 1024 bytes or more.',
    remedy: 'Write it to a file (or a blob store) that the others can read, and put its path and hash instead.',
    exitCode: 2,
  },
  NIKA_WM_FULL: {
    meaning: 'A job has as many artifacts as it may (1,000), or the home keeps as many bytes of them as it may.',
    remedy: 'Remove what is not needed any more ("nika wm rm"), or put several values into one artifact.',
    exitCode: 1,
  },
  NIKA_WM_CONFLICT: {
    meaning: 'An artifact was to be put only if nothing is there, or only over a version that is not there any more.',
    remedy: 'Get what is there now, and decide again.',
    exitCode: 1,
  },
  NIKA_WM_NOT_FOUND: {
    meaning: 'The job has no artifact of that name.',
    remedy: 'Run "nika wm ls --job <job>" to see what it has.',
    exitCode: 1,
  },
  NIKA_WM_UNAVAILABLE: {
    meaning: 'Working memory can be written neither in Redis nor in the home.',
    remedy: 'See "nika doctor" for Redis and the disk of the home; the pod goes on without.',
    exitCode: 1,
  },
  NIKA_CONTRACT_INVALID: {
    meaning: 'A contract is not of the right form: its steps, what they need, or a JSON Schema of theirs.',
    remedy: 'Correct the named place; docs/contracts.md has the form.',
    exitCode: 2,
  },
  NIKA_CONTRACT_NOT_FOUND: {
    meaning: 'The job has no contract, or it has no such step.',
    remedy: 'Run "nika contract get --job <job>" to see its steps, or put one with "nika contract put".',
    exitCode: 1,
  },
  NIKA_CONTRACT_TAKEN: {
    meaning: 'The job has another contract, and steps of it have begun.',
    remedy: 'Go on with the one that is there ("nika contract get"), or put yours into another job.',
    exitCode: 1,
  },
  NIKA_CONTRACT_STEP: {
    meaning:
      'A step of a contract cannot be started, completed or failed so: another pod has it, it is over, or what it needs is not done.',
    remedy: 'Run "nika contract get" to see how the steps stand, and who has them.',
    exitCode: 1,
  },
  NIKA_CONTRACT_OUTPUT: {
    meaning: 'An output does not fit the schema of its step, which has failed for that reason; or it is too long.',
    remedy: 'Start the step again and give what its schema asks for; long values belong into working memory.',
    exitCode: 1,
  },
  NIKA_CONTRACT_INPUT: {
    meaning: 'The inputs of a step do not fit its schema; it was not started.',
    remedy: 'Give what the schema of the step asks for.',
    exitCode: 2,
  },
  NIKA_CONTRACT_UNAVAILABLE: {
    meaning: 'A contract can be written neither in Redis nor in the home.',
    remedy: 'See "nika doctor" for Redis and the disk of the home.',
    exitCode: 1,
  },
} as const satisfies Record<string, ErrorCodeEntry>;
