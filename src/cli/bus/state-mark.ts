/** Owns how the state of an entity looks: a mark and a word, the colour only where there are colours. */
import type { EntityView } from '../../bus/query/entity-view.ts';
import type { EntityState } from '../../model/entity.ts';
import type { Terminal } from '../terminal.ts';
import { stateText } from '../words/outcome.ts';

const LOOKS = {
  created: ['○', 'dim'],
  in_progress: ['●', 'cyan'],
  awaiting_review: ['◐', 'magenta'],
  completed: ['✓', 'green'],
  failed: ['✗', 'red'],
  cancelled: ['⊘', 'yellow'],
} as const satisfies Record<EntityState, readonly [string, string]>;

export const stateMark = (terminal: Terminal, state: EntityState | undefined): string => {
  if (state === undefined) return '?';
  const [mark, colour] = LOOKS[state];
  return terminal.paint(colour, mark);
};

/** How its last session ended, which says why a job failed or was cancelled; `undefined`: it runs, or has none. */
export const outcomeOf = ({ sessions }: EntityView): string | undefined => sessions.at(-1)?.outcome;

/** `outcome`: of its last session. */
export const stateWord = (terminal: Terminal, state: EntityState | undefined, outcome: string | undefined): string =>
  state === undefined ? 'unknown' : terminal.paint(LOOKS[state][1], stateText(state, outcome));
