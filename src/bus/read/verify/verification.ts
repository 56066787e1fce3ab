/** Owns what a verification carries from file to file. */
import type { Chain } from '../../chain.ts';
import type { ChannelNames } from '../channel-names.ts';
import type { BlobCheck } from './blobs.ts';
import type { WriterRecords } from './both-files.ts';
import type { Claims } from './claims.ts';
import type { FindingLog } from './finding.ts';
import type { FingerprintIndex } from './fingerprint-index.ts';
import type { HeadTable } from './head-table.ts';
import type { Leftover } from './leftovers.ts';
import type { Redactions } from './redactions.ts';

export interface Verification {
  readonly busDir: string;
  readonly chain: Chain;
  readonly log: FindingLog;
  readonly claims: Claims;
  readonly heads: HeadTable;
  readonly records: WriterRecords;
  readonly blobs: BlobCheck;
  readonly redactions: Redactions;
  readonly leftovers: Leftover[];
  /** Files that were removed, as their writers noticed: see {@link removalKey}. */
  readonly removals: FingerprintIndex;
  /** Messages name their channel by its number. */
  readonly channels: ChannelNames;
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

export const removalKey = (writer: string, file: string): string => `${writer}\n${file}`;

const MAX_LEFTOVERS = 1000;

export const addLeftover = ({ leftovers }: Verification, leftover: Leftover): void => {
  const isEmpty = leftover.gaps.length === 0 && leftover.strays.length === 0;
  if (!isEmpty && leftovers.length < MAX_LEFTOVERS) leftovers.push(leftover);
};
