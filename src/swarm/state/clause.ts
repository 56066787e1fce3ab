/** Owns how any value that a job left is said in one clause: one line, short, the part that says most. Pure. */

/** Names under which results keep what people read, the best first. */
const SAYS_MOST = ['summary', 'message', 'result', 'text', 'answer', 'error', 'reason'];
/** More of a text is not looked at. */
const LOOKED_AT = 8;
const MAX_FIELDS = 12;

const LINE_ENDS = /([.;:,!?])?[ \t]*[\r\n]\s*/g;
/** What people do not see and a model reads: controls, marks of direction, tags, variation selectors, fillers. */
const UNSEEN = /[\s\p{Cc}\p{Default_Ignorable_Code_Point}]+/gu;

const onOneLine = (text: string, maxChars: number): string =>
  text
    .trimStart()
    .slice(0, LOOKED_AT * maxChars)
    .trim()
    .replaceAll(LINE_ENDS, (_end, mark: string | undefined) => (mark === undefined ? '; ' : `${mark} `))
    .replaceAll(UNSEEN, ' ')
    .trim();

/** At most so many characters (UTF-16); what was cut ends in `…`. */
export const cutTo = (text: string, maxChars: number): string => {
  if (text.length <= maxChars) return text.toWellFormed();
  return `${text
    .slice(0, Math.max(0, maxChars - 1))
    .replace(/[\uD800-\uDBFF]$/, '')
    .trimEnd()}…`.toWellFormed();
};

const isFields = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const textOf = (value: unknown, maxChars: number): string => {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return '';
  if (!isFields(value)) return JSON.stringify(value) ?? '';
  if (typeof value['head'] === 'string' && ('$blob' in value || '$cut' in value)) return value['head'];
  for (const name of SAYS_MOST) {
    const said = value[name];
    if (typeof said === 'string' && said.trim() !== '') return said;
  }
  return Object.entries(value)
    .slice(0, MAX_FIELDS)
    .map(([name, one]) => `${name}: ${typeof one === 'string' ? one.slice(0, maxChars) : JSON.stringify(one)}`)
    .join(', ');
};

/** A text, an error, a result of any form, or what stands in its place where it was long; empty: it says nothing. */
export const clauseOf = (value: unknown, maxChars: number): string =>
  cutTo(onOneLine(textOf(value, maxChars), maxChars), maxChars);

/** A name that others gave, where it stands among nika's words: what could pass for the end of those is taken out. */
export const wordOf = (text: string, maxChars: number): string => clauseOf(text, maxChars).replaceAll(/[:,]/g, '_');
