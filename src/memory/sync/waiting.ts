/** Owns how much of a bus is not known to be in Qdrant yet (C1 of `memory-files.ts`). Nothing is asked of Qdrant for it. */
import { existsSync } from 'node:fs';
import { ALPHA } from '../../bus/layout.ts';
import { findBusFile } from '../../bus/read/files.ts';
import { readMemoryCursor } from './memory-files.ts';
import { readRemembered } from './remembered-lines.ts';

export interface WaitingOptions {
  readonly busDir: string;
  readonly runDir: string;
  /** {@link memoryTargetName} */
  readonly target: string;
}

export type Waiting =
  /** So many points; usually 0. */
  | { readonly kind: 'counted'; readonly count: number }
  /** Nobody has brought all of this bus to that Qdrant yet, or where it was is lost: all of it is to be looked at. */
  | { readonly kind: 'all' };

/** @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason */
export const readWaiting = async (
  { busDir, runDir, target }: WaitingOptions,
  signal: AbortSignal,
): Promise<Waiting> => {
  if (!existsSync(busDir) || findBusFile(busDir, ALPHA) === undefined) return { kind: 'counted', count: 0 };
  const cursor = readMemoryCursor(runDir);
  if (cursor === undefined || cursor.target !== target || cursor.is_partial) return { kind: 'all' };
  let count = 0;
  for await (const piece of readRemembered({ busDir, from: cursor.place, signal })) {
    if (piece === 'lost') return { kind: 'all' };
    count += piece.points.length;
  }
  return { kind: 'counted', count };
};

/** Of a bus of which not all is there, how many points come behind the place that was reached. @throws as {@link readWaiting} */
export const countBehind = async (
  { busDir, runDir, target }: WaitingOptions,
  signal: AbortSignal,
): Promise<number | undefined> => {
  const cursor = readMemoryCursor(runDir);
  const from = cursor?.target === target ? cursor.place : undefined;
  let count = 0;
  for await (const piece of readRemembered({ busDir, from, signal })) {
    if (piece === 'lost') return undefined;
    count += piece.points.length;
  }
  return count;
};
