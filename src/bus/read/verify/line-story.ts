/** Owns what single lines tell of the bus itself: heads of other files, and which writers were closed. */
import { type Head, MESSAGE_SCHEMAS } from '../../../model/message.ts';
import { tryParseLine } from '../../line.ts';

export interface LineStory {
  readonly heads: readonly Head[];
  /** Writers that this line closes. */
  readonly sealed: readonly string[];
}

const MARKS = ['"heads":[', '"alpha_head":{'];
const alphaHead = MESSAGE_SCHEMAS.session_start.shape.alpha_head;
const ownHeads = MESSAGE_SCHEMAS.session_end_summary.shape.heads;

/** Whether lines of that type may tell something of the bus. */
export const tellsOfBus = (type: string): boolean =>
  type === 'session_start' || type === 'session_end_summary' || type === 'note';

/** What such a line tells; nothing, where it is of a form that is not known yet. */
export const storyOf = (text: string): LineStory => {
  const line = MARKS.some((mark) => text.includes(mark)) ? tryParseLine(text) : undefined; // nearly all notes have none
  if (line === undefined) return { heads: [], sealed: [] };
  const seen = alphaHead.safeParse(line.data['alpha_head']).data ?? undefined;
  const own = ownHeads.safeParse(line.data['heads']).data ?? [];
  const heads = seen === undefined ? own : [...own, seen];
  const isEnd = line.type === 'session_end_summary';
  return { heads, sealed: isEnd ? [line.writer, ...own.map(({ writer }) => writer)] : [] };
};
