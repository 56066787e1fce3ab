/** Owns the bytes of a part of the bus, plain or compressed, read forward in bounded steps. */
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { errnoOf, errorMessage, NikaError } from '../../model/error.ts';
import { segmentNumber } from '../layout.ts';
import type { BusFilePart } from './files.ts';

/** At most so many bytes at once. */
export const STEP_BYTES = 512 * 1024;

export interface ByteSource extends AsyncDisposable {
  /** Puts up to {@link STEP_BYTES} bytes into `into` at `offset`, and says how many; 0 at the end. */
  read(into: Buffer, offset: number): Promise<number>;
}

const unreadable = (path: string, cause: unknown): NikaError =>
  new NikaError('NIKA_BUS_UNREADABLE', `a file of the bus cannot be read: ${errorMessage(cause)}`, {
    subject: path,
    cause,
  });

const plainSource = (path: string, handle: FileHandle, fromByte: number): ByteSource => {
  let position = fromByte;
  return {
    read: async (into, offset) => {
      try {
        const { bytesRead } = await handle.read(into, offset, STEP_BYTES, position);
        position += bytesRead;
        return bytesRead;
      } catch (cause) {
        throw unreadable(path, cause);
      }
    },
    [Symbol.asyncDispose]: () => handle.close(),
  };
};

const packedSource = (path: string, fromByte: number): ByteSource => {
  const gunzip = createGunzip({ chunkSize: STEP_BYTES });
  pipeline(createReadStream(path, { highWaterMark: 128 * 1024 }), gunzip, () => undefined); // what fails, fails the iteration
  const chunks: AsyncIterator<Buffer> = gunzip[Symbol.asyncIterator]();
  let toSkip = fromByte;
  const next = async (): Promise<Buffer | undefined> => {
    try {
      const { done, value } = await chunks.next();
      return done === true ? undefined : value;
    } catch (cause) {
      throw unreadable(path, cause);
    }
  };
  return {
    read: async (into, offset) => {
      for (let chunk = await next(); chunk !== undefined; chunk = await next()) {
        const wanted = chunk.subarray(Math.min(toSkip, chunk.byteLength));
        toSkip -= chunk.byteLength - wanted.byteLength;
        if (wanted.byteLength > 0) return wanted.copy(into, offset);
      }
      return 0;
    },
    [Symbol.asyncDispose]: async () => {
      gunzip.destroy();
      await chunks.return?.();
    },
  };
};

const hasIno = async (path: string, ino: number): Promise<boolean> => {
  try {
    return (await stat(path)).ino === ino;
  } catch {
    return false; // gone again
  }
};

/** Where the file of that inode is now: the alpha bus becomes a segment when it is full. */
const findRenamed = async (path: string, ino: number): Promise<string | undefined> => {
  const dir = dirname(path);
  const names = (await readdir(dir)).filter((name) => segmentNumber(name) !== undefined).sort();
  for (const name of names.toReversed()) {
    if (await hasIno(join(dir, name), ino)) return join(dir, name);
  }
  return undefined;
};

const tryOpen = async (path: string): Promise<FileHandle | undefined> => {
  try {
    return await open(path, 'r');
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return undefined;
    throw unreadable(path, cause);
  }
};

const isListed = async (handle: FileHandle, { ino }: BusFilePart): Promise<boolean> =>
  ino === undefined || (await handle.stat()).ino === ino;

/**
 * Opens a part, also where it was renamed (a full segment) or compressed since it was listed.
 * @throws {NikaError} `NIKA_BUS_UNREADABLE`; reading throws it too, for a compressed file that is damaged.
 */
export const openByteSource = async (part: BusFilePart, fromByte = 0): Promise<ByteSource> => {
  if (part.compressed) return packedSource(part.path, fromByte);
  const handle = await tryOpen(part.path);
  if (handle !== undefined && (await isListed(handle, part))) return plainSource(part.path, handle, fromByte);
  const renamed = part.ino === undefined ? undefined : await findRenamed(part.path, part.ino);
  const other = renamed === undefined ? undefined : await tryOpen(renamed);
  if (renamed !== undefined && other !== undefined) {
    await handle?.close();
    return plainSource(renamed, other, fromByte);
  }
  if (handle !== undefined) return plainSource(part.path, handle, fromByte); // another file of that name: better than none
  return packedSource(`${part.path}.gz`, fromByte); // archived since it was listed
};
