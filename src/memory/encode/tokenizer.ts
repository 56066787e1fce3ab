/**
 * Owns what a text of this field is found by: words, identifiers in parts and whole, paths, codes of errors, numbers. A
 * token is known by its hash alone: no text is made of it, which is what makes a million documents quick.
 *
 * T1. The same token has the same hash in every process and on every machine: FNV-1a, 32 bits, over what it folds to.
 * T2. Time and tokens are bounded, whatever the text: {@link MAX_CHARS} of it are read, {@link MAX_TOKENS} are made.
 */
import { CLASS, COMMA, DIGIT, DOT, isWord, JOINER, LOWER, QUOTE, SEPARATOR, SLASH, UPPER } from './char-class.ts';
import { composed, foldedText, foldOf } from './fold.ts';
import { addPairs } from './pairs.ts';
import { BASIS, mixed, Span, unmixed } from './span.ts';
import { endingOf } from './stem.ts';
import { MAX_TOKENS, TokenBuffer, type Tokens } from './tokens.ts';

export const MAX_CHARS = 65_536;
const TYPOGRAPHIC_QUOTE = 0x20_19;
const MAX_UNIT = 3;
const RARE_TAIL = 16; // longer than any ending, accents that stand by themselves included
/** A run without joiners that falls apart into such small pieces is no name but something encoded. */
const ENCODED = { fromChars: 24, charsOfPart: 3 } as const;

const [SMALL_A, SMALL_V, SMALL_Z] = [97, 118, 122] as const;

/** What positions count in (T2). */
export const readableOf = (text: string): string => composed(text.length > MAX_CHARS ? text.slice(0, MAX_CHARS) : text);

export class Tokenizer {
  readonly #made = new TokenBuffer();
  readonly #hasStems: boolean;
  readonly #part = new Span();
  readonly #name = new Span();
  readonly #dotted = new Span();
  readonly #path = new Span();
  #dottedNames = 0;
  #pathSegments = 0;
  #text = '';
  /** Where the last letter ended. */
  #end = 0;
  #before: number = SEPARATOR;
  /** Digits in the part. */
  #digits = 0;
  /** The part is the unit behind a number: not taken apart. */
  #isUnit = false;
  /** The part is ASCII with nothing between. */
  #isPlain = true;
  /** Whether the dotted one has nothing but digits: a version, a fraction, an address. */
  #isNumeric = true;
  #hasJoiner = false;
  /** The character is the v of v1.2: no part of the number. */
  #isVersion = false;

  constructor({ stems = true }: { readonly stems?: boolean } = {}) {
    this.#hasStems = stems;
  }

  tokens(given: string): Tokens {
    const text = readableOf(given);
    this.#text = text;
    this.#made.count = 0;
    for (let at = 0; at < text.length && this.#made.count < MAX_TOKENS;) {
      const code = text.charCodeAt(at);
      at = code < 128 ? this.#ascii(code, at) : this.#other(at);
    }
    this.#endPath();
    this.#text = '';
    return this.#made;
  }

  #classAt(at: number): number {
    const code = this.#text.charCodeAt(at);
    return code < 128 ? (CLASS[code] ?? SEPARATOR) : SEPARATOR; // NaN behind the end
  }

  #isWordAt(at: number): boolean {
    return isWord(this.#classAt(at));
  }

  #ascii(code: number, at: number): number {
    const kind = CLASS[code];
    if (kind === LOWER) return this.#takeRun(at);
    else if (kind === UPPER) this.#take(code | 32, UPPER, at);
    else if (kind === DIGIT) this.#take(code, DIGIT, at);
    else if (kind === JOINER) this.#join();
    else if (kind === DOT) this.#endName();
    else if (kind === SLASH) this.#endDotted();
    else if (kind === QUOTE) return this.#quote(at);
    else if (kind !== COMMA || !this.#isInNumber(at)) this.#endPath();
    return at + 1;
  }

  #join(): void {
    this.#endPart();
    this.#hasJoiner = true;
    this.#isUnit = false;
  }

  /** "don't" is one word, and of "pod's" the s is left out. */
  #quote(at: number): number {
    if (this.#part.members === 0 || !this.#isWordAt(at + 1)) {
      this.#endPath();
      return at + 1;
    }
    const isOwner = (this.#text.charCodeAt(at + 1) | 32) === 115 && !this.#isWordAt(at + 2);
    if (isOwner) this.#endPath();
    else this.#isPlain = false;
    return isOwner ? at + 2 : at + 1;
  }

  /** 1,000 is 1000. */
  #isInNumber(at: number): boolean {
    const isNumber = this.#part.members > 0 && this.#digits === this.#part.chars;
    if (!isNumber || this.#classAt(at + 4) === DIGIT) return false;
    return this.#classAt(at + 1) === DIGIT && this.#classAt(at + 2) === DIGIT && this.#classAt(at + 3) === DIGIT;
  }

  #other(at: number): number {
    const code = this.#text.codePointAt(at) ?? 0;
    const next = at + (code > 0xff_ff ? 2 : 1);
    if (code === TYPOGRAPHIC_QUOTE) return this.#quote(at);
    const fold = foldOf(code);
    if (fold.kind === 'letter') {
      const { text, isUpper } = fold;
      for (let unit = 0; unit < text.length; unit += 1) {
        const one = text.charCodeAt(unit);
        const isDigit = one < 128 && CLASS[one] === DIGIT;
        this.#take(one, isDigit ? DIGIT : isUpper && unit === 0 ? UPPER : LOWER, at);
      }
      this.#end = next;
      this.#isPlain = false;
    } else if (fold.kind === 'pair') {
      this.#endPath();
      return addPairs(this.#text, at, this.#made);
    } else if (fold.kind === 'separator') this.#endPath();
    else if (this.#part.members > 0) {
      this.#end = next;
      this.#isPlain = false;
    }
    return next;
  }

  #take(code: number, kind: number, at: number): void {
    if (this.#part.members > 0 && this.#isBoundary(kind, at)) this.#endPart();
    if (this.#part.members === 0) this.#open(code, at);
    this.#part.mix(code);
    if (this.#name.members > 1) this.#name.hash = mixed(this.#name.hash, code);
    if (kind === DIGIT) this.#digits += 1;
    else if (!this.#isVersion || at > this.#name.start) this.#isNumeric = false;
    this.#before = kind;
    this.#end = at + 1;
  }

  /** A letter and all small ones behind it: no part begins among those. */
  #takeRun(from: number): number {
    this.#take(this.#text.charCodeAt(from), LOWER, from);
    const text = this.#text;
    const part = this.#part;
    let at = from + 1;
    let { hash } = part;
    let code = text.charCodeAt(at);
    while (code >= SMALL_A && code <= SMALL_Z) {
      hash = mixed(hash, code);
      at += 1;
      code = text.charCodeAt(at);
    }
    part.hash = hash;
    part.chars += at - from - 1;
    this.#end = at;
    if (this.#name.members > 1) this.#name.hash = this.#mixedFrom(from + 1, at, this.#name.hash);
    return at;
  }

  /** Of small letters and digits. */
  #mixedFrom(from: number, to: number, basis: number): number {
    let hash = basis;
    for (let at = from; at < to; at += 1) hash = mixed(hash, this.#text.charCodeAt(at));
    return hash;
  }

  /** Opens a part, and of what it belongs to that which is not open yet. */
  #open(code: number, at: number): void {
    const [part, name, dotted, path] = [this.#part, this.#name, this.#dotted, this.#path];
    if (path.members === 0) path.open(at, this.#made.count);
    if (dotted.members === 0) {
      dotted.open(at, this.#made.count);
      this.#isNumeric = true;
    }
    if (name.members === 0) {
      this.#isVersion = code === SMALL_V && this.#classAt(at + 1) === DIGIT;
      name.open(at, this.#made.count);
      this.#hasJoiner = false;
      this.#isUnit = false;
    } else {
      if (name.members === 1) {
        name.hash = part.hash;
        name.chars = part.chars;
      }
      name.members += 1;
    }
    part.open(at, this.#made.count);
    this.#digits = 0;
    this.#isPlain = true;
  }

  /** Whether a new part begins here: maxAttempts, HTTPServer, 300ms; not IDs, TS2345. */
  #isBoundary(kind: number, at: number): boolean {
    if (this.#isUnit || kind === DIGIT) return false;
    if (this.#before === DIGIT) {
      const isNumber = this.#digits === this.#part.chars;
      if (!isNumber) return kind === UPPER;
      this.#isUnit = this.#isUnitAt(at);
      return this.#isUnit;
    }
    if (kind !== UPPER) return false;
    if (this.#before === LOWER) return true;
    if (this.#classAt(at + 1) !== LOWER) return false;
    const isPlural = this.#text.charCodeAt(at + 1) === 115 && this.#classAt(at + 2) !== LOWER;
    return !isPlural;
  }

  /** At most three letters and then no more: of a number the unit. */
  #isUnitAt(at: number): boolean {
    let end = at;
    while (end - at <= MAX_UNIT && this.#isWordAt(end) && this.#classAt(end) !== DIGIT) end += 1;
    return end - at <= MAX_UNIT && !this.#isWordAt(end);
  }

  #whole(hash: number, start: number): void {
    if (!this.#hasStems || this.#before === DIGIT) return this.#made.add(hash, start, this.#end);
    const { start: from, chars } = this.#part;
    const text = this.#isPlain
      ? this.#text
      : foldedText(this.#text.slice(Math.max(from, this.#end - RARE_TAIL), this.#end));
    const end = this.#isPlain ? this.#end : text.length;
    const { cut, add } = endingOf(text, end, chars);
    let stem = hash;
    for (let back = 1; back <= cut; back += 1) stem = unmixed(stem, text.charCodeAt(end - back) | 32);
    this.#made.add(add === 0 ? stem : mixed(stem, add), start, this.#end);
  }

  #endPart(): void {
    const part = this.#part;
    if (part.members === 0) return;
    this.#whole(part.hash, part.start);
    if (this.#name.members > 1) this.#name.chars += part.chars;
    part.members = 0;
  }

  #endName(): void {
    this.#endPart();
    const name = this.#name;
    const { members, chars } = name;
    if (members === 0) return;
    name.members = 0;
    if (members === 1) name.hash = this.#part.hash;
    else {
      const isEncoded = chars >= ENCODED.fromChars && members * ENCODED.charsOfPart > chars && !this.#hasJoiner;
      if (isEncoded) this.#made.count = name.first;
      this.#whole(name.hash, name.start);
    }
    const isVersion = this.#isVersion && this.#dottedNames === 0 && members === 1 && this.#isPlain;
    const hash = isVersion ? this.#mixedFrom(name.start + 1, this.#end, BASIS) : name.hash;
    this.#dotted.hash = mixed(this.#dotted.hash, hash);
    this.#dottedNames += 1;
  }

  #endDotted(): void {
    this.#endName();
    const dotted = this.#dotted;
    if (dotted.members === 0) return;
    dotted.members = 0;
    if (this.#dottedNames > 1) {
      if (this.#isNumeric) this.#made.count = dotted.first;
      this.#made.add(dotted.hash, dotted.start, this.#end);
    }
    this.#dottedNames = 0;
    this.#path.hash = mixed(this.#path.hash, dotted.hash);
    this.#pathSegments += 1;
  }

  #endPath(): void {
    const path = this.#path;
    if (path.members === 0) return;
    this.#endDotted();
    if (this.#pathSegments > 1) this.#made.add(path.hash, path.start, this.#end);
    this.#pathSegments = 0;
    path.members = 0;
  }
}
