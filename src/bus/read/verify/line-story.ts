/** Owns what single lines tell of the bus itself: heads, which writers were closed, and what became of its files. */
import { type Head, MESSAGE_SCHEMAS } from '../../../model/message.ts';
import { type BusLine, tryParseLine } from '../../line.ts';

export interface LineStory {
  readonly heads: readonly Head[];
  /** Writers that this line closes. */
  readonly sealed: readonly string[];
  /** A file that was removed, as the writer of the line noticed. */
  readonly removal?: { readonly writer: string; readonly file: string };
}

const REMOVED = 'bus_file_removed';
const FAILING = 'bus_file_failing';
const MARKS = ['"heads":[', '"seen":[', '"alpha_head":{', `"${REMOVED}"`];
const alphaHead = MESSAGE_SCHEMAS.session_start.shape.alpha_head;
const headList = MESSAGE_SCHEMAS.session_end_summary.shape.heads;

/** Whether lines of that type may tell something of the bus. */
export const tellsOfBus = (type: string): boolean =>
  type === 'session_start' || type === 'session_end_summary' || type === 'note' || type === 'condition';

/** The file that a `condition` line of that kind is about. */
const fileOf = ({ data }: BusLine, condition: string): string | undefined =>
  data['condition'] === condition && typeof data['file'] === 'string' ? data['file'] : undefined;

const removalOf = (line: BusLine): Pick<LineStory, 'removal'> => {
  const file = fileOf(line, REMOVED);
  return file === undefined ? {} : { removal: { writer: line.writer, file } };
};

/** What such a line tells; nothing, where it is of a form that is not known yet. */
export const storyOf = (text: string): LineStory => {
  const line = MARKS.some((mark) => text.includes(mark)) ? tryParseLine(text) : undefined; // nearly all notes have none
  if (line === undefined) return { heads: [], sealed: [] };
  if (line.type === 'condition') return { heads: [], sealed: [], ...removalOf(line) };
  const last = alphaHead.safeParse(line.data['alpha_head']).data ?? undefined;
  const own = headList.safeParse(line.data['heads']).data ?? [];
  const seen = headList.safeParse(line.data['seen']).data ?? [];
  const heads = [...own, ...seen, ...(last === undefined ? [] : [last])];
  const isEnd = line.type === 'session_end_summary';
  return { heads, sealed: isEnd ? [line.writer, ...own.map(({ writer }) => writer)] : [] };
};

/** The file that cannot be written, as a `condition` line tells. */
export const failingFileOf = (text: string): string | undefined => {
  const line = text.includes(`"${FAILING}"`) ? tryParseLine(text) : undefined;
  return line === undefined ? undefined : fileOf(line, FAILING);
};

/** How many messages an outage of the bus has dropped, as its `outage` line tells. */
export const droppedBy = (text: string): number => {
  const data = tryParseLine(text)?.data;
  const dropped = data?.['service'] === 'bus' ? data['dropped'] : 0;
  return typeof dropped === 'number' ? dropped : 0;
};
