/**
 * Owns the compressing of one file of the bus, whatever happens meanwhile: a crash, a full disk, a writer that comes back.
 *
 * K1. At each moment every line stands in the plain file or in the compressed one, whole and on stable storage. In
 *     between it stands in both, with the same beginning, which readers know (F2 of read/files.ts).
 * K2. A file that changed while it was compressed stays as it is. A line that came between the last look and the removal
 *     is found in the removed file, which is still open, and put behind the rest: what zgrep reads may have two members.
 * K3. A file that was begun anew after it was compressed stays beside the compressed one: a crash could not be told from
 *     lines that were written twice.
 */
import { existsSync, readFileSync, renameSync, rmSync, statSync, unlinkSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';
import { createGzip } from 'node:zlib';
import { FILE_MODE } from './layout.ts';
import { tryReadBeginning } from './query/beginning.ts';

/** `changed`: left as it is, to be tried again another time. `apart`: it stays beside its compressed part (K3). */
export type PackOutcome = 'packed' | 'changed' | 'apart';

const TEMP_SUFFIX = '.gz.tmp';
/** A writer looks each millisecond whether its file is still there (A5 of appender.ts). */
const WRITER_LOOKS_WITHIN_MS = 10;
const STEP_BYTES = 256 * 1024;

/** What a pack that was ended left beside; only the one that has the lock may take it away. */
export const isPackTemp = (fileName: string): boolean => fileName.startsWith('.') && fileName.endsWith(TEMP_SUFFIX);

/** What is compressed, by the path it has uncompressed. */
interface Plain {
  readonly path: string;
  readonly handle: FileHandle;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly ino: number;
}

const isUnchanged = ({ path, sizeBytes, mtimeMs, ino }: Plain): boolean => {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.ino === ino && stat.size === sizeBytes && stat.mtimeMs === mtimeMs && stat.nlink === 1;
};

/** Whether what is compressed already is another part of the file, and not a copy that a crash has left (K3). */
const isAnotherPart = (plain: Plain, packedPath: string): boolean => {
  if (!existsSync(packedPath)) return false;
  const packed = tryReadBeginning({ path: packedPath, compressed: true });
  const beginning = tryReadBeginning({ path: plain.path, compressed: false });
  if (packed === undefined || beginning === undefined) return true; // damaged: nothing is put over it
  const count = Math.min(packed.byteLength, beginning.byteLength);
  return count === 0 || !packed.subarray(0, count).equals(beginning.subarray(0, count));
};

async function* readBytes(handle: FileHandle, fromByte: number, untilByte: number): AsyncGenerator<Uint8Array> {
  for (let position = fromByte; position < untilByte;) {
    const wanted = Math.min(STEP_BYTES, untilByte - position);
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(wanted), 0, wanted, position);
    if (bytesRead === 0) return; // cut meanwhile: seen at the next look
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** A short count of a full disk is followed by an error at the next try. */
const writeWhole = async (handle: FileHandle, bytes: Uint8Array): Promise<void> => {
  for (let written = 0; written < bytes.byteLength;) {
    written += (await handle.write(bytes, written)).bytesWritten;
  }
};

export interface PackedContent {
  /** Compressed already; comes first as it is. */
  readonly packed: AsyncIterable<Uint8Array>;
  /** To be compressed. */
  readonly plain: AsyncIterable<Uint8Array>;
}

export const nothing = async function* (): AsyncGenerator<Uint8Array> {};

/** Writes a compressed file beside, on stable storage, with the time of the plain one; nothing is left when it rejects. */
export const writeBeside = async (
  file: Pick<Plain, 'path' | 'mtimeMs'>,
  { packed, plain }: PackedContent,
  signal?: AbortSignal,
): Promise<string> => {
  const temp = join(dirname(file.path), `.${basename(file.path)}${TEMP_SUFFIX}`);
  const handle = await open(temp, 'wx', FILE_MODE);
  const sink = async (source: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const bytes of source) await writeWhole(handle, bytes);
  };
  try {
    await sink(packed);
    await pipeline(plain, createGzip(), sink, signal === undefined ? {} : { signal });
    await handle.utimes(file.mtimeMs / 1000, file.mtimeMs / 1000);
    await handle.sync();
  } catch (thrown) {
    rmSync(temp, { force: true }); // aborted, or a full disk: gives back what was taken
    throw thrown;
  } finally {
    await handle.close();
  }
  return temp;
};

/** What was renamed or removed in it is so after a power cut, too. */
export const syncFolder = async (path: string): Promise<void> => {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** What a writer that had the file open has put into it since the last look, and not again into a new file. */
const readLate = async ({ path, handle, sizeBytes }: Plain): Promise<string> => {
  const { size } = await handle.stat();
  let late = '';
  for await (const bytes of readBytes(handle, sizeBytes, size)) late += Buffer.from(bytes).toString('utf8');
  const anew = late !== '' && existsSync(path) ? readFileSync(path, 'utf8') : '';
  const lines = late.split(/(?<=\n)/);
  return lines.filter((line) => !anew.includes(line)).join('');
};

/** Removes the plain file; what came into it since the last look goes behind the rest (K2). */
const removePlain = async (file: Plain, packedPath: string): Promise<void> => {
  unlinkSync(file.path);
  await setTimeout(WRITER_LOOKS_WITHIN_MS);
  const late = await readLate(file);
  if (late === '') return;
  const packed = await open(packedPath, 'r');
  try {
    const { size } = await packed.stat();
    const plain = (async function* () {
      yield Buffer.from(late);
    })();
    renameSync(await writeBeside(file, { packed: readBytes(packed, 0, size), plain }), packedPath);
  } finally {
    await packed.close();
  }
  await syncFolder(dirname(packedPath));
};

const pack = async (file: Plain, signal: AbortSignal): Promise<PackOutcome> => {
  const packedPath = `${file.path}.gz`;
  if (!isUnchanged(file)) return 'changed'; // gone, or linked from elsewhere
  if (isAnotherPart(file, packedPath)) return 'apart';
  const plain = readBytes(file.handle, 0, file.sizeBytes);
  const temp = await writeBeside(file, { packed: nothing(), plain }, signal);
  if (!isUnchanged(file)) {
    rmSync(temp);
    return 'changed';
  }
  renameSync(temp, packedPath);
  await syncFolder(dirname(packedPath)); // K1
  if (!isUnchanged(file)) {
    unlinkSync(packedPath); // K2
    return 'changed';
  }
  await removePlain(file, packedPath);
  return 'packed';
};

/**
 * Puts `path` into `path.gz`, with its time of last change, readable by its owner alone, and removes it (K1, K2, K3).
 * Memory is bounded. When it rejects, or the signal is aborted, nothing is left beside and nothing was removed.
 * @throws system errors; the signal's reason.
 */
export const packFile = async (path: string, signal: AbortSignal): Promise<PackOutcome> => {
  const handle = await open(path, 'r');
  try {
    const { size, mtimeMs, ino } = await handle.stat();
    return await pack({ path, handle, sizeBytes: size, mtimeMs, ino }, signal);
  } finally {
    await handle.close();
  }
};
