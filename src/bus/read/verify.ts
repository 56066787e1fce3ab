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
import { ALPHA, type BusFileName, channelsDir } from '../layout.ts';
import { type ChannelNames, sizeOfFolder } from './channel-names.ts';
import { findBusFile, listChannels } from './files.ts';
import { BlobCheck } from './verify/blobs.ts';
import { WriterRecords } from './verify/both-files.ts';
import { Claims, MAX_OPEN_CLAIMS } from './verify/claims.ts';
import { FileVerifier } from './verify/file-verifier.ts';
import { type Finding, FindingLog, type Place } from './verify/finding.ts';
import { FingerprintIndex } from './verify/fingerprint-index.ts';
import { hearAgain } from './verify/hear-again.ts';
import { HeadTable } from './verify/head-table.ts';
import { settleOpenClaims } from './verify/open-claims.ts';
import { matchMoved, tellNoticed } from './verify/leftovers.ts';
import { type Redaction, Redactions } from './verify/redactions.ts';
import { lookAgain } from './verify/second-look.ts';
import { removalKey, type Verification } from './verify/verification.ts';

export type { Finding, FindingKind } from './verify/finding.ts';
export type { Redaction } from './verify/redactions.ts';

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
  /** Lines whose bodies were taken out, as lines that fit tell. */
  readonly redacted: number;
  /** What was redacted, when, by whom and why; at most 1000. */
  readonly redactions: readonly Redaction[];
  /** Uncompressed, without blobs. */
  readonly bytes: number;
  readonly blobs: number;
  readonly writers: number;
  /** Writers that nobody has closed yet: they live, or were killed. */
  readonly unsealed: number;
  /** Of those, how many began no session: a dispatch, a decision on a review. They write a few lines, and close nothing. */
  readonly sessionless: number;
  /** How many there are, also those beyond what is in `findings`. */
  readonly tampering: number;
  readonly warnings: number;
  /** Heads that were told and could not be looked up: then it is not said that every line is as it was written. */
  readonly unchecked: number;
  /** At most 1000, by file and line. */
  readonly findings: readonly Finding[];
}

const createVerification = (options: VerifyOptions, channels: ChannelNames): Verification => {
  const { busDir, chain, signal, onProgress } = options;
  const totalBytes = onProgress === undefined ? 0 : sizeOfFolder(busDir) + sizeOfFolder(channelsDir(busDir));
  const log = new FindingLog();
  const redactions = new Redactions(log);
  let readBytes = 0;
  return {
    busDir,
    chain,
    log,
    claims: new Claims(),
    heads: new HeadTable(),
    records: new WriterRecords(),
    blobs: new BlobCheck(busDir, log, redactions),
    redactions,
    leftovers: [],
    removals: new FingerprintIndex(),
    channels,
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

const MAX_TOLD_REDACTIONS = 1000;
const GIVEN: Place = { path: 'the heads given', line: 0 };

/** As it is now: segments may have come, channels may have been compressed since they were listed. */
const verifyFile = async (state: Verification, name: BusFileName | undefined, number: number): Promise<void> => {
  const file = name === undefined ? undefined : findBusFile(state.busDir, name);
  if (file !== undefined) await new FileVerifier(state, file, number).run();
};

const tellUnchecked = ({ claims: { unchecked }, redactions, log, busDir }: Verification): void => {
  if (redactions.unheardCount > 0) {
    const message = `${redactions.unheardCount} redacted lines were told beyond what is kept in memory, and were not looked up`;
    log.warn('unchecked', { path: busDir, line: 0 }, message);
  }
  if (unchecked === 0) return;
  const message = `${unchecked} heads were told beyond what is kept in memory, and were not looked up`;
  log.warn('unchecked', { path: busDir, line: 0 }, message);
};

/**
 * Verifies a whole bus, also while pods write to it. Memory does not grow with its bytes: about 0.4 kB
 * for each writer, and 0.1 kB for each channel.
 * @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason when it is aborted.
 */
export const verifyBus = async (options: VerifyOptions): Promise<VerifyReport> => {
  const { busDir, against = [], signal } = options;
  const alpha = findBusFile(busDir, ALPHA); // told first: there may be no bus at all
  const channels = listChannels(busDir);
  const state = createVerification(options, channels);
  const { log, claims, heads, records, leftovers } = state;
  const givenFirst = against.slice(0, MAX_OPEN_CLAIMS / 2);
  for (const head of givenFirst) if (claims.isNew(head)) claims.add(head, GIVEN, 0);
  // Channels before the alpha bus, and TASKs before the JOBs that tell of them: nearly all that is told of is read then.
  for (let number = channels.count - 1; number >= 0; number -= 1) await verifyFile(state, channels.at(number), number);
  await verifyFile(state, alpha?.name ?? ALPHA, -1);
  matchMoved(leftovers, state.chain);
  tellNoticed(leftovers, (writer, file) => state.removals.has(removalKey(writer, file)));
  await hearAgain({ busDir, writers: records.tellingUnlike(), channels, claims, heads, signal });
  await settleOpenClaims({ busDir, claims, heads, log, signal });
  for (let from = givenFirst.length; from < against.length; from += MAX_OPEN_CLAIMS) {
    claims.clear();
    for (const head of against.slice(from, from + MAX_OPEN_CLAIMS)) {
      if (!heads.holds(head) && claims.isNew(head)) claims.add(head, GIVEN, Infinity);
    }
    await settleOpenClaims({ busDir, claims, heads, log, signal });
  }
  state.redactions.settle();
  tellUnchecked(state);
  await lookAgain({ busDir, writers: records.uneven(), channels, log, signal });
  return {
    files: state.fileCount,
    lines: state.lineCount,
    fitting: state.fittingCount,
    redacted: state.redactions.redactedCount,
    redactions: state.redactions.list().slice(0, MAX_TOLD_REDACTIONS),
    bytes: state.byteCount,
    blobs: state.blobs.count,
    writers: records.count,
    unsealed: records.unsealedCount,
    sessionless: records.sessionlessCount,
    tampering: log.tampering,
    warnings: log.warnings,
    unchecked: claims.unchecked,
    findings: log.list(),
  };
};
