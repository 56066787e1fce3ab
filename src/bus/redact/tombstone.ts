/**
 * Owns the tombstone: what stands in the place of a line whose body was taken out.
 *
 * T1. As many bytes as the line, so that it is put over it where it stands, while others append to the file.
 * T2. The line's first keys and its `h` stay, byte for byte: the writer's next line still fits, heads that were told hold,
 *     and each reader finds time, type, entity and id where they were.
 * T3. It always names its redaction. Who did it and why stands there where there is room, and always in the `redaction`
 *     line that confirms it.
 */
import { hash } from 'node:crypto';
import { type BusLine, HASH_SUFFIX_CHARS, REDACTED_KEY } from '../line.ts';
import { keptData, keptMeta } from './kept-fields.ts';

export interface TombstoneMark {
  /** Id of the redaction. */
  readonly redaction: string;
  readonly reason: string;
  readonly by: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** Also what people wrote into the envelope goes: job, domain, intent, role, agent, tags. */
  readonly dropsWords: boolean;
}

const META_KEY = ',"meta":';
/** What nobody asks for, where room is short. */
const SPARED: readonly string[] = ['host', 'pid', 'trace_id', 'span_id'];

type Fields = Readonly<Record<string, unknown>>;

/** Index after `,"meta":`; the keys before it hold no quotes (L1), so the first one is meant. */
const metaAt = (line: Buffer): number => line.indexOf(META_KEY, 0, 'latin1') + META_KEY.length;

const innerOf = (meta: Fields, data: Fields): string => `${JSON.stringify(meta)},"data":${JSON.stringify(data)}`;

const without = (fields: Fields, keys: readonly string[]): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([key]) => !keys.includes(key)));

/**
 * Envelope and data of a tombstone, without what fills it up; `undefined`: the line is too short for one.
 * `bytes`: of the whole line, without its line feed.
 */
export const tombstoneInner = (line: BusLine, bytes: Buffer, mark: TombstoneMark): string | undefined => {
  const { redaction, reason, by, at, dropsWords } = mark;
  const roomBytes = bytes.byteLength - metaAt(bytes) - HASH_SUFFIX_CHARS;
  const meta = keptMeta(line.meta, dropsWords);
  const kept = keptData(line.type, line.data);
  const named = { [REDACTED_KEY]: redaction };
  const forms = [
    innerOf(meta, { ...named, redaction: { reason, by, at }, ...kept }),
    innerOf(meta, { ...named, ...kept }),
    innerOf(without(meta, SPARED), { ...named, ...kept }),
    innerOf({}, named),
  ];
  return forms.find((inner) => Buffer.byteLength(inner) <= roomBytes);
};

/** The tombstone of that line, as many bytes as it has (T1); `undefined`: there is no room for it. */
export const tombstoneBytes = (line: Buffer, inner: string): Buffer | undefined => {
  const from = metaAt(line);
  const roomBytes = line.byteLength - from - HASH_SUFFIX_CHARS;
  const text = Buffer.from(inner, 'utf8');
  if (from < META_KEY.length || text.byteLength > roomBytes) return undefined;
  const tombstone = Buffer.alloc(line.byteLength, ' ');
  line.copy(tombstone, 0, 0, from); // T2
  text.copy(tombstone, from, 0, text.byteLength - 1);
  tombstone.write('}', line.byteLength - HASH_SUFFIX_CHARS - 1, 'latin1');
  line.copy(tombstone, line.byteLength - HASH_SUFFIX_CHARS, line.byteLength - HASH_SUFFIX_CHARS);
  return tombstone;
};

/** By which a `redaction` line names what stands there now. */
export const tombstoneHash = (tombstone: Uint8Array): string => hash('sha256', tombstone);
