/** Owns a place in a file of the bus that is found again later, and the parts that are to be read from there. */
import { readChunks } from '../read/chunks.ts';
import type { BusFilePart } from '../read/files.ts';

/** It holds also when its segment was renamed or compressed. */
export interface BusPlace {
  /** How the segment begins: no two lines begin alike. */
  readonly begins: string;
  /** In it, uncompressed. */
  readonly byte: number;
}

const BEGINNING_CHARS = 200;
const SMALL_STEP_BYTES = 16 * 1024;
/** A disk's times are coarse, and a line is stamped before it is written. */
const MTIME_SLACK_MS = 60_000;

export const beginningOf = async (part: BusFilePart, signal: AbortSignal): Promise<string> => {
  for await (const { bytes } of readChunks(part, { stepBytes: SMALL_STEP_BYTES, signal }))
    return bytes.toString('latin1', 0, BEGINNING_CHARS);
  return '';
};

export interface PartsFromOptions {
  /** Parts that were last written to before are not read. */
  readonly sinceMs: number;
  /** Begin there; `undefined`: at the first part that is not too old. */
  readonly from?: BusPlace | undefined;
  readonly signal: AbortSignal;
}

/** The parts to read, and where to begin in the first; `undefined`: that place is not there any more. */
export const partsFrom = async (
  { from, sinceMs, signal }: PartsFromOptions,
  parts: readonly BusFilePart[],
): Promise<{ readonly parts: readonly BusFilePart[]; readonly fromByte: number } | undefined> => {
  if (from === undefined)
    return { parts: parts.filter(({ mtimeMs }) => mtimeMs >= sinceMs - MTIME_SLACK_MS), fromByte: 0 };
  for (let at = parts.length - 1; at >= 0; at -= 1) {
    const part = parts[at];
    if (part === undefined || (await beginningOf(part, signal)) !== from.begins) continue;
    if (!part.compressed && part.sizeBytes < from.byte) return undefined; // cut, or another file
    return { parts: parts.slice(at), fromByte: from.byte };
  }
  return undefined;
};
