/** Owns what a verification carries from file to file. */
import type { Chain } from '../../chain.ts';
import type { BusFileName } from '../../layout.ts';
import type { BlobCheck } from './blobs.ts';
import type { WriterRecords } from './both-files.ts';
import type { Claims } from './claims.ts';
import type { FindingLog } from './finding.ts';
import type { HeadTable } from './head-table.ts';
import type { Gap, Stray } from './writer-chain.ts';

/** What is left of a broken chain once its file is read. */
export interface Leftover {
  readonly file: BusFileName;
  readonly writer: string;
  readonly gaps: readonly Gap[];
  readonly strays: readonly Stray[];
}

export interface Verification {
  readonly chain: Chain;
  readonly log: FindingLog;
  readonly claims: Claims;
  readonly heads: HeadTable;
  readonly records: WriterRecords;
  readonly blobs: BlobCheck;
  readonly leftovers: Leftover[];
  /** Channels that were read; messages name them by their number. */
  readonly channels: BusFileName[];
  readonly signal: AbortSignal | undefined;
  /** Told of bytes on disk that were read since the last time. */
  readonly onRead: (bytes: number) => void;
  fileCount: number;
  lineCount: number;
  /** Lines whose chain fits. */
  fittingCount: number;
  /** Uncompressed. */
  byteCount: number;
}

const MAX_LEFTOVERS = 1000;

export const addLeftover = ({ leftovers }: Verification, leftover: Leftover): void => {
  const isEmpty = leftover.gaps.length === 0 && leftover.strays.length === 0;
  if (!isEmpty && leftovers.length < MAX_LEFTOVERS) leftovers.push(leftover);
};

/** Says of lines that are missing in one file and in the way in another that they were moved. */
export const matchMoved = (leftovers: readonly Leftover[]): void => {
  for (const { file, writer, strays } of leftovers) {
    for (const { seq, finding } of strays) {
      const from = leftovers.find(
        (other) => other.writer === writer && other.file !== file && other.gaps.some((gap) => has(gap, seq)),
      );
      const gap = from?.gaps.find((gap) => has(gap, seq));
      if (from === undefined || gap === undefined) continue;
      finding.kind = 'moved';
      finding.message = `line ${seq} belongs to ${from.file}, where it is missing`;
      gap.finding.message += `; it stands at ${finding.file}:${finding.line}`;
    }
  }
};

const has = ({ from, to }: Gap, seq: number): boolean => from <= seq && seq <= to;
