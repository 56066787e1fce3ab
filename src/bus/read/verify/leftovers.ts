/**
 * Owns what is left of broken chains once their files are read, and what it tells across files: that lines were moved
 * from one to another, or are missing since their file was removed under its writer.
 */
import { isChannelOnly } from '../../../model/message.ts';
import type { Chain, ChainHash } from '../../chain.ts';
import { ALPHA, type BusFileName } from '../../layout.ts';
import type { OpenFinding } from './finding.ts';

/** Lines that are missing so far. */
export interface Gap {
  from: number;
  readonly to: number;
  before: ChainHash | undefined;
  readonly finding: OpenFinding;
}

/** A line that broke the chain: it may have come from another file. */
export interface Stray {
  readonly seq: number;
  readonly h: ChainHash;
  readonly type: string;
  /** The channel it says it belongs to, where it is at home in another file. */
  readonly home: BusFileName | undefined;
  /** The bytes that its hash covers; not kept where its finding is not kept either. */
  readonly body: Buffer | undefined;
  readonly finding: OpenFinding;
}

/** Of one writer in one file. */
export interface Leftover {
  readonly file: BusFileName;
  readonly writer: string;
  readonly gaps: readonly Gap[];
  readonly strays: readonly Stray[];
}

/** Whether the line is the first one of those that are missing. */
const follows = ({ seq, h, body }: Stray, { from, before }: Gap, chain: Chain): boolean =>
  seq === from && before !== undefined && body !== undefined && chain.next(before, body) === h;

/** Whether the line says that it belongs to that file, and not to the one where it stands. */
const saysItBelongsTo = ({ home, type }: Stray, file: BusFileName): boolean =>
  home !== undefined && (file === home || (file === ALPHA && !isChannelOnly(type)));

const has = ({ from, to }: Gap, seq: number): boolean => from <= seq && seq <= to;

interface Origin {
  readonly file: BusFileName;
  readonly gap: Gap;
}

/** Where the line is missing; that its number is missing somewhere says nothing, each file has its own numbers. */
const originOf = (stray: Stray, others: readonly Leftover[], chain: Chain): Origin | undefined => {
  const missing = others.flatMap(({ file, gaps }) =>
    gaps.filter((gap) => has(gap, stray.seq)).map((gap) => ({ file, gap })),
  );
  return (
    missing.find(({ gap }) => follows(stray, gap, chain)) ?? missing.find(({ file }) => saysItBelongsTo(stray, file))
  );
};

/** Says of lines that are missing in one file and in the way in another that they were moved. */
export const matchMoved = (leftovers: readonly Leftover[], chain: Chain): void => {
  const told = new Set<Gap>();
  for (const ofWriter of Map.groupBy(leftovers, ({ writer }) => writer).values()) {
    for (const { file, strays } of ofWriter) {
      const others = ofWriter.filter((other) => other.file !== file);
      for (const stray of strays) {
        const origin = originOf(stray, others, chain);
        if (origin === undefined) continue;
        const { seq, finding } = stray;
        finding.kind = 'moved';
        finding.message = `line ${seq} belongs to ${origin.file}, where it is missing`;
        if (told.has(origin.gap)) continue;
        told.add(origin.gap);
        origin.gap.finding.message += `; it stands at ${finding.file}:${finding.line}`;
      }
    }
  }
};

/** Adds to what is missing that the writer noticed the removal of its file: it stays missing all the same. */
export const tellNoticed = (
  leftovers: readonly Leftover[],
  hasNoticed: (writer: string, file: BusFileName) => boolean,
): void => {
  for (const { file, writer, gaps } of leftovers) {
    const gap = gaps.find(({ finding }) => finding.kind === 'removed');
    if (gap === undefined || !hasNoticed(writer, file)) continue;
    gap.finding.message += '; its writer noticed that the file was removed';
  }
};
