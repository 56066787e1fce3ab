/**
 * Owns telling a torn line from a damaged one: a torn one is the beginning of a line and nothing else, as a killed
 * writer or a full disk leaves it, perhaps with others glued to it, perhaps with zeros around it (a power cut).
 *
 * T1. The end of a line is never part of a torn one: what has it was whole once, and is damaged.
 */
type Reading =
  /** The text ends within the line. */
  | { readonly kind: 'cut' }
  /** No line goes on like this, from that index on. */
  | { readonly kind: 'broken'; readonly at: number };

const KEYS = ['ts', 'type', 'entity', 'writer', 'seq', 'id', 'meta', 'data', 'h'];
const MAX_STARTS = 1000;
const LITERALS = ['true', 'false', 'null'];
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const CUT_NUMBER = /^-?(0|[1-9]\d*)?(\.\d*)?([eE][+-]?\d*)?$/;
const BARE = /[A-Za-z0-9+.-]+/y;
/** What may stand between the quotes of a JSON string. */
const STRING_BODY = /(?:[ !#-[\]-\uffff]+|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*/y;
const CUT_ESCAPE = /^\\(?:u[0-9a-fA-F]{0,3})?/;
const CUT_HASH = /^(?:"[0-9a-f]{64}"|"[0-9a-f]{0,64})?/;

/** Reads the beginning of a line as strictly as it was written: keys in order, no spaces. */
class CutLineReader {
  readonly #text: string;
  readonly #closers: string[] = [];
  #at: number;
  #keyCount = 0;

  constructor(text: string, from: number) {
    this.#text = text;
    this.#at = from;
  }

  read(): Reading {
    if (this.#text[this.#at] !== '{') return this.#broken();
    for (;;) {
      const reading = this.#value();
      if (reading !== undefined) return reading;
      const after = this.#afterValue();
      if (after !== undefined) return after;
    }
  }

  get #isOver(): boolean {
    return this.#at >= this.#text.length;
  }

  #broken(): Reading {
    return { kind: 'broken', at: this.#at };
  }

  /** One value, or the beginning of an object or list up to its first value. */
  #value(): Reading | undefined {
    for (;;) {
      if (this.#isOver) return { kind: 'cut' };
      const char = this.#text[this.#at];
      if (char === '"') return this.#string();
      if (char !== '{' && char !== '[') return this.#bare();
      this.#at += 1;
      const closer = char === '{' ? '}' : ']';
      this.#closers.push(closer);
      if (this.#text[this.#at] === closer) return undefined;
      const key = char === '{' ? this.#key() : undefined;
      if (key !== undefined) return key;
    }
  }

  /** Closing braces, then a comma and, in an object, the next key. */
  #afterValue(): Reading | undefined {
    while (!this.#isOver && this.#text[this.#at] === this.#closers.at(-1)) {
      if (this.#closers.length === 1) return this.#broken(); // T1
      this.#closers.pop();
      this.#at += 1;
    }
    if (this.#isOver) return { kind: 'cut' };
    if (this.#text[this.#at] !== ',') return this.#broken();
    this.#at += 1;
    return this.#closers.at(-1) === '}' ? this.#key() : undefined;
  }

  #key(): Reading | undefined {
    const from = this.#at;
    if (this.#isOver) return { kind: 'cut' };
    if (this.#text[from] !== '"') return this.#broken();
    const cut = this.#string();
    const wrongAt = this.#closers.length === 1 ? this.#wrongInKey(from + 1) : undefined;
    if (wrongAt !== undefined) {
      this.#at = wrongAt;
      return this.#broken();
    }
    if (cut !== undefined) return cut;
    if (this.#isOver) return { kind: 'cut' };
    if (this.#text[this.#at] !== ':') return this.#broken();
    this.#at += 1;
    return this.#closers.length === 1 && this.#keyCount === KEYS.length ? this.#hash() : undefined;
  }

  /** Where the key that begins there is not the one that comes next, or ends too early. */
  #wrongInKey(from: number): number | undefined {
    const expected = `${KEYS[this.#keyCount] ?? ''}"`;
    this.#keyCount += 1;
    const read = this.#text.slice(from, this.#at);
    if (read === expected || (this.#isOver && expected.startsWith(read))) return undefined;
    let same = 0;
    while (same < read.length && read[same] === expected[same]) same += 1;
    return from + same;
  }

  #hash(): Reading {
    this.#at += CUT_HASH.exec(this.#text.slice(this.#at, this.#at + 66))?.[0].length ?? 0;
    return this.#isOver ? { kind: 'cut' } : this.#broken();
  }

  #string(): Reading | undefined {
    STRING_BODY.lastIndex = this.#at + 1;
    STRING_BODY.test(this.#text);
    this.#at = STRING_BODY.lastIndex;
    if (this.#text[this.#at] === '"') {
      this.#at += 1;
      return undefined;
    }
    this.#at += CUT_ESCAPE.exec(this.#text.slice(this.#at, this.#at + 5))?.[0].length ?? 0;
    return this.#isOver ? { kind: 'cut' } : this.#broken();
  }

  #bare(): Reading | undefined {
    BARE.lastIndex = this.#at;
    const word = BARE.exec(this.#text)?.[0];
    if (word === undefined) return this.#broken();
    const isWhole = NUMBER.test(word) || LITERALS.includes(word);
    const mayBeCut = CUT_NUMBER.test(word) || LITERALS.some((literal) => literal.startsWith(word));
    if (isWhole || mayBeCut) this.#at += word.length;
    if (this.#isOver) return { kind: 'cut' };
    return isWhole ? undefined : this.#broken();
  }
}

/** Where another line may begin in `text`, after `from` and up to `upTo`. */
const laterStarts = (text: string, from: number, upTo: number): readonly number[] => {
  const starts: number[] = [];
  for (let at = text.indexOf('{', from + 1); at !== -1 && at <= upTo; at = text.indexOf('{', at + 1)) starts.push(at);
  return starts.slice(-MAX_STARTS);
};

/** What stands between the zeros at both ends. */
const withoutZeros = (text: string): string => {
  let start = 0;
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === 0) end -= 1;
  while (start < end && text.charCodeAt(start) === 0) start += 1;
  return text.slice(start, end);
};

/** Whether `text` is the beginning of a line, or several of them glued together, and nothing else. Latin-1 will do. */
export const isCutLine = (text: string): boolean => {
  const bytes = withoutZeros(text);
  const seen = new Set<number>();
  const toTry = [0];
  for (let from = toTry.pop(); from !== undefined; from = toTry.pop()) {
    if (from === bytes.length) return true; // zeros only
    if (seen.has(from)) continue;
    seen.add(from);
    const reading = new CutLineReader(bytes, from).read();
    if (reading.kind === 'cut') return true;
    toTry.push(...laterStarts(bytes, from, reading.at)); // the last one first
  }
  return false;
};
