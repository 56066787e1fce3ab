/** Owns the one error class of nika: a stable code, the subject, a remedy and its cause. */
import { ERROR_CODES, type ErrorCode } from './error-codes.ts';

export interface NikaErrorDetails {
  /** What it is about: a file with its line, an id, a flag. */
  readonly subject?: string;
  /** What the person can do now. Overrides the remedy of the catalogue. */
  readonly remedy?: string;
  readonly cause?: unknown;
}

/**
 * An error that a person is meant to read. `code` is API: it never changes its meaning.
 * Expected failures are values; this is thrown for misconfiguration and wrong use only.
 */
export class NikaError extends Error {
  override readonly name = 'NikaError';
  readonly code: ErrorCode;
  readonly subject: string | undefined;
  readonly remedy: string;
  /** The exit code a command ends with when this error reaches it. */
  readonly exitCode: number;

  constructor(code: ErrorCode, message: string, details: NikaErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.subject = details.subject;
    this.remedy = details.remedy ?? ERROR_CODES[code].remedy;
    this.exitCode = ERROR_CODES[code].exitCode;
  }
}

/** The message of anything that was thrown; never throws itself. */
export const errorMessage = (thrown: unknown): string => {
  try {
    const text: unknown = thrown instanceof Error ? thrown.message : String(thrown);
    return typeof text === 'string' ? text : 'unknown error';
  } catch {
    return 'unknown error';
  }
};

/** The errno code (`ENOSPC`, `EACCES` …) of a system error, if it is one. */
export const errnoOf = (thrown: unknown): string | undefined => {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
};
