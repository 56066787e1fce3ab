/**
 * Owns putting tombstones in the place of lines, in every file that holds them, while others write to these files.
 *
 * A1. A plain file is written in place: its inode, its length and all other bytes stay, so those who append to it, follow
 *     it or rename it notice nothing. On stable storage before it counts.
 * A2. What a kill left half written is known by its first keys and its hash, which no step changes: it is written again.
 *     A line that has its tombstone is left alone.
 * A3. A compressed file is written anew beside and renamed, with the time of the old one; a full disk leaves the old one.
 * A4. Also copies that no reader is shown (F2 of read/files.ts) are gone through.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, errorMessage, NikaError } from '../../model/error.ts';
import { ALPHA, type BusFileName, busPath, segmentNumber } from '../layout.ts';
import { readChunks } from '../read/chunks.ts';
import type { BusFilePart } from '../read/files.ts';
import { patchesOf, type TargetsById } from './patch.ts';
import { rewritePacked } from './rewrite-packed.ts';
import type { LineTarget } from './target.ts';

export interface ApplyOptions {
  readonly busDir: string;
  readonly targets: readonly LineTarget[];
  readonly signal?: AbortSignal;
}

export interface Applied {
  /** Tombstones that stand, of those written now and before. */
  readonly stand: number;
  /** Lines that were not found any more, nor their tombstones. */
  readonly missing: readonly LineTarget[];
  readonly failures: readonly { readonly path: string; readonly why: string }[];
}

const writeAt = async (file: FileHandle, bytes: Buffer, position: number): Promise<void> => {
  for (let written = 0; written < bytes.byteLength;) {
    const { bytesWritten } = await file.write(bytes, written, bytes.byteLength - written, position + written);
    written += bytesWritten;
  }
};

/** The targets whose tombstones stand in the file now (A1). */
const overwritePlain = async (part: BusFilePart, targets: TargetsById, signal?: AbortSignal): Promise<LineTarget[]> => {
  await using file = await open(part.path, 'r+');
  if ((await file.stat()).ino !== part.ino) return []; // renamed since it was listed: listed again
  const done: LineTarget[] = [];
  let byte = 0;
  let isChanged = false;
  for await (const chunk of readChunks(part, signal === undefined ? {} : { signal })) {
    for (const { target, at, tombstone, isDone } of patchesOf(chunk, targets)) {
      if (!isDone) await writeAt(file, tombstone, byte + at);
      isChanged ||= !isDone;
      done.push(target);
    }
    byte += chunk.bytes.byteLength;
  }
  if (isChanged) await file.datasync();
  return done;
};

const partOf = (path: string): readonly BusFilePart[] => {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile()) return [];
  const { size, mtimeMs, ino } = stat;
  return [{ path, compressed: path.endsWith('.gz'), sizeBytes: size, mtimeMs, ino }];
};

/** All files that hold a part of it (A4); what is written to last. */
const physicalParts = (busDir: string, name: BusFileName): readonly BusFilePart[] => {
  if (name !== ALPHA) return [`${busPath(busDir, name)}.gz`, busPath(busDir, name)].flatMap(partOf);
  const segments = readdirSync(busDir).filter((entry) => segmentNumber(entry) !== undefined || entry === `${ALPHA}.gz`);
  return [...segments.toSorted(), ALPHA].flatMap((entry) => partOf(join(busDir, entry)));
};

/** A file that was renamed while it was gone through is there under another name at the next try. */
const MAX_TRIES = 5;

interface FileOutcome {
  readonly done: ReadonlySet<LineTarget>;
  readonly failures: Applied['failures'];
}

const applyToFile = async (
  name: BusFileName,
  targets: readonly LineTarget[],
  options: ApplyOptions,
): Promise<FileOutcome> => {
  const byId: TargetsById = new Map(targets.map((target) => [target.id, target]));
  const done = new Set<LineTarget>();
  for (let tries = 1; ; tries += 1) {
    const failures: { path: string; why: string }[] = [];
    for (const part of physicalParts(options.busDir, name)) {
      try {
        const apply = part.compressed ? rewritePacked : overwritePlain;
        for (const target of await apply(part, byId, options.signal)) done.add(target);
      } catch (thrown) {
        options.signal?.throwIfAborted();
        if (errnoOf(thrown) === undefined && !(thrown instanceof NikaError)) throw thrown;
        if (existsSync(part.path)) failures.push({ path: part.path, why: errorMessage(thrown) });
      }
    }
    if (done.size === targets.length || tries === MAX_TRIES || failures.length > 0) return { done, failures };
  }
};

/**
 * Puts the tombstones of all targets in their places. Repeated, it changes nothing more.
 * @throws the signal's reason.
 */
export const applyTargets = async (options: ApplyOptions): Promise<Applied> => {
  const failures: Applied['failures'][number][] = [];
  const missing: LineTarget[] = [];
  let stand = 0;
  for (const [name, targets] of Map.groupBy(options.targets, ({ file }) => file)) {
    const outcome = await applyToFile(name, targets, options);
    stand += outcome.done.size;
    failures.push(...outcome.failures);
    if (outcome.failures.length === 0) missing.push(...targets.filter((target) => !outcome.done.has(target)));
  }
  return { stand, missing, failures };
};
