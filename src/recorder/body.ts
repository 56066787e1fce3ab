/**
 * Owns the choke point (G7): any value becomes a capped, redacted JSON text, before any sink, hash or log sees it.
 *
 * What JSON has no word for: `undefined`, functions and symbols are left out of objects and are `null` in lists; a bigint is
 * `"123n"`; a Map `{"$map": [[key, value]]}`, a Set `{"$set": [...]}`, bytes `{"$binary": size}` with their text where they
 * are text; what could not be read `"[unreadable: why]"`, a cycle `"[circular]"`, what is too deep or too much `"[cut: …]"`.
 */
import { bestEffortSync } from '../failopen/best-effort.ts';
import { TextFitter } from './body-text.ts';
import { BodyWalk, type WalkTools } from './body-walk.ts';
import { type OwnPattern, RedactedCounts, Redactor } from './redact/redact.ts';

export interface EncodedBody {
  /** Valid JSON, well-formed; at most `maxBodyBytes` of UTF-8 and, with very small ones, some 100 bytes more. */
  readonly json: string;
  /** Kind → how many secrets were taken out; `undefined`: none. */
  readonly redacted: Readonly<Record<string, number>> | undefined;
  /** 0, or the size in bytes that the body had before it was cut: exact for texts up to 4 MiB, else an estimate. */
  readonly truncatedBytes: number;
}

export interface EncodedText {
  /** Well-formed: a lone surrogate has become U+FFFD. */
  readonly text: string;
  readonly redacted: Readonly<Record<string, number>> | undefined;
  readonly truncatedBytes: number;
}

export interface BodyEncoder {
  /** Never throws; time and memory are bounded by the cap, not by the value. */
  encode(value: unknown): EncodedBody;
  /** Text as text (error messages, names), at most `maxBytes` of UTF-8. Never throws. */
  encodeText(text: string, maxBytes?: number): EncodedText;
}

export interface BodyEncoderOptions {
  readonly maxBodyBytes: number;
  /** Redacted besides what nika knows; looked for in each text of a body on its own. */
  readonly patterns: readonly OwnPattern[];
}

const UNWRITABLE = '[unreadable]';

const encodeBody = (tools: WalkTools, maxBytes: number, value: unknown): EncodedBody => {
  const walk = new BodyWalk(tools, maxBytes);
  walk.write(value);
  const { json, lostBytes } = walk;
  const truncatedBytes = lostBytes === 0 ? 0 : Buffer.byteLength(json) + lostBytes;
  return { json, redacted: walk.counts.toRecord(), truncatedBytes };
};

const encodeText = (fitter: TextFitter, maxBytes: number, text: string): EncodedText => {
  const counts = new RedactedCounts();
  const given: unknown = text; // what is typed as text may be anything at run time
  const fitted = fitter.toText(typeof given === 'string' ? given : String(given), maxBytes, counts);
  return { text: fitted.text, redacted: counts.toRecord(), truncatedBytes: fitted.cutBytes };
};

/**
 * The encoder of a pod; made once.
 * @throws {NikaError} `NIKA_CONFIG_INVALID` for a pattern that is not a regular expression
 */
export const createBodyEncoder = ({ maxBodyBytes, patterns }: BodyEncoderOptions): BodyEncoder => {
  const redactor = new Redactor(patterns);
  const fitter = new TextFitter(redactor);
  const tools: WalkTools = { redactor, fitter, knownKeys: new Map() };
  return {
    encode: (value) =>
      bestEffortSync('recorder.encode', () => encodeBody(tools, maxBodyBytes, value)) ?? {
        json: `"${UNWRITABLE}"`,
        redacted: undefined,
        truncatedBytes: 0,
      },
    encodeText: (text, maxBytes = maxBodyBytes) =>
      bestEffortSync('recorder.encode-text', () => encodeText(fitter, maxBytes, text)) ?? {
        text: UNWRITABLE,
        redacted: undefined,
        truncatedBytes: 0,
      },
  };
};
