/**
 * Owns the bytes of a part of the bus, plain or compressed, read forward in bounded steps.
 *
 * B1. Small files are read in one go, without waiting: a bus has thousands of them, and a wait for each takes longer
 *     than the reading. Now and then others get their turn all the same.
 */
import {
  closeSync,
  createReadStream,
  fstatSync,
  openSync,
  read,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createGunzip, gunzipSync } from 'node:zlib';
import { errnoOf, errorMessage, NikaError } from '../../model/error.ts';
import { segmentNumber } from '../layout.ts';
import type { BusFilePart } from './files.ts';

/** At most so many bytes at once. */
export const STEP_BYTES = 512 * 1024;

export interface ByteSource extends AsyncDisposable {
  /** Puts up to {@link STEP_BYTES} bytes into `into` at `offset`, and says how many; 0 at the end. */
  read(into: Buffer, offset: number): number | Promise<number>;
}

const SMALL_BYTES = 256 * 1024;
const SMALL_UNPACKED_BYTES = 8 * 1024 * 1024;
const TURN_EVERY_OPENS = 32;

const readAsync = promisify(read);

const unreadable = (path: string, cause: unknown): NikaError =>
  new NikaError('NIKA_BUS_UNREADABLE', `a file of the bus cannot be read: ${errorMessage(cause)}`, {
    subject: path,
    cause,
  });

const plainSource = (path: string, fd: number, fromByte: number): ByteSource => {
  const isSmall = fstatSync(fd).size <= SMALL_BYTES; // B1
  let position = fromByte;
  return {
    read: async (into, offset) => {
      try {
        const bytesRead = isSmall
          ? readSync(fd, into, offset, STEP_BYTES, position)
          : (await readAsync(fd, into, offset, STEP_BYTES, position)).bytesRead;
        position += bytesRead;
        return bytesRead;
      } catch (cause) {
        throw unreadable(path, cause);
      }
    },
    [Symbol.asyncDispose]: async () => closeSync(fd),
  };
};

/** What a small compressed file holds; `undefined`: too much to hold, or damaged, which the stream tells better. */
const tryUnpackSmall = (path: string): Buffer | undefined => {
  try {
    if (statSync(path).size > SMALL_BYTES) return undefined;
    return gunzipSync(readFileSync(path), { chunkSize: 64 * 1024, maxOutputLength: SMALL_UNPACKED_BYTES });
  } catch {
    return undefined;
  }
};

const bufferSource = (bytes: Buffer, fromByte: number): ByteSource => {
  let position = fromByte;
  return {
    read: (into, offset) => {
      const count = bytes.copy(into, offset, position, Math.min(position + STEP_BYTES, bytes.byteLength));
      position += count;
      return count;
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
};

const streamSource = (path: string, fromByte: number): ByteSource => {
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

const packedSource = (path: string, fromByte: number): ByteSource => {
  const bytes = tryUnpackSmall(path);
  return bytes === undefined ? streamSource(path, fromByte) : bufferSource(bytes, fromByte);
};

const hasIno = (path: string, ino: number): boolean => {
  try {
    return statSync(path, { throwIfNoEntry: false })?.ino === ino;
  } catch {
    return false; // not to be looked at
  }
};

/** Where the file of that inode is now: the alpha bus becomes a segment when it is full. */
const findRenamed = (path: string, ino: number): string | undefined => {
  const dir = dirname(path);
  const segments = readdirSync(dir).filter((name) => segmentNumber(name) !== undefined);
  return segments.map((name) => join(dir, name)).find((segment) => hasIno(segment, ino));
};

const tryOpen = (path: string): number | undefined => {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return undefined;
    throw unreadable(path, cause);
  }
};

let openCount = 0;

/**
 * Opens a part, also where it was renamed (a full segment) or compressed since it was listed.
 * @throws {NikaError} `NIKA_BUS_UNREADABLE`; reading throws it too, for a compressed file that is damaged.
 */
export const openByteSource = async (part: BusFilePart, fromByte = 0): Promise<ByteSource> => {
  const { path, compressed, ino } = part;
  openCount += 1;
  if (openCount % TURN_EVERY_OPENS === 0) await setImmediate(); // B1
  if (compressed) return packedSource(path, fromByte);
  const fd = tryOpen(path);
  if (fd !== undefined && (ino === undefined || fstatSync(fd).ino === ino)) return plainSource(path, fd, fromByte);
  const renamed = ino === undefined ? undefined : findRenamed(path, ino);
  const renamedFd = renamed === undefined ? undefined : tryOpen(renamed);
  if (renamed !== undefined && renamedFd !== undefined) {
    if (fd !== undefined) closeSync(fd);
    return plainSource(renamed, renamedFd, fromByte);
  }
  if (fd !== undefined) return plainSource(path, fd, fromByte); // another file of that name: better than none
  return packedSource(`${path}.gz`, fromByte); // archived since it was listed
};
