/**
 * Owns the compressing of one file of the bus, whatever happens meanwhile: a crash, a full disk, a writer that comes back.
 *
 * K1. At each moment every line stands in the plain file or in the compressed one, whole and on stable storage. In
 *     between it stands in both, with the same beginning, which readers know (F2 of read/files.ts).
 * K2. A file that changed while it was compressed stays as it is. A line that came between the last look and the removal
 *     is found in the removed file, which is still open, and put into the compressed one.
 * K3. A compressed file that is there already is gone on with: what zgrep and zcat read is one after the other.
 */
import { createReadStream, createWriteStream, renameSync, rmSync, statSync, truncateSync, unlinkSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline as pipe } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { FILE_MODE } from './layout.ts';

/** `changed`: left as it is, to be tried again another time. */
export type PackOutcome = 'packed' | 'changed';

const TEMP_SUFFIX = '.gz.tmp';

/** What a pack that was ended left beside; only the one that has the lock may take it away. */
export const isPackTemp = (fileName: string): boolean => fileName.startsWith('.') && fileName.endsWith(TEMP_SUFFIX);

interface Plain {
  readonly path: string;
  readonly handle: FileHandle;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly ino: number;
}

interface Packed {
  readonly path: string;
  /** Of the compressed file that was there before; 0: none was. */
  readonly sizeBefore: number;
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

/** Puts bytes `from` up to `until` of the plain file behind the first `keepBytes` of the compressed one, all beside. */
const writeBeside = async (
  plain: Plain,
  packed: Packed,
  span: { readonly from: number; readonly until: number; readonly keepBytes: number },
  signal: AbortSignal,
): Promise<string> => {
  const temp = tempOf(plain.path);
  const handle = await open(temp, 'wx', FILE_MODE);
  try {
    const sink = { autoClose: false, fd: handle.fd } as const;
    if (span.keepBytes > 0) {
      const kept = createReadStream(packed.path, { end: span.keepBytes - 1 });
      await pipeline(kept, createWriteStream(temp, sink), { signal });
    }
    if (span.until > span.from) {
      const { fd } = plain.handle;
      const source = createReadStream(plain.path, { fd, autoClose: false, start: span.from, end: span.until - 1 });
      await pipeline(source, createGzip(), createWriteStream(temp, sink), { signal });
    }
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

/** Takes back what was put into place, so that all is as it was (K2). */
const undo = ({ path, sizeBefore }: Packed): void => {
  if (sizeBefore === 0) unlinkSync(path);
  else truncateSync(path, sizeBefore);
};

/** Removes the plain file; what was written into it since the last look goes after the rest (K2). */
const removePlain = async (plain: Plain, packed: Packed): Promise<void> => {
  unlinkSync(plain.path);
  const { size } = await plain.handle.stat();
  if (size <= plain.sizeBytes) return;
  const { size: keepBytes } = statSync(packed.path);
  const span = { from: plain.sizeBytes, until: size, keepBytes };
  renameSync(await writeBeside(plain, packed, span, new AbortController().signal), packed.path); // not to be ended now
  await syncFolder(dirname(plain.path));
};

const pack = async (plain: Plain, signal: AbortSignal): Promise<PackOutcome> => {
  const path = `${plain.path}.gz`;
  const kept = await keptBytes(plain, path, signal);
  if (kept === 'all') {
    if (!isUnchanged(plain)) return 'changed';
    await removePlain(plain, { path, sizeBefore: 0 });
    return 'packed';
  }
  const packed = { path, sizeBefore: kept };
  const temp = await writeBeside(plain, packed, { from: 0, until: plain.sizeBytes, keepBytes: kept }, signal);
  if (!isUnchanged(plain)) {
    rmSync(temp);
    return 'changed';
  }
  renameSync(temp, path);
  await syncFolder(dirname(path)); // K1
  if (!isUnchanged(plain)) {
    undo(packed);
    return 'changed';
  }
  await removePlain(plain, packed);
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
