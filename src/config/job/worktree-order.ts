/** Owns what a command line makes of the worktree that a job asks for. */
import { literalText } from '../expression/template.ts';
import type { WorktreeField, WorktreeOrder } from './worktree-field.ts';

/** The field as it stands once the command line was heard. */
export const orderedWorktree = (
  field: WorktreeField | undefined,
  order: WorktreeOrder | undefined,
): WorktreeField | undefined => {
  if (order === undefined) return field;
  const wanted = typeof field === 'object' ? field : undefined;
  if (typeof order === 'boolean') return order ? (wanted ?? true) : false;
  const given = Object.entries(order).flatMap(([name, text]) =>
    text === undefined ? [] : [[name, literalText(text)]],
  );
  return { ...wanted, ...Object.fromEntries(given) };
};
