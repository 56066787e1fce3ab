/**
 * Owns how values get into a command line for `sh` without ever becoming code.
 *
 * Q1. A value is put between single quotes, in which a shell reads nothing but text.
 * Q2. That holds only where the command line itself is not within quotes, a heredoc, a comment and the like. A place
 *     that is such, or of which this reader is not sure, is refused: by the check of the job, and again at the run.
 *
 * What no quoting can help: a command that takes its argument for code (`eval`, `sh -c`), or for an option (`-x`).
 */
import { NikaError } from '../../model/error.ts';

const UNQUOTED = 'leave the quotes away: the value is quoted for the shell already';
const BY_ENV = 'set it in "env" of the step and write "$NAME" here';

type Frame = 'code' | 'double' | 'single';

/** `${NAME…}` and `$((…))` that are whole and have no quotes or commands in them. */
const PLAIN_EXPANSION = /\$\{[^'"\\`${}\n]*\}|\$\(\((?:[^'"\\`(){}]|\([^'"\\`(){}]*\))*\)\)/y;

class ShellReader {
  readonly #frames: Frame[] = ['code'];
  /** Why nothing can be put in from here on. */
  #unsure: string | undefined;
  #inComment = false;
  #afterBackslash = false;
  #afterDollar = false;
  #atWordStart = true;
  #sawCase = false;

  /** Reads the text up to the next value. */
  read(text: string): void {
    this.#afterBackslash = false;
    this.#afterDollar = false;
    for (let at = 0; at < text.length;) at += Math.max(1, this.#step(text, at));
  }

  /** Why no value can be put in here; `undefined`: it can. A word goes on behind it. */
  refusal(): string | undefined {
    this.#atWordStart = false;
    if (this.#unsure !== undefined) return this.#unsure;
    if (this.#inComment) return `no value can be put into a comment; ${BY_ENV}`;
    if (this.#frames.at(-1) !== 'code') return `no value can be put between quotes; ${UNQUOTED}`;
    if (this.#afterBackslash) return `no value can follow a backslash; ${UNQUOTED}`;
    return this.#afterDollar ? `no value can follow a "$"; ${BY_ENV}` : undefined;
  }

  /** Reads what begins at `at`, and says how many characters it has. */
  #step(text: string, at: number): number {
    const sign = text[at] ?? '';
    this.#afterDollar = false;
    if (this.#inComment) {
      this.#inComment = sign !== '\n';
      this.#atWordStart = true;
      return 1;
    }
    const frame = this.#frames.at(-1) ?? 'code';
    if (frame === 'single') {
      if (sign === "'") this.#frames.pop();
      return 1;
    }
    if (sign === '\\') {
      this.#afterBackslash = at + 1 === text.length;
      this.#atWordStart = false;
      return 2;
    }
    if (sign === '`') this.#unsure ??= 'no value can be put behind a backtick; write $(…) instead';
    if (sign === '$') return this.#dollar(text, at);
    if (sign === '"') {
      if (frame === 'double') this.#frames.pop();
      else this.#frames.push('double');
      this.#atWordStart = false;
      return 1;
    }
    return frame === 'code' ? this.#code(text, at) : 1;
  }

  #dollar(text: string, at: number): number {
    this.#atWordStart = false;
    PLAIN_EXPANSION.lastIndex = at;
    const expansion = PLAIN_EXPANSION.exec(text)?.[0];
    if (expansion !== undefined) return expansion.length;
    const next = text[at + 1];
    if (next === '{') this.#unsure ??= `no value can be put into or behind this \${…}; ${BY_ENV}`;
    if (next === "'" && this.#frames.at(-1) === 'code') this.#unsure ??= `no value can be put behind $'…'; ${BY_ENV}`;
    if (next === '(') {
      if (text[at + 2] === '(') this.#unsure ??= `no value can be put into or behind this $((…)); ${BY_ENV}`;
      this.#frames.push('code');
      this.#atWordStart = true;
      return 2;
    }
    this.#afterDollar = at + 1 === text.length;
    return 1;
  }

  #code(text: string, at: number): number {
    const sign = text[at] ?? '';
    if (this.#atWordStart && /case\s/y.test(text.slice(at, at + 5))) this.#sawCase = true;
    if (this.#atWordStart && sign === '#') {
      this.#inComment = true;
      return 1;
    }
    this.#atWordStart = /[\s;&|()<>]/.test(sign);
    if (sign === "'") this.#frames.push('single');
    else if (sign === '(') this.#open(text, at);
    else if (sign === ')') this.#close();
    else if (text.startsWith('<<<', at)) return 3;
    else if (text.startsWith('<<', at)) this.#unsure ??= `no value can be put behind a heredoc (<<); ${BY_ENV}`;
    return 1;
  }

  #open(text: string, at: number): void {
    if (text[at + 1] === '(') this.#unsure ??= `no value can be put into or behind ((…)); ${BY_ENV}`;
    this.#frames.push('code');
  }

  #close(): void {
    if (this.#frames.length === 1) return; // a pattern of `case`
    if (this.#sawCase) this.#unsure ??= `no value can be put behind a case within $(…); ${BY_ENV}`;
    this.#frames.pop();
  }
}

/** For each gap between the texts of a command line: why no value can be put in, or `undefined` (Q2). */
export const shellRefusals = (texts: readonly string[]): readonly (string | undefined)[] => {
  const reader = new ShellReader();
  return texts.slice(0, -1).map((text) => {
    reader.read(text);
    return reader.refusal();
  });
};

/**
 * Text as one word of a command line (Q1).
 * @throws {NikaError} `NIKA_JOB_BAD_EXPRESSION`: a NUL character, which no program can be given.
 */
export const shellQuote = (text: string): string => {
  if (text.includes('\0')) {
    throw new NikaError('NIKA_JOB_BAD_EXPRESSION', 'a value with a NUL character cannot be put into a command line');
  }
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
};
