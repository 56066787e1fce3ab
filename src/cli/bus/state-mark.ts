/** Owns how the state of an entity looks: a mark and a word, the colour only where there are colours. */
import type { EntityState } from '../../model/entity.ts';
import type { Terminal } from '../terminal.ts';

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

export const stateWord = (terminal: Terminal, state: EntityState | undefined): string =>
  state === undefined ? 'unknown' : terminal.paint(LOOKS[state][1], state.replaceAll('_', ' '));
