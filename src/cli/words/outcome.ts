/** Owns how the end of a job is told, the same wherever it is: its state, and why where the state alone does not tell. */

/** Outcomes that are no states: which state they are, and why. */
const REASONS: Readonly<Record<string, readonly [state: string, why: string]>> = {
  timed_out: ['failed', 'timed out'],
  limit: ['failed', 'over a limit'],
  lost: ['failed', 'lost'],
  superseded: ['failed', 'superseded'],
  interrupted: ['cancelled', 'interrupted'],
};

const plain = (word: string): string => word.replaceAll('_', ' ');
const reasonOf = (outcome: string | undefined): readonly [string, string] | undefined =>
  outcome !== undefined && Object.hasOwn(REASONS, outcome) ? REASONS[outcome] : undefined;

/** The outcome of a session: `failed (timed out)`, `cancelled (interrupted)`, `completed`. */
export const outcomeText = (outcome: string): string => {
  const reason = reasonOf(outcome);
  return reason === undefined ? plain(outcome) : `${reason[0]} (${reason[1]})`;
};

/** A state, with the reason that an outcome gives for it. */
export const stateText = (state: string, outcome?: string): string =>
  reasonOf(outcome)?.[0] === state ? outcomeText(outcome ?? '') : plain(state);
