/**
 * Owns `nika bus verify` (G8): reads the whole bus once, as it streams by, and tells what was changed, removed, put in
 * another order, inserted or moved, and apart from that what was left torn by a kill or a full disk.
 *
 * What it proves: every line that stands there is the one its writer wrote, in its place; of the lines at a writer's end
 * it proves that they are there as far as any head is known that was told elsewhere: in the other lines of a session, in
 * the sessions that began later, or given with `against`. A writer that was killed told none: whoever cuts its last line,
 * or cuts into it, leaves what a kill leaves, and that is a warning (`torn`) or, where nothing is left of it, nothing.
 * A power cut that takes lines which other lines tell of cannot be told from somebody who takes them: they are missing.
 */
import type { Head } from '../../model/message.ts';
import type { Chain } from '../chain.ts';
import { ALPHA } from '../layout.ts';
import { findBusFile, listBusFiles } from './files.ts';
import { BlobCheck } from './verify/blobs.ts';
import { WriterRecords } from './verify/both-files.ts';
import { Claims } from './verify/claims.ts';
import { FileVerifier } from './verify/file-verifier.ts';
import { type Finding, FindingLog } from './verify/finding.ts';
import { FingerprintIndex } from './verify/fingerprint-index.ts';
import { HeadTable } from './verify/head-table.ts';
import { settleOpenClaims } from './verify/open-claims.ts';
import { matchMoved, tellNoticed } from './verify/leftovers.ts';
import { lookAgain } from './verify/second-look.ts';
import { removalKey, type Verification } from './verify/verification.ts';

export type { Finding, FindingKind } from './verify/finding.ts';

export interface VerifyProgress {
  /** Bytes on disk. */
  readonly readBytes: number;
  readonly totalBytes: number;
}

export interface VerifyOptions {
  readonly busDir: string;
  /** The chain of the bus, with its key if it has one. */
  readonly chain: Chain;
  /** Heads that were kept elsewhere: their lines must be there. */
  readonly against?: readonly Head[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: VerifyProgress) => void;
}

export interface VerifyReport {
  readonly files: number;
  readonly lines: number;
  /** Lines whose chain fits; none at all, if the key is not the right one. */
  readonly fitting: number;
  /** Uncompressed, without blobs. */
  readonly bytes: number;
  readonly blobs: number;
  readonly writers: number;
  /** Writers that nobody has closed yet: they live, or were killed. */
  readonly unsealed: number;
  /** How many there are, also those beyond what is in `findings`. */
  readonly tampering: number;
  readonly warnings: number;
  /** At most 1000, by file and line. */
  readonly findings: readonly Finding[];
}

const createVerification = ({ busDir, chain, signal, onProgress }: VerifyOptions, totalBytes: number): Verification => {
  const log = new FindingLog();
  let readBytes = 0;
  return {
    chain,
    log,
    claims: new Claims(),
    heads: new HeadTable(),
    records: new WriterRecords(),
    blobs: new BlobCheck(busDir, log),
    leftovers: [],
    removals: new FingerprintIndex(),
    channels: [],
    signal,
    onRead: (bytes) => {
      readBytes += bytes;
      onProgress?.({ readBytes, totalBytes: Math.max(totalBytes, readBytes) });
    },
    fileCount: 0,
    lineCount: 0,
    fittingCount: 0,
    byteCount: 0,
  };
};

/**
 * Verifies a whole bus, also while pods write to it. Memory is bounded whatever its size: about 0.5 kB for each writer.
 * @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason when it is aborted.
 */
export const verifyBus = async (options: VerifyOptions): Promise<VerifyReport> => {
  const { busDir, against = [], signal } = options;
  const listed = listBusFiles(busDir);
  const totalBytes = listed.flatMap(({ parts }) => parts).reduce((total, { sizeBytes }) => total + sizeBytes, 0);
  const state = createVerification(options, totalBytes);
  const { log, claims, heads, records, leftovers, channels } = state;
  for (const head of against) if (claims.isNew(head)) claims.add(head, { path: 'the heads given', line: 0 }, 0);
  // Channels first: a session's lines stand there before they stand on the alpha bus, so each head told of the alpha
  // bus is known before the line is read that it is about.
  const names = listed.map(({ name }) => name).filter((name) => name !== ALPHA);
  for (const name of [...names, ALPHA]) {
    const file = findBusFile(busDir, name); // as it is now: segments may have come, channels may have been compressed
    if (file !== undefined) await new FileVerifier(state, file).run();
  }
  matchMoved(leftovers, state.chain);
  tellNoticed(leftovers, (writer, file) => state.removals.has(removalKey(writer, file)));
  await settleOpenClaims({ busDir, claims, heads, log, signal });
  await lookAgain({ busDir, writers: records.uneven(), channels, log, signal });
  return {
    files: state.fileCount,
    lines: state.lineCount,
    fitting: state.fittingCount,
    bytes: state.byteCount,
    blobs: state.blobs.count,
    writers: records.count,
    unsealed: records.unsealedCount,
    tampering: log.tampering,
    warnings: log.warnings,
    findings: log.list(),
  };
};
