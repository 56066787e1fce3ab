/**
 * Owns what becomes of the secrets of a text (G7): each is replaced by `[redacted:<kind>]` and counted.
 *
 * P1. Of a text that was cut, nothing behind `keepChars` is kept, and a secret that begins before it is replaced whole: what
 *     was read behind the cut only serves to recognise it.
 */
import { NikaError } from '../../model/error.ts';
import { scanText } from './redact-scan.ts';
import { addSpan, createSubject, mergeSpans, type Span, type Subject } from './redact-subject.ts';

/** A pattern of the user's own; its whole match is replaced. */
export interface OwnPattern {
  readonly name: string;
  /** A regular expression of JavaScript, Unicode mode. */
  readonly pattern: string;
}

/** How many secrets of which kind were taken out of a body. */
export class RedactedCounts {
  #counts: Map<string, number> | undefined;

  add(kind: string): void {
    this.#counts ??= new Map();
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
  }

  /** The kind, if there was only one. */
  get onlyKind(): string | undefined {
    return this.#counts?.size === 1 ? this.#counts.keys().next().value : undefined;
  }

  /** Kind → how many; `undefined`: none at all. */
  toRecord(): Readonly<Record<string, number>> | undefined {
    return this.#counts === undefined ? undefined : Object.fromEntries(this.#counts);
  }
}

interface CompiledPattern {
  readonly kind: string;
  readonly pattern: RegExp;
}

const compile = ({ name, pattern }: OwnPattern): CompiledPattern => {
  try {
    return { kind: name, pattern: new RegExp(pattern, 'gu') };
  } catch (cause) {
    throw new NikaError('NIKA_CONFIG_INVALID', `the redaction pattern "${name}" is not a regular expression`, {
      subject: `recorder.redact: ${name}`,
      cause,
    });
  }
};

export class Redactor {
  readonly #own: readonly CompiledPattern[];

  /** @throws {NikaError} `NIKA_CONFIG_INVALID` for a pattern that does not compile. */
  constructor(patterns: readonly OwnPattern[]) {
    this.#own = patterns.map(compile);
  }

  /** The first `keepChars` of `text` without its secrets (P1); adds to `counts`. The same string where none was found. */
  redact(text: string, keepChars: number, counts: RedactedCounts): string {
    const isCut = keepChars < text.length;
    const subject = createSubject(text, isCut);
    scanText(subject);
    for (const { kind, pattern } of this.#own) findOwn(subject, kind, pattern);
    if (subject.spans === undefined) return isCut ? text.slice(0, keepChars) : text;
    return replaceSpans(text, keepChars, mergeSpans(subject.spans), counts);
  }
}

const findOwn = (subject: Subject, kind: string, pattern: RegExp): void => {
  pattern.lastIndex = 0;
  for (let found = pattern.exec(subject.text); found !== null; found = pattern.exec(subject.text)) {
    if (found[0] === '') pattern.lastIndex += (subject.text.codePointAt(pattern.lastIndex) ?? 0) > 0xffff ? 2 : 1;
    else addSpan(subject, { start: found.index, end: found.index + found[0].length, kind, isForm: true });
  }
};

const replaceSpans = (text: string, keepChars: number, spans: readonly Span[], counts: RedactedCounts): string => {
  let kept = '';
  let from = 0;
  for (const { start, end, kind } of spans) {
    if (start >= keepChars) break; // P1
    kept += text.slice(from, start) + markerOf(kind);
    counts.add(kind);
    from = end;
  }
  return from < keepChars ? kept + text.slice(from, keepChars) : kept;
};

/** What stands for a secret. */
export const markerOf = (kind: string): string => `[redacted:${kind}]`;
