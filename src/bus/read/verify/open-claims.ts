/** Owns the end of a verification's claims: those that no line has settled are looked up, and told if they do not hold. */
import { HASH_SUFFIX_CHARS } from '../../line.ts';
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

interface Doubt {
  readonly writer: string;
  readonly claims: readonly Claim[];
}

const H_CHARS = 64;
const H_FROM_END = H_CHARS + 2;

const toldAt = ({ toldAt: { path, line } }: Claim): string => (line === 0 ? path : `${path}:${line}`);

/** Claims that the last line of their writer does not settle, by file. */
const doubtsOf = ({ claims, heads }: OpenClaimsOptions): Map<string, Doubt[]> => {
  const doubts = new Map<string, Doubt[]>();
  for (const { file, writer, claims: open } of claims.open()) {
    const last = heads.find(file, writer);
    const left: Claim[] = [];
    for (const claim of open) {
      if (last?.seq === claim.seq && last.hasHash(claim.h)) claim.state = 'kept';
      else left.push(claim);
    }
    if (left.length > 0) doubts.set(file, [...(doubts.get(file) ?? []), { writer, claims: left }]);
  }
  return doubts;
};

/** Reads the file as it is now: a pod that lives has written on. */
const settleByReading = async (
  file: BusFileName,
  doubts: readonly Doubt[],
  options: OpenClaimsOptions,
): Promise<void> => {
  const busFile = findBusFile(options.busDir, file);
  if (busFile === undefined) return;
  const wanted = new Map<string, Map<number, Claim[]>>();
  for (const { writer, claims } of doubts)
    wanted.set(
      writer,
      Map.groupBy(claims, ({ seq }) => seq),
    );
  for await (const messages of readMessages(busFile, options.signal)) {
    for (const { header, text } of messages) {
      const h = text.slice(-H_FROM_END, -H_FROM_END + H_CHARS);
      for (const claim of wanted.get(header.writer)?.get(header.seq) ?? []) {
        if (claim.state !== 'kept') claim.state = text.length > HASH_SUFFIX_CHARS && claim.h === h ? 'kept' : 'broken';
      }
    }
  }
};

const tell = (file: BusFileName, { writer, claims }: Doubt, { busDir, heads, log }: OpenClaimsOptions): void => {
  const place = { path: busPath(busDir, file), line: 0 };
  for (const claim of claims.filter(({ state }) => state === 'broken')) {
    const message = `line ${claim.seq} has another hash than the one told at ${toldAt(claim)}: its chain was computed anew`;
    log.accuse('rewritten', place, message, writer);
  }
  const gone = claims.filter(({ state }) => state === 'open').toSorted((a, b) => b.seq - a.seq);
  const [furthest] = gone;
  if (furthest === undefined) return;
  const lastSeq = heads.find(file, writer)?.seq ?? 0;
  const first = lastSeq < furthest.seq ? lastSeq + 1 : furthest.seq;
  const what = first === furthest.seq ? `line ${first} is` : `lines ${first} to ${furthest.seq} are`;
  log.accuse('removed', place, `${what} missing: told at ${toldAt(furthest)}`, writer);
};

/** Settles what is still open, and accuses where a line that was told of is not there or has another hash. */
export const settleOpenClaims = async (options: OpenClaimsOptions): Promise<void> => {
  for (const [name, doubts] of doubtsOf(options)) {
    const file = name as BusFileName; // as it was told: a name that is none is not found
    await settleByReading(file, doubts, options);
    for (const doubt of doubts) tell(file, doubt, options);
  }
  const { unchecked } = options.claims;
  if (unchecked === 0) return;
  options.log.warn(
    'unchecked',
    { path: options.busDir, line: 0 },
    `${unchecked} heads were told beyond what is kept in memory`,
  );
};
