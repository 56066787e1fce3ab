/**
 * Owns the compressing of one file of the bus, whatever happens meanwhile: a crash, a full disk, a writer that comes back.
 *
 * K1. At each moment every line stands in the plain file or in the compressed one, whole and on stable storage. In
 *     between it stands in both, with the same beginning, which readers know (F2 of read/files.ts).
 * K2. A file that changed while it was compressed stays as it is. A line that came between the last look and the removal
 *     is found in the removed file, which is still open, and put into the compressed one.
 * K3. A compressed file that is there already is gone on with: what zgrep and zcat read is one after the other.
 */
import {
  createReadStream,
  createWriteStream,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline as pipe, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { FILE_MODE } from './layout.ts';

/** `changed`: left as it is, to be tried again another time. */
export type PackOutcome = 'packed' | 'changed';

const TEMP_SUFFIX = '.gz.tmp';
/** A writer looks each millisecond whether its file is still there (A5 of appender.ts). */
const WRITER_LOOKS_WITHIN_MS = 10;

/** What a pack that was ended left beside; only the one that has the lock may take it away. */
export const isPackTemp = (fileName: string): boolean => fileName.startsWith('.') && fileName.endsWith(TEMP_SUFFIX);

interface Plain {
  readonly path: string;
  readonly handle: FileHandle;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly ino: number;
}

const tempOf = (path: string): string => join(dirname(path), `.${basename(path)}${TEMP_SUFFIX}`);

const isUnchanged = ({ path, sizeBytes, mtimeMs, ino }: Plain): boolean => {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.ino === ino && stat.size === sizeBytes && stat.mtimeMs === mtimeMs && stat.nlink === 1;
};

const syncFolder = async (path: string): Promise<void> => {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

interface Content {
  /** The compressed file that is there, and how much of it is kept. */
  readonly path: string;
  readonly keepBytes: number;
  /** What is compressed and put after that. */
  readonly rest: Readable;
}

/** Writes a compressed file beside, on stable storage, with the time of the plain one; nothing is left when it rejects. */
const writeBeside = async (plain: Plain, { path, keepBytes, rest }: Content, signal?: AbortSignal): Promise<string> => {
  const temp = tempOf(plain.path);
  const handle = await open(temp, 'wx', FILE_MODE);
  const options = signal === undefined ? {} : { signal };
  const sink = () => createWriteStream(temp, { autoClose: false, fd: handle.fd });
  try {
    if (keepBytes > 0) await pipeline(createReadStream(path, { end: keepBytes - 1 }), sink(), options);
    await pipeline(rest, createGzip(), sink(), options);
    await handle.utimes(plain.mtimeMs / 1000, plain.mtimeMs / 1000);
    await handle.sync();
  } catch (thrown) {
    rmSync(temp, { force: true }); // aborted, or a full disk: gives back what was taken
    throw thrown;
  } finally {
    await handle.close();
  }
  return temp;
};

/** The bytes that the plain file had when it was opened. */
const plainBytes = ({ path, handle, sizeBytes }: Plain): Readable =>
  sizeBytes === 0
    ? Readable.from([])
    : createReadStream(path, { fd: handle.fd, autoClose: false, start: 0, end: sizeBytes - 1 });

async function* unpack(path: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  const gunzip = createGunzip();
  pipe(createReadStream(path), gunzip, () => undefined); // what fails, fails the iteration
  for await (const chunk of gunzip as AsyncIterable<Buffer>) {
    signal.throwIfAborted();
    yield chunk;
  }
}

const COMPARED_BYTES = 64 * 1024;

/** Whether the bytes of a compressed file from `skipBytes` on stand in the plain one from its beginning on. */
const beginsWith = async (
  plain: Plain,
  packedPath: string,
  skipBytes: number,
  signal: AbortSignal,
): Promise<boolean> => {
  const buffer = Buffer.alloc(COMPARED_BYTES);
  let toSkip = skipBytes;
  let position = 0;
  for await (const chunk of unpack(packedPath, signal)) {
    let rest = chunk.subarray(Math.min(toSkip, chunk.byteLength));
    toSkip -= chunk.byteLength - rest.byteLength;
    for (; rest.byteLength > 0; rest = rest.subarray(COMPARED_BYTES)) {
      const wanted = rest.subarray(0, COMPARED_BYTES);
      const { bytesRead } = await plain.handle.read(buffer, 0, wanted.byteLength, position);
      if (!buffer.subarray(0, bytesRead).equals(wanted)) return false;
      position += bytesRead;
    }
  }
  return true;
};

/**
 * How much of the compressed file that is there must be kept before the plain one. `all`: it ends with the plain one,
 * because a crash came between putting it there and removing that; 0: the plain one has all of it.
 */
const keptBytes = async (plain: Plain, packedPath: string, signal: AbortSignal): Promise<number | 'all'> => {
  const sizeBytes = statSync(packedPath, { throwIfNoEntry: false })?.size ?? 0;
  if (sizeBytes === 0) return 0;
  let unpackedBytes = 0;
  for await (const chunk of unpack(packedPath, signal)) unpackedBytes += chunk.byteLength;
  const skipBytes = Math.max(0, unpackedBytes - plain.sizeBytes);
  if (!(await beginsWith(plain, packedPath, skipBytes, signal))) return sizeBytes;
  return unpackedBytes >= plain.sizeBytes ? 'all' : 0;
};

/** What a writer that had the file open has put into it since the last look, and not again into a new file. */
const readLate = async ({ path, handle, sizeBytes }: Plain): Promise<Buffer> => {
  const { size } = await handle.stat();
  const late = Buffer.alloc(Math.max(0, size - sizeBytes));
  await handle.read(late, 0, late.byteLength, sizeBytes);
  const anew = late.byteLength > 0 && existsSync(path) ? readFileSync(path, 'utf8') : '';
  const lines = late.toString('utf8').split(/(?<=\n)/);
  return Buffer.from(lines.filter((line) => !anew.includes(line)).join(''));
};

/** Removes the plain file; what came into it since the last look goes after the rest (K2). */
const removePlain = async (plain: Plain, packedPath: string): Promise<void> => {
  unlinkSync(plain.path);
  await setTimeout(WRITER_LOOKS_WITHIN_MS);
  const late = await readLate(plain);
  if (late.byteLength === 0) return;
  const { size: keepBytes } = statSync(packedPath);
  const temp = await writeBeside(plain, { path: packedPath, keepBytes, rest: Readable.from([late]) });
  renameSync(temp, packedPath);
  await syncFolder(dirname(packedPath));
};

const pack = async (plain: Plain, signal: AbortSignal): Promise<PackOutcome> => {
  const path = `${plain.path}.gz`;
  const keepBytes = await keptBytes(plain, path, signal);
  if (keepBytes !== 'all') {
    const temp = await writeBeside(plain, { path, keepBytes, rest: plainBytes(plain) }, signal);
    if (!isUnchanged(plain)) {
      rmSync(temp);
      return 'changed';
    }
    renameSync(temp, path);
    await syncFolder(dirname(path)); // K1
  }
  if (!isUnchanged(plain)) {
    if (keepBytes !== 'all') takeBack(path, keepBytes);
    return 'changed';
  }
  await removePlain(plain, path);
  return 'packed';
};

/** Makes the compressed file what it was before (K2). */
const takeBack = (path: string, keepBytes: number): void => {
  if (keepBytes === 0) unlinkSync(path);
  else truncateSync(path, keepBytes);
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
