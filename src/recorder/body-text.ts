/**
 * Owns one text on its way into a body (G7): capped first, then redacted, then, where it is too long, cut with a word about it.
 *
 * C1. What is read of a text is bounded by the room there is, not by the text: the room and {@link OVERLAP_CHARS} more.
 * C2. A cut made before redaction is made with the overlap; one made afterwards cuts what holds no secret any more.
 */
import type { RedactedCounts, Redactor } from './redact.ts';

/** How far behind a cut is read, so that a secret across it is recognised. */
export const OVERLAP_CHARS = 4_096;
/** Room for the word about a cut. */
export const MARKER_BYTES = 48;
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

/** Bytes that a character takes: plain UTF-8, or as JSON writes it. A pair of surrogates is counted at its first half. */
const charBytes = (text: string, at: number, code: number, isJson: boolean): number => {
  if (code < 0x80) {
    if (!isJson || (code >= 32 && code !== 34 && code !== 92)) return 1;
    return code === 34 || code === 92 || (code >= 8 && code <= 13 && code !== 11) ? 2 : 6;
  }
  if (code < 0x800) return 2;
  if (code < 0xd800 || code > 0xdfff) return 3;
  if (isPairAt(text, at)) return 4;
  return isJson ? 6 : 3;
};

const isPairAt = (text: string, at: number): boolean => (text.codePointAt(at) ?? 0) > 0xffff;

/** How many characters of `text` fit into `maxBytes`; never half a pair. */
const fittingChars = (text: string, maxBytes: number, isJson: boolean): number => {
  let bytes = 0;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    const size = charBytes(text, i, code, isJson);
    bytes += size;
    if (bytes > maxBytes) return i;
    if (size === 4) i += 1;
  }
  return text.length;
};

/** `chars`, or one less where a pair of surrogates would be cut in two. */
const wholePairs = (text: string, chars: number): number =>
  chars > 0 && chars < text.length && isPairAt(text, chars - 1) ? chars - 1 : chars;

export interface FittedText {
  readonly text: string;
  /** As JSON, in quotes; '' if only text was asked for. */
  readonly json: string;
  /** Of the JSON, or of the text. */
  readonly bytes: number;
  /** 0: nothing was cut; else the size of the whole. */
  readonly cutBytes: number;
}

const jsonBytes = (json: string, isWide: boolean): number => (isWide ? Buffer.byteLength(json) : json.length);

/** Redacts and fits texts into the room there is. */
export class TextFitter {
  readonly #redactor: Redactor;

  constructor(redactor: Redactor) {
    this.#redactor = redactor;
  }

  /** `source` as a JSON string of at most `maxBytes`, about; `json` and `bytes` are of the whole, quotes included. */
  toJson(source: string | TextHead, maxBytes: number, counts: RedactedCounts): FittedText {
    const { kept, totalBytes } = this.#keep(source, maxBytes, counts);
    const isOwn = totalBytes === 0;
    if (isOwn && kept === source && !this.#redactor.needsEscape) {
      const json = `"${kept}"`;
      const bytes = jsonBytes(json, this.#redactor.isWide);
      if (bytes <= maxBytes) return { text: kept, json, bytes, cutBytes: 0 };
    }
    if (isOwn) {
      const json = JSON.stringify(kept);
      const bytes = Buffer.byteLength(json);
      if (bytes <= maxBytes) return { text: kept, json, bytes, cutBytes: 0 };
    }
    const cutBytes = isOwn ? textBytes(kept) : totalBytes;
    const text = kept.slice(0, fittingChars(kept, maxBytes - MARKER_BYTES, true)) + cutMarker(cutBytes); // C2
    const json = JSON.stringify(text);
    return { text, json, bytes: Buffer.byteLength(json), cutBytes };
  }

  /** `source` as text of at most `maxBytes` of UTF-8. Lone surrogates become U+FFFD. */
  toText(source: string, maxBytes: number, counts: RedactedCounts): FittedText {
    const { kept, totalBytes } = this.#keep(source, maxBytes, counts);
    const bytes = totalBytes === 0 ? Buffer.byteLength(kept) : 0;
    if (totalBytes === 0 && bytes <= maxBytes) return { text: kept.toWellFormed(), json: '', bytes, cutBytes: 0 };
    const cutBytes = totalBytes === 0 ? bytes : totalBytes;
    const room = Math.max(0, maxBytes - MARKER_BYTES);
    const text = (kept.slice(0, fittingChars(kept, room, false)) + cutMarker(cutBytes)).toWellFormed();
    return { text, json: '', bytes: Buffer.byteLength(text), cutBytes };
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
