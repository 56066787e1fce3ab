/**
 * Owns one text on its way into a body (G7): capped first, then redacted, then, where it is too long, cut with a word about it.
 *
 * C1. What is read of a text is bounded by the room there is, not by the text: the room and {@link OVERLAP_CHARS} more.
 * C2. A cut made before redaction is made with the overlap; one made afterwards cuts what holds no secret any more.
 */
import type { RedactedCounts, Redactor } from './redact/redact.ts';

/** How far behind a cut is read, so that a secret across it is recognised. */
export const OVERLAP_CHARS = 4_096;
/** Room for the word about a cut. */
export const MARKER_BYTES = 48;
const SHORT_CHARS = 24;
/** Nothing that JSON must escape, nothing of more than one byte. */
const PLAIN = /^[ !#-[\]-~]*$/;
/** Of `\u0000`. */
const LONGEST_ESCAPE = 6;
/** Up to here the size of what was cut is counted exactly; beyond, it is told from its first part. */
const EXACT_CHARS = 4 * 1024 * 1024;

/** The first part of something longer that is not a string of its own (the bytes of a buffer). */
export class TextHead {
  /** Longer than what is kept by {@link OVERLAP_CHARS} if there is more. */
  readonly text: string;
  readonly keepChars: number;
  readonly totalBytes: number;

  constructor(text: string, keepChars: number, totalBytes: number) {
    this.text = text;
    this.keepChars = keepChars;
    this.totalBytes = totalBytes;
  }
}

export const cutMarker = (totalBytes: number): string => `…[cut: ${totalBytes} bytes]`;

/** Bytes of UTF-8 of a text, without reading all of a huge one. */
export const textBytes = (text: string): number => {
  if (text.length <= EXACT_CHARS) return Buffer.byteLength(text);
  return Math.round((Buffer.byteLength(text.slice(0, EXACT_CHARS)) / EXACT_CHARS) * text.length);
};

const isPairAt = (text: string, at: number): boolean => (text.codePointAt(at) ?? 0) > 0xffff;

/** How many characters of `text` fit into `maxBytes` of UTF-8, and the bytes that they take; never half a pair. */
const fitting = (text: string, maxBytes: number): { readonly read: number; readonly written: number } =>
  new TextEncoder().encodeInto(text, Buffer.allocUnsafe(Math.max(0, Math.min(maxBytes, text.length * 3))));

/** The first `maxBytes` of a JSON string, without its closing quote; never half an escape. */
const cutJson = (json: string, maxBytes: number): { readonly text: string; readonly bytes: number } => {
  const { read, written } = fitting(json.slice(0, -1), maxBytes);
  if (read === 0) return { text: '"', bytes: 1 };
  const end = endOfEscapes(json, read);
  return { text: json.slice(0, end), bytes: written - (read - end) };
};

/** `chars`, or less where an escape would be cut in two. */
const endOfEscapes = (json: string, chars: number): number => {
  const lastAt = json.lastIndexOf('\\', chars - 1);
  if (lastAt < chars - LONGEST_ESCAPE + 1) return chars;
  let firstAt = lastAt;
  while (json.charAt(firstAt - 1) === '\\') firstAt -= 1;
  const escapeAt = firstAt + Math.floor((lastAt - firstAt) / 2) * 2; // each two of them are one
  const size = json.charAt(escapeAt + 1) === 'u' ? LONGEST_ESCAPE : 2;
  return escapeAt + size > chars ? escapeAt : chars;
};

/** `chars`, or one less where a pair of surrogates would be cut in two. */
const wholePairs = (text: string, chars: number): number =>
  chars > 0 && chars < text.length && isPairAt(text, chars - 1) ? chars - 1 : chars;

export interface FittedText {
  /** '' if it was cut and JSON was asked for. */
  readonly text: string;
  /** As JSON, in quotes; '' if text was asked for. */
  readonly json: string;
  /** Of the JSON, or of the text. */
  readonly bytes: number;
  /** 0: nothing was cut; else the size of the whole. */
  readonly cutBytes: number;
}

const cut = (json: string, maxBytes: number, totalBytes: number): FittedText => {
  const { text, bytes } = cutJson(json, maxBytes - MARKER_BYTES); // C2
  const end = `${cutMarker(totalBytes)}"`;
  return { text: '', json: text + end, bytes: bytes + Buffer.byteLength(end), cutBytes: totalBytes };
};

/** Redacts and fits texts into the room there is. */
export class TextFitter {
  readonly #redactor: Redactor;

  constructor(redactor: Redactor) {
    this.#redactor = redactor;
  }

  /** `source` as a JSON string of at most `maxBytes`, about; `json` and `bytes` are of the whole, quotes included. */
  toJson(source: string | TextHead, maxBytes: number, counts: RedactedCounts): FittedText {
    if (typeof source !== 'string' || source.length > maxBytes) return this.#cutToJson(source, maxBytes, counts);
    const text = this.#redactor.redact(source, source.length, counts);
    if (text.length <= SHORT_CHARS && PLAIN.test(text)) {
      return { text, json: `"${text}"`, bytes: text.length + 2, cutBytes: 0 };
    }
    const json = JSON.stringify(text);
    const bytes = json.length > maxBytes ? json.length : Buffer.byteLength(json);
    return bytes <= maxBytes ? { text, json, bytes, cutBytes: 0 } : cut(json, maxBytes, textBytes(source));
  }

  /** `source` as text of at most `maxBytes` of UTF-8. Lone surrogates become U+FFFD. */
  toText(source: string, maxBytes: number, counts: RedactedCounts): FittedText {
    const { kept, totalBytes } = this.#keep(source, maxBytes, counts);
    const bytes = totalBytes === 0 ? Buffer.byteLength(kept) : 0;
    if (totalBytes === 0 && bytes <= maxBytes) return { text: kept.toWellFormed(), json: '', bytes, cutBytes: 0 };
    const cutBytes = totalBytes === 0 ? bytes : totalBytes;
    const room = Math.max(0, maxBytes - MARKER_BYTES);
    const text = (kept.slice(0, fitting(kept, room).read) + cutMarker(cutBytes)).toWellFormed();
    return { text, json: '', bytes: Buffer.byteLength(text), cutBytes };
  }

  #cutToJson(source: string | TextHead, maxBytes: number, counts: RedactedCounts): FittedText {
    const { kept, totalBytes } = this.#keep(source, maxBytes, counts);
    return cut(JSON.stringify(kept), maxBytes, totalBytes);
  }

  /** Redacts as much of `source` as can fit (C1). `totalBytes`: 0 if that is all of it. */
  #keep(source: string | TextHead, maxBytes: number, counts: RedactedCounts): { kept: string; totalBytes: number } {
    const isHead = typeof source !== 'string';
    const text = isHead ? source.text : source;
    const keepChars = wholePairs(text, Math.max(0, Math.min(isHead ? source.keepChars : text.length, maxBytes)));
    if (keepChars === text.length) return { kept: this.#redactor.redact(text, keepChars, counts), totalBytes: 0 };
    const near = text.slice(0, keepChars + OVERLAP_CHARS);
    const kept = this.#redactor.redact(near, keepChars, counts);
    return { kept, totalBytes: isHead ? source.totalBytes : textBytes(text) };
  }
}
