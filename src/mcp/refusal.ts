/** Owns what an agent is told of an error: what is wrong, and what it can do with the tools it has. */
import { errnoOf, errorMessage, NikaError } from '../model/error.ts';
import type { ErrorCode } from '../model/error-codes.ts';
import { type Answer, refused } from './tool.ts';

/** In place of the catalogue's, which are for people at a command line. */
const REMEDIES: Partial<Record<ErrorCode, string>> = {
  NIKA_POD_UNKNOWN: 'Call fleet with {"all": true} to see which pods there are.',
  NIKA_ENTITY_AMBIGUOUS: 'Give the whole id.',
  NIKA_ENTITY_EXISTS: 'Choose another id, or leave id away to have one made.',
  NIKA_JOB_NOT_FOUND: 'Call jobs to see their names.',
  NIKA_JOB_BAD_INPUT: 'Call jobs with the name of the job to see its inputs.',
  NIKA_JOB_INVALID: 'The job file has to be corrected first; "nika job check" says more.',
  NIKA_POD_LIMIT:
    'Wait for a pod to end, stop one, or call again with {"queue": true} to have it begin when there is room.',
  NIKA_POD_OVER: 'Call fleet with {"all": true} to see how it stands.',
  NIKA_POD_UNREACHABLE: 'Call fleet to see whether it still runs.',
  NIKA_POD_LATE: 'It may have done it all the same. Call fleet to see how it stands.',
  NIKA_REVIEW_NONE: 'Call review_list to see what awaits review.',
  NIKA_REVIEW_OWN: 'Leave the decision to the pod above, or to people.',
  NIKA_REVIEW_PENDING: 'Decide with review_decide, where it is yours to decide.',
  NIKA_POD_OUTSIDE: 'This works inside of pods only; go on without.',
  NIKA_POD_NOT_STARTED: 'Tell the person that you work for.',
};

/** What a person at a command line would type. */
const FLAG_HINT = /; give it with --input [^\n]*/g;

/** `undefined`: a bug of nika. */
export const refusalOf = (thrown: unknown): Answer | undefined => {
  if (thrown instanceof NikaError) {
    return refused(
      thrown.message.replaceAll(FLAG_HINT, ''),
      `${REMEDIES[thrown.code] ?? thrown.remedy} [${thrown.code}]`,
    );
  }
  const errno = errnoOf(thrown);
  if (errno === undefined) return undefined;
  return refused(`the home of nika cannot be used: ${errorMessage(thrown)}`, 'Tell the person that you work for.');
};
