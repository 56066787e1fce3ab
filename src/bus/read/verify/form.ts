/** Owns the form of a line as bytes (L1, L2): what a verification reads of it without parsing it. */
import { HASH_SUFFIX_CHARS } from '../../line.ts';

export interface LineHeader {
  readonly ts: string;
  readonly type: string;
  readonly entity: string;
  readonly writer: string;
  readonly seq: number;
  readonly id: string;
}

export interface LineForm extends LineHeader {
  readonly h: string;
  /** Index after the last byte that the hash covers. */
  readonly bodyEnd: number;
}

/** The first keys of a line, all but free text, are at most this long. */
const HEADER_MAX_BYTES = 512;
const HEADER =
  /^\{"ts":"([^"\\]*)","type":"([^"\\]*)","entity":"([^"\\]*)","writer":"([^"\\]*)","seq":(\d{1,15}),"id":"([^"\\]*)","meta":/;
const HEX = /^[0-9a-f]{64}$/;
const HASH_KEY = Buffer.from(',"h":"', 'latin1');
const QUOTE = 34;
const CLOSE = 125;

/** The first keys of a line (L1), `undefined` if it does not begin with them. */
export const tryReadHeader = (text: string): LineHeader | undefined => {
  const match = HEADER.exec(text);
  if (match === null) return undefined;
  const [, ts = '', type = '', entity = '', writer = '', seq = '', id = ''] = match;
  return { ts, type, entity, writer, seq: Number(seq), id };
};

const endsAsLine = (bytes: Buffer, bodyEnd: number, end: number): boolean =>
  bytes[end - 1] === CLOSE &&
  bytes[end - 2] === QUOTE &&
  HASH_KEY.compare(bytes, bodyEnd, bodyEnd + HASH_KEY.byteLength) === 0;

/** The line in `bytes` from `start` to `end`, `undefined` if it does not begin and end as a line does. */
export const tryReadForm = (bytes: Buffer, start: number, end: number): LineForm | undefined => {
  const bodyEnd = end - HASH_SUFFIX_CHARS;
  if (bodyEnd <= start || !endsAsLine(bytes, bodyEnd, end)) return undefined;
  const h = bytes.toString('latin1', bodyEnd + HASH_KEY.byteLength, end - 2);
  const header = tryReadHeader(bytes.toString('latin1', start, Math.min(bodyEnd, start + HEADER_MAX_BYTES)));
  return header === undefined || !HEX.test(h) ? undefined : { ...header, h, bodyEnd };
};

/** Writer and seq of a line whose rest is not there or damaged. */
export const tryReadOrigin = (text: string): { readonly writer: string; readonly seq: number } | undefined => {
  const match = /"writer":"([a-z0-9]{1,64})","seq":(\d{1,15}),/.exec(text.slice(0, HEADER_MAX_BYTES));
  return match?.[1] === undefined ? undefined : { writer: match[1], seq: Number(match[2]) };
};
