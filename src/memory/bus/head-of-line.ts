/** Owns what is known of a line of the bus without parsing it: for whoever passes by a million of them. Pure. */
import { tryParseLine } from '../../bus/line.ts';
import { entityOf, tsOf, typeOf } from '../../bus/query/line-filter.ts';

export interface LineHead {
  readonly type: string;
  readonly ts: string;
  /** What it tells of: a SUB's line stands in the channel of another one. */
  readonly subject: string;
  readonly session: string;
}

const SUBJECT_KEY = '"entity_id":"';
const SESSION_KEY = '"session_id":"';
const META_KEY = ',"meta":{';

/** The text behind a key, up to its quotation mark; ids hold none. */
const valueBehind = (text: string, key: string, from: number): string | undefined => {
  const at = text.indexOf(key, from);
  if (at === -1) return undefined;
  const start = at + key.length;
  return text.slice(start, text.indexOf('"', start));
};

const parsedHead = (text: string): LineHead | undefined => {
  const line = tryParseLine(text);
  if (line === undefined) return undefined;
  const { type, ts, entity, meta } = line;
  const { entity_id: subject, session_id: session } = meta;
  return {
    type,
    ts,
    subject: typeof subject === 'string' ? subject : entity,
    session: typeof session === 'string' ? session : '',
  };
};

/** `undefined`: it is no line. The envelope stands before the data, and begins with what names the session. */
export const headOf = (text: string): LineHead | undefined => {
  const from = text.indexOf(META_KEY);
  const subject = from === -1 ? undefined : valueBehind(text, SUBJECT_KEY, from);
  const session = from === -1 ? undefined : valueBehind(text, SESSION_KEY, from);
  const type = typeOf(text);
  if (type === undefined || subject === undefined || session === undefined || entityOf(text) === undefined)
    return parsedHead(text);
  return { type, ts: tsOf(text), subject, session };
};
