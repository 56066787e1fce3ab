/**
 * Owns the form of one line (design, section 5): one JSON object, keys in a fixed order, the hash last.
 *
 * L1. `ts type entity writer seq id` come first and in this order, so `cut`, `grep` and a byte search find them.
 * L2. A line ends in `,"h":"<64 hex>"}`; all before it is what the hash covers.
 */
import type { EntityId } from '../model/id.ts';
import type { Chain, ChainHash } from './chain.ts';

/** A message that has no place in a file yet; `metaJson` and `dataJson` are JSON texts, redacted and capped (G7). */
export interface BusRecord {
  /** ISO 8601, UTC, milliseconds. */
  readonly ts: string;
  readonly type: string;
  readonly entity: EntityId;
  /** UUID version 7. */
  readonly id: string;
  readonly metaJson: string;
  readonly dataJson: string;
}

/** A line as it was read. `meta` and `data` may be of a newer version: nothing is assumed about them. */
export interface BusLine {
  readonly ts: string;
  readonly type: string;
  readonly entity: string;
  readonly writer: string;
  readonly seq: number;
  readonly id: string;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly data: Readonly<Record<string, unknown>>;
  readonly h: string;
}

/** A line is at most this long, its line feed included (design, section 5). */
export const LINE_MAX_BYTES = 64 * 1024;

/** `,"h":"` + 64 + `"}` */
export const HASH_SUFFIX_CHARS = 6 + 64 + 2;

/** The line up to `,"h"`: what its hash covers (L2). */
export const lineBody = (record: BusRecord, writer: string, seq: number): string =>
  `{"ts":"${record.ts}","type":"${record.type}","entity":"${record.entity}","writer":"${writer}","seq":${seq},"id":"${record.id}","meta":${record.metaJson},"data":${record.dataJson}`;

const HASH_CHARS = 64;
/** One line at a time is made in it, so that its bytes are copied once. */
let scratch = Buffer.allocUnsafeSlow(4 * LINE_MAX_BYTES);

export interface SealedLine {
  /** The whole line with its line feed. Valid until the next line is sealed. */
  readonly bytes: Uint8Array;
  readonly h: ChainHash;
}

/** Seals a body that follows on `previous`. */
export const sealedLine = (chain: Chain, previous: ChainHash, body: string): SealedLine => {
  const needed = body.length * 3 + 2 * HASH_CHARS + HASH_SUFFIX_CHARS;
  if (needed > scratch.byteLength) scratch = Buffer.allocUnsafeSlow(needed);
  const bodyEnd = scratch.write(previous + body, 0, 'utf8');
  const h = chain.of(scratch.subarray(0, bodyEnd));
  const end = bodyEnd + scratch.write(`,"h":"${h}"}\n`, bodyEnd, 'latin1');
  return { bytes: scratch.subarray(HASH_CHARS, end), h };
};

/** In the data of a line whose body was taken out ("nika bus redact"): which redaction did it. */
export const REDACTED_KEY = '$redacted';

/** The redaction that took the body out of the line; `undefined`: it is whole. Only `verify` tells whether it is so. */
export const redactionOf = ({ data }: Pick<BusLine, 'data'>): string | undefined => {
  const redaction = data[REDACTED_KEY];
  return typeof redaction === 'string' && redaction !== '' ? redaction : undefined;
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A line of text as a bus line, `undefined` if it is none: torn, glued, or not of a bus. Never throws. */
export const tryParseLine = (text: string): BusLine | undefined => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // a torn or glued line is an expected value for every reader
  }
  if (!isObject(value)) return undefined;
  const { ts, type, entity, writer, seq, id, meta, data, h } = value;
  const wellFormed =
    typeof ts === 'string' &&
    typeof type === 'string' &&
    typeof entity === 'string' &&
    typeof writer === 'string' &&
    typeof seq === 'number' &&
    typeof id === 'string' &&
    typeof h === 'string' &&
    isObject(meta) &&
    isObject(data);
  return wellFormed ? { ts, type, entity, writer, seq, id, meta, data, h } : undefined;
};
