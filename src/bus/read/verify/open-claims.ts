/** Owns the end of a verification's claims: those that no line has settled are looked up, and told if they do not hold. */
import { busPath, type BusFileName } from '../../layout.ts';
import { findBusFile } from '../files.ts';
import type { Claim, Claims } from './claims.ts';
import type { FindingLog } from './finding.ts';
import type { HeadTable } from './head-table.ts';
import { readMessages } from './messages.ts';

export interface OpenClaimsOptions {
  readonly busDir: string;
  readonly claims: Claims;
  readonly heads: HeadTable;
  readonly log: FindingLog;
  readonly signal: AbortSignal | undefined;
}

interface Doubt extends Claim {
  readonly writer: string;
  state: 'unseen' | 'kept' | 'broken';
}

const H_CHARS = 64;
const H_FROM_END = H_CHARS + 2;

const toldAt = ({ toldAt: { path, line } }: Claim): string => (line === 0 ? path : `${path}:${line}`);

/** Claims that the last line of their writer does not settle, by file. */
const doubtsOf = ({ claims, heads }: OpenClaimsOptions): Map<string, Doubt[]> => {
  const doubts = new Map<string, Doubt[]>();
  for (const { file, writer, claims: open } of claims.open()) {
    const last = heads.find(file, writer);
    for (const claim of open) {
      if (last?.seq === claim.seq && last.hasHash(claim.h)) continue;
      const ofFile = doubts.get(file) ?? [];
      doubts.set(file, ofFile);
      ofFile.push({ ...claim, writer, state: 'unseen' });
    }
  }
  return doubts;
};

const keyOf = (writer: string, seq: number): string => `${writer} ${seq}`;

/** Reads the file as it is now: a pod that lives has written on. */
const settleByReading = async (
  file: BusFileName,
  doubts: readonly Doubt[],
  options: OpenClaimsOptions,
): Promise<void> => {
  const busFile = findBusFile(options.busDir, file);
  if (busFile === undefined) return;
  const wanted = Map.groupBy(doubts, ({ writer, seq }) => keyOf(writer, seq));
  for await (const messages of readMessages(busFile, options.signal)) {
    for (const { header, text } of messages) {
      const h = text.slice(-H_FROM_END, -H_FROM_END + H_CHARS);
      for (const doubt of wanted.get(keyOf(header.writer, header.seq)) ?? []) {
        if (doubt.state !== 'kept') doubt.state = doubt.h === h ? 'kept' : 'broken';
      }
    }
  }
};

const tellBroken = (file: BusFileName, doubt: Doubt, { busDir, log }: OpenClaimsOptions): void => {
  const message = `line ${doubt.seq} has another hash than the one told at ${toldAt(doubt)}: its chain was computed anew`;
  log.accuse('rewritten', { path: busPath(busDir, file), line: 0 }, message, doubt.writer);
};

/** One finding for all lines of a writer that are not there. */
const tellMissing = (file: BusFileName, missing: readonly Doubt[], { busDir, heads, log }: OpenClaimsOptions): void => {
  const [furthest] = missing.toSorted((a, b) => b.seq - a.seq);
  if (furthest === undefined) return;
  const { writer, seq } = furthest;
  const lastSeq = heads.find(file, writer)?.seq ?? 0;
  const first = lastSeq < seq ? lastSeq + 1 : seq;
  const what = first === seq ? `line ${seq} is` : `lines ${first} to ${seq} are`;
  const place = { path: busPath(busDir, file), line: 0 };
  log.accuse('removed', place, `${what} missing: told at ${toldAt(furthest)}`, writer);
};

/** Settles what is still open, and accuses where a line that was told of is not there or has another hash. */
export const settleOpenClaims = async (options: OpenClaimsOptions): Promise<void> => {
  for (const [name, doubts] of doubtsOf(options)) {
    const file = name as BusFileName; // as it was told: a name that is none is not found
    await settleByReading(file, doubts, options);
    for (const doubt of doubts) if (doubt.state === 'broken') tellBroken(file, doubt, options);
    const unseen = doubts.filter(({ state }) => state === 'unseen');
    for (const missing of Map.groupBy(unseen, ({ writer }) => writer).values()) tellMissing(file, missing, options);
  }
};
