/**
 * Owns the finding of one field in a JSON text without reading all of it: bodies have up to a megabyte, and a call waits.
 *
 * J1. A name with its quotes and colon cannot stand inside of a text, where quotes are escaped; so a match is a field, of
 *     the object itself or of one in it.
 */

/** Before and after a long text the fields stand in so many characters. */
const END_CHARS = 1024;

/** The raw JSON of a text, without its quotes and at most `maxChars`; of a list of texts, with its brackets. */
const rawValue = (json: string, at: number, maxChars: number): string | undefined => {
  const first = json.charCodeAt(at);
  if (first === 0x5b) {
    const end = json.indexOf(']', at);
    return json.slice(at, end < 0 ? at + maxChars : Math.min(end + 1, at + maxChars));
  }
  if (first !== 0x22) return undefined;
  const limit = at + 1 + maxChars;
  for (let end = json.indexOf('"', at + 1); ; end = json.indexOf('"', end + 1)) {
    if (end < 0 || end > limit) return json.slice(at + 1, limit);
    let escapes = 0;
    while (json.charCodeAt(end - 1 - escapes) === 0x5c) escapes += 1;
    if (escapes % 2 === 0) return json.slice(at + 1, end);
  }
};

const findIn = (json: string, names: readonly string[], maxChars: number): string | undefined => {
  for (const name of names) {
    const at = json.indexOf(name);
    if (at >= 0) return rawValue(json, at + name.length, maxChars);
  }
  return undefined;
};

/** A name as it stands in the JSON text: `"file_path":`. */
export const fieldMark = (name: string): string => `"${name}":`;

/**
 * What the first of the names has that is there, as raw JSON: what {@link textsOfRaw} reads. `names`: made by
 * {@link fieldMark}. A part of `json`: who keeps it copies it.
 */
export const findRawField = (json: string, names: readonly string[], maxChars: number): string | undefined => {
  if (json.length <= 2 * END_CHARS) return findIn(json, names, maxChars);
  const head = findIn(json.slice(0, END_CHARS + maxChars), names, maxChars);
  return head ?? findIn(json.slice(-END_CHARS - maxChars), names, maxChars);
};

const STRINGS = /"((?:[^"\\]|\\.)*)"?/g;

const unescaped = (raw: string): string => {
  const whole = raw.replace(/\\(?:u[\da-fA-F]{0,3})?$/, (end) => (isEscaped(raw, raw.length - end.length) ? end : ''));
  try {
    return (JSON.parse(`"${whole}"`) as string).toWellFormed();
  } catch {
    return whole.toWellFormed();
  }
};

/** Whether the backslash there is the second one of a pair. */
const isEscaped = (text: string, at: number): boolean => {
  let before = 0;
  while (text.charCodeAt(at - 1 - before) === 0x5c) before += 1;
  return before % 2 === 1;
};

/** The text, or the texts of the list; a cut one as far as it goes. */
export const textsOfRaw = (raw: string): readonly string[] =>
  raw.startsWith('[') ? Array.from(raw.matchAll(STRINGS), ([, text = '']) => unescaped(text)) : [unescaped(raw)];
