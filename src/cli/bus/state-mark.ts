/** Owns how the state of an entity looks: a mark and a word, the colour only where there are colours. */
import type { EntityView, EntityWait } from '../../bus/query/entity-view.ts';
import type { EntityState } from '../../model/entity.ts';
import { WAIT_REASONS } from '../../model/message.ts';
import type { Terminal } from '../terminal.ts';
import { stateText } from '../words/outcome.ts';
import { waitingMark, type WaitingSince, waitingText } from '../words/waiting.ts';

const LOOKS = {
  created: ['○', 'dim'],
  in_progress: ['●', 'cyan'],
  awaiting_review: ['◐', 'magenta'],
  completed: ['✓', 'green'],
  failed: ['✗', 'red'],
  cancelled: ['⊘', 'yellow'],
} as const satisfies Record<EntityState, readonly [string, string]>;

/** What it waits for: a person's turn goes first. */
const waitOf = ({ waits }: EntityView): WaitingSince | undefined => {
  const orderOf = ({ reason }: EntityWait): number => (reason === undefined ? 0 : WAIT_REASONS.indexOf(reason));
  const [first] = waits?.toSorted((a, b) => orderOf(a) - orderOf(b)) ?? [];
  return first === undefined ? undefined : { reason: first.reason ?? null, since: first.since };
};

export const stateMark = (terminal: Terminal, view: EntityView): string => {
  const { state } = view;
  if (state === undefined) return '?';
  const wait = waitOf(view);
  if (wait !== undefined) return waitingMark(terminal, wait);
  const [mark, colour] = LOOKS[state];
  return terminal.paint(colour, mark);
};

/** How its last session ended, which says why a job failed or was cancelled; `undefined`: it runs, or has none. */
export const outcomeOf = ({ sessions }: EntityView): string | undefined => sessions.at(-1)?.outcome;

/** Its state, why it ended so, and what it waits for. */
export const stateWord = (terminal: Terminal, view: EntityView, nowMs: number): string => {
  const { state } = view;
  if (state === undefined) return 'unknown';
  const wait = waitOf(view);
  if (wait !== undefined) return waitingText(terminal, wait, nowMs);
  return terminal.paint(LOOKS[state][1], stateText(state, outcomeOf(view)));
};
