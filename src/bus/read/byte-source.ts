/**
 * Owns the bytes of a part of the bus, plain or compressed, read forward in bounded steps.
 *
 * B1. Small files are read in one go, without waiting: a bus has thousands of them, and a wait for each takes longer
 *     than the reading. Now and then others get their turn all the same.
 */
import { closeSync, fstatSync, openSync, read, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { errnoOf, errorMessage, NikaError } from '../../model/error.ts';
import { segmentNumber } from '../layout.ts';
import type { BusFilePart } from './files.ts';
import { PackedSource } from './packed-source.ts';

/** At most so many bytes at once, where nothing else is said. */
export const STEP_BYTES = 512 * 1024;

export interface SourceOptions {
  /** Where to begin, in uncompressed bytes. */
  readonly fromByte: number;
  /** At most so many bytes at once; what is held of the part is a few times as much. */
  readonly stepBytes: number;
}

export interface ByteSource extends AsyncDisposable {
  /** Puts up to `stepBytes` bytes into `into` at `offset`, and says how many; 0 at the end. */
  read(into: Buffer, offset: number): number | Promise<number>;
}

const SMALL_BYTES = 256 * 1024;
/** A small compressed part is held whole if it is no more than so many steps. */
const SMALL_STEPS = 4;
const TURN_EVERY_OPENS = 32;

const readAsync = promisify(read);

const unreadable = (path: string, cause: unknown): NikaError =>
  new NikaError('NIKA_BUS_UNREADABLE', `a file of the bus cannot be read: ${errorMessage(cause)}`, {
    subject: path,
    cause,
  });

const plainSource = (path: string, fd: number, { fromByte, stepBytes }: SourceOptions): ByteSource => {
  const isSmall = fstatSync(fd).size <= SMALL_BYTES; // B1
  let position = fromByte;
  return {
    read: async (into, offset) => {
      try {
        const bytesRead = isSmall
          ? readSync(fd, into, offset, stepBytes, position)
          : (await readAsync(fd, into, offset, stepBytes, position)).bytesRead;
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
const tryUnpackSmall = (path: string, maxBytes: number): Buffer | undefined => {
  try {
    if (statSync(path).size > SMALL_BYTES) return undefined;
    const packed = readFileSync(path);
    if (packed.readUInt32LE(packed.byteLength - 4) > maxBytes) return undefined; // the size unpacked, as gzip tells it
    return gunzipSync(packed, { chunkSize: 64 * 1024, maxOutputLength: maxBytes });
  } catch {
    return undefined;
  }
};

const bufferSource = (bytes: Buffer, { fromByte, stepBytes }: SourceOptions): ByteSource => {
  let position = fromByte;
  return {
    read: (into, offset) => {
      const count = bytes.copy(into, offset, position, Math.min(position + stepBytes, bytes.byteLength));
      position += count;
      return count;
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
};

const streamSource = async (path: string, { fromByte, stepBytes }: SourceOptions): Promise<ByteSource> => {
  try {
    const source = await PackedSource.open(path, stepBytes);
    let isSkipped = fromByte === 0;
    return {
      read: async (into, offset) => {
        try {
          if (!isSkipped) await source.skip(fromByte);
          isSkipped = true;
          return await source.read(into, offset);
        } catch (cause) {
          throw unreadable(path, cause);
        }
      },
      [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
    };
  } catch (cause) {
    throw unreadable(path, cause);
  }
};

const packedSource = async (path: string, options: SourceOptions): Promise<ByteSource> => {
  const bytes = tryUnpackSmall(path, SMALL_STEPS * options.stepBytes);
  return bytes === undefined ? streamSource(path, options) : bufferSource(bytes, options);
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
export const openByteSource = async (part: BusFilePart, options: SourceOptions): Promise<ByteSource> => {
  const { path, compressed, ino } = part;
  openCount += 1;
  if (openCount % TURN_EVERY_OPENS === 0) await setImmediate(); // B1
  if (compressed) return packedSource(path, options);
  const fd = tryOpen(path);
  if (fd !== undefined && (ino === undefined || fstatSync(fd).ino === ino)) return plainSource(path, fd, options);
  const renamed = ino === undefined ? undefined : findRenamed(path, ino);
  const renamedFd = renamed === undefined ? undefined : tryOpen(renamed);
  if (renamed !== undefined && renamedFd !== undefined) {
    if (fd !== undefined) closeSync(fd);
    return plainSource(renamed, renamedFd, options);
  }
  if (fd !== undefined) return plainSource(path, fd, options); // another file of that name: better than none
  return packedSource(`${path}.gz`, options); // archived since it was listed
};
