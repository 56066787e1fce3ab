/** Owns how an entry of the feed is read that was asked for without a group: its id in the stream, and the change. Pure. */
import { type FeedChange, parseFeedChange } from '../../ipc/feed/feed-change.ts';

export interface FeedEntry {
  readonly streamId: string;
  /** `undefined`: somebody put something else there. */
  readonly change: FeedChange | undefined;
}

type RawEntry = readonly [id: string, fields: readonly string[] | null];

const fieldsOf = (list: readonly string[]): Record<string, string> => {
  const fields: Record<string, string> = {};
  for (let at = 0; at + 1 < list.length; at += 2) fields[list[at] ?? ''] = list[at + 1] ?? '';
  return fields;
};

/** What XRANGE and XREVRANGE answer. */
export const entriesOf = (value: unknown): readonly FeedEntry[] =>
  (Array.isArray(value) ? (value as readonly RawEntry[]) : []).map(([streamId, fields]) => ({
    streamId,
    change: parseFeedChange(fieldsOf(fields ?? [])),
  }));

/** What XREAD answers for one stream: by protocol a list of pairs, a map, or the map as a flat list. */
export const entriesOfRead = (value: unknown): readonly FeedEntry[] => {
  if (value === null || value === undefined) return [];
  if (value instanceof Map) return [...value.values()].flatMap(entriesOf);
  if (!Array.isArray(value)) return Object.values(value as Record<string, unknown>).flatMap(entriesOf);
  if (value.length === 2 && typeof value[0] === 'string') return entriesOf(value[1]);
  return (value as readonly (readonly [string, unknown])[]).flatMap(([, entries]) => entriesOf(entries));
};
