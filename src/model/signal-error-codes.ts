/** Owns the error codes of signals between pods. */
import type { ErrorCodeEntry } from './error-codes.ts';

export const SIGNAL_ERROR_CODES = {
  NIKA_SIGNAL_BODY: {
    meaning: 'The body of a signal is no JSON, or too long.',
    remedy: 'Give JSON of at most 32 KiB; put what is longer into working memory or a file, and send its name.',
    exitCode: 2,
  },
  NIKA_SIGNAL_NAME: {
    meaning: 'The name of a signal is no text of 1 to 256 characters.',
    remedy: 'Say in a few words what it is about, and the rest in its body.',
    exitCode: 2,
  },
  NIKA_SIGNAL_DEADLINE: {
    meaning: 'The deadline of a request is no duration.',
    remedy: 'Give a duration such as 500ms, 5s or 1m, or a number of milliseconds from 1 on.',
    exitCode: 2,
  },
  NIKA_SIGNAL_NO_JOB: {
    meaning: 'Nobody can hear the signal: no pod of that job runs, as far as can be seen from here.',
    remedy: 'See with "nika pod ls --all" which pods there are.',
    exitCode: 1,
  },
  NIKA_SIGNAL_OVER: {
    meaning: 'The pod that was asked has ended without an answer, or ended before it was asked.',
    remedy: 'See with "nika pod show" how it ended.',
    exitCode: 1,
  },
  NIKA_SIGNAL_REFUSED: {
    meaning: 'The pod that was asked answered that it cannot, or will not.',
    remedy: 'See the reason that it gives.',
    exitCode: 1,
  },
  NIKA_SIGNAL_LATE: {
    meaning: 'The deadline of a request passed without an answer.',
    remedy: 'Give it more time with the deadline, or see whether the pod listens: "nika signal tail".',
    exitCode: 3,
  },
  NIKA_SIGNAL_UNSENT: {
    meaning: 'A signal could not be brought on its way: Redis is away, and the pod is not to be reached otherwise.',
    remedy: 'See with "nika doctor" how Redis stands.',
    exitCode: 1,
  },
  NIKA_SIGNAL_NO_REQUEST: {
    meaning: 'What is to be answered is no request, was answered already, or waits no longer.',
    remedy: 'Answer each request once, before its deadline.',
    exitCode: 1,
  },
} as const satisfies Record<string, ErrorCodeEntry>;
