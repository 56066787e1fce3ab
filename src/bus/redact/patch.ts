/** Owns finding in some bytes of a file the lines that are to become tombstones, also those that a kill left half written. */
import type { Chunk } from '../read/chunks.ts';
import { LINE_START } from '../read/salvage.ts';
import { tryReadForm } from '../read/verify/form.ts';
import type { LineTarget } from './target.ts';
import { tombstoneBytes, tombstoneHash } from './tombstone.ts';

/** A line of a chunk that is to become a tombstone. */
export interface Patch {
  readonly target: LineTarget;
  /** In the chunk. */
  readonly at: number;
  readonly tombstone: Buffer;
  /** It stands already. */
  readonly isDone: boolean;
}

/** Where lines may begin between two line feeds: at the first byte, and where one was glued to another. */
const startsIn = (bytes: Buffer, start: number, end: number): readonly number[] => {
  const starts: number[] = [];
  let at = bytes.indexOf(LINE_START, start, 'latin1');
  while (at !== -1 && at < end && starts.length < 1000) {
    starts.push(at);
    at = bytes.indexOf(LINE_START, at + 1, 'latin1');
  }
  return starts;
};

const patchAt = (bytes: Buffer, at: number, target: LineTarget): Patch | undefined => {
  const end = at + target.bytes;
  const form = end > bytes.byteLength ? undefined : tryReadForm(bytes, at, end);
  if (form?.writer !== target.writer || form.seq !== target.seq || form.h !== target.h) return undefined; // A2 of apply-targets.ts
  const line = bytes.subarray(at, end);
  const tombstone = tombstoneBytes(line, target.inner);
  if (tombstone === undefined || tombstoneHash(tombstone) !== target.tombstone) return undefined;
  return { target, at, tombstone, isDone: tombstone.equals(line) };
};

export type TargetsById = ReadonlyMap<string, LineTarget>;

/** The targets that stand in a chunk of their file. */
export const patchesOf = ({ bytes, ends, count }: Chunk, targets: TargetsById): readonly Patch[] => {
  const few = targets.size > 16 ? [] : Array.from(targets.keys(), (id) => Buffer.from(`"id":"${id}"`, 'latin1'));
  if (few.length > 0 && !few.some((mark) => bytes.includes(mark))) return [];
  const patches: Patch[] = [];
  for (let index = 0, start = 0; index < count; index += 1) {
    const end = ends[index] ?? bytes.byteLength;
    for (const at of startsIn(bytes, start, end)) {
      const header = bytes.toString('latin1', at, Math.min(end, at + 512));
      const target = targets.get(/,"id":"([^"\\]*)"/.exec(header)?.[1] ?? '');
      const patch = target === undefined ? undefined : patchAt(bytes, at, target);
      if (patch !== undefined) patches.push(patch);
    }
    start = end + 1;
  }
  return patches;
};
