/**
 * Owns finding the lines that are to be redacted, in all files of the bus, and making their tombstones.
 *
 * F1. Files are passed over as bytes; only those that hold something wanted are read line by line, from their beginning:
 *     whether a line is as it was written is told by the hash of its writer's line before.
 */
import type { Chain } from '../chain.ts';
import type { BusFileName } from '../layout.ts';
import { type BusLine, redactionOf, tryParseLine } from '../line.ts';
import { readChunks } from '../read/chunks.ts';
import { type BusFile, listBusFiles } from '../read/files.ts';
import { readLines } from '../read/lines.ts';
import { ownCopy } from '../read/own-copy.ts';
import { type LineHeader, tryReadHeader } from '../read/verify/form.ts';
import { blobsOf } from './line-blobs.ts';
import type { LineTarget } from './target.ts';
import { tombstoneBytes, tombstoneHash, tombstoneInner, type TombstoneMark } from './tombstone.ts';

export interface Wanted {
  readonly ids: ReadonlySet<string>;
  /** Bodies: every line that refers to one of them. */
  readonly blobs: ReadonlySet<string>;
}

export interface FoundLine {
  readonly file: BusFileName;
  readonly header: LineHeader;
  readonly h: string;
  /** Hash of the writer's line before; what stands for it before the first. */
  readonly previous: string;
  readonly line: BusLine;
  readonly text: string;
}

export interface FindOptions {
  readonly busDir: string;
  readonly chain: Chain;
  readonly wanted: Wanted;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly readBytes: number; readonly totalBytes: number }) => void;
}

/** More would take longer than to read the lines. */
const MAX_MARKS = 16;

const marksOf = ({ ids, blobs }: Wanted): readonly Buffer[] =>
  [...Array.from(ids, (id) => `,"id":"${id}"`), ...Array.from(blobs, (sha256) => `"$blob":"${sha256}"`)].map((mark) =>
    Buffer.from(mark, 'latin1'),
  );

class Progress {
  readonly #options: FindOptions;
  readonly #totalBytes: number;
  #readBytes = 0;

  constructor(options: FindOptions, files: readonly BusFile[]) {
    this.#options = options;
    this.#totalBytes = files.flatMap(({ parts }) => parts).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  add(bytes: number): void {
    this.#readBytes += bytes;
    const readBytes = Math.min(this.#readBytes, this.#totalBytes);
    this.#options.onProgress?.({ readBytes, totalBytes: this.#totalBytes });
  }
}

const mayHold = async ({ parts }: BusFile, marks: readonly Buffer[], options: FindOptions): Promise<boolean> => {
  const { signal } = options;
  for (const part of parts) {
    for await (const { bytes } of readChunks(part, signal === undefined ? {} : { signal })) {
      if (marks.some((mark) => bytes.includes(mark))) return true;
    }
  }
  return false;
};

const HASH_AT_END = /,"h":"([0-9a-f]{64})"\}$/;

const isWanted = ({ id }: LineHeader, text: string, { ids, blobs }: Wanted): boolean => {
  if (ids.has(id)) return true;
  if (blobs.size === 0 || !text.includes('"$blob":"')) return false;
  const line = tryParseLine(text);
  return line !== undefined && blobsOf(line).some((sha256) => blobs.has(sha256));
};

/** The wanted lines of one file, in order. */
async function* linesIn(file: BusFile, { chain, wanted, signal }: FindOptions): AsyncGenerator<FoundLine> {
  const lastOf = new Map<string, string>();
  for (const part of file.parts) {
    for await (const lines of readLines(part, signal === undefined ? {} : { signal })) {
      for (const { text, kind } of lines) {
        const header = kind === 'torn' ? undefined : tryReadHeader(text);
        const h = HASH_AT_END.exec(text.slice(-80))?.[1];
        if (header === undefined || h === undefined) continue;
        const { writer } = header;
        const previous = lastOf.get(writer) ?? chain.genesis(file.name, writer);
        lastOf.set(ownCopy(writer), ownCopy(h));
        if (!isWanted(header, text, wanted)) continue;
        const line = tryParseLine(text);
        if (line !== undefined) yield { file: file.name, header, h, previous, line, text };
      }
    }
  }
}

/** Every wanted line of every file. @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason when it is aborted. */
export async function* findLines(options: FindOptions): AsyncGenerator<FoundLine> {
  const { busDir, wanted } = options;
  if (wanted.ids.size + wanted.blobs.size === 0) return;
  const files = listBusFiles(busDir);
  const marks = marksOf(wanted);
  const progress = new Progress(options, files);
  for (const file of files) {
    if (marks.length > MAX_MARKS || (await mayHold(file, marks, options))) yield* linesIn(file, options); // F1
    progress.add(file.parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
  }
}

const HASH_START = ',"h":"';

const textOf = (value: unknown): string => (typeof value === 'string' ? ownCopy(value) : '');

/** What `targetOf` says of a line that is not to be touched. */
export type NoTarget = 'redacted' | 'proof' | 'too-short';

/** The line as a target, with its tombstone. `proof`: a `redaction` line is what others are accepted by, and stays. */
export const targetOf = (found: FoundLine, chain: Chain, mark: TombstoneMark): LineTarget | NoTarget => {
  const { file, header, h, previous, line, text } = found;
  if (redactionOf(line) !== undefined) return 'redacted';
  if (line.type === 'redaction') return 'proof';
  const bytes = Buffer.from(text, 'utf8');
  const inner = tombstoneInner(line, bytes, mark);
  const tombstone = inner === undefined ? undefined : tombstoneBytes(bytes, inner);
  if (inner === undefined || tombstone === undefined) return 'too-short';
  const body = bytes.subarray(0, bytes.lastIndexOf(HASH_START, undefined, 'latin1'));
  return {
    file,
    writer: ownCopy(header.writer),
    seq: header.seq,
    id: ownCopy(header.id),
    h: ownCopy(h),
    previous,
    fits: chain.next(previous, body) === h,
    bytes: bytes.byteLength,
    inner,
    tombstone: tombstoneHash(tombstone),
    ts: ownCopy(header.ts),
    type: ownCopy(header.type),
    entity: ownCopy(header.entity),
    session: textOf(line.meta['session_id']),
    ...(line.type === 'signal' ? { signal: { to: textOf(line.data['to']), id: textOf(line.data['signal_id']) } } : {}),
  };
};
