/**
 * Owns which files make up the bus for a reader: each logical file (`BusFileName`) and its parts in order of writing.
 *
 * F1. Parts are in order of writing. Alpha bus: full segments by number, then `alpha_bus.jsonl`. Channel: `.jsonl.gz`, then `.jsonl`.
 * F2. No line is listed twice. Archiving renames `x.jsonl.gz` into place and then removes `x.jsonl`; a crash between the
 *     two leaves both, with the same beginning: then the plain file, which holds all of the other and perhaps more, is the
 *     only part. A plain file that begins with another line was begun by a writer after archiving: both are parts.
 *     (A line's first 300 bytes hold its writer, seq and id, so no two lines begin alike.)
 */
import { closeSync, openSync, readdirSync, readSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { constants, gunzipSync } from 'node:zlib';
import { errnoOf, errorMessage, NikaError } from '../../model/error.ts';
import { ALPHA, type BusFileName, channelsDir, segmentNumber } from '../layout.ts';
import { ChannelNames } from './channel-names.ts';

export interface BusFilePart {
  readonly path: string;
  /** With gzip. */
  readonly compressed: boolean;
  /** On disk, when it was listed. */
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  /** With it, a file that was renamed since it was listed is found again. */
  readonly ino?: number;
}

export interface BusFile {
  readonly name: BusFileName;
  /** In order of writing (F1); never empty. */
  readonly parts: readonly BusFilePart[];
}

/** How much of two files is compared (F2). */
const BEGINNING_BYTES = 4096;
const PACKED_BEGINNING_BYTES = 16 * 1024;
const UNPACKED_MAX_BYTES = 32 * 1024 * 1024;

const GZ = '.gz';

const unreadable = (path: string, cause: unknown): NikaError =>
  new NikaError('NIKA_BUS_UNREADABLE', `the bus cannot be read: ${errorMessage(cause)}`, { subject: path, cause });

const readBeginning = (path: string, bytes: number): Buffer => {
  const fd = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(bytes);
    return buffer.subarray(0, readSync(fd, buffer, 0, bytes, 0));
  } finally {
    closeSync(fd);
  }
};

/** Whether both files begin with the same line (F2); false where that cannot be told. */
const beginAlike = (packedPath: string, plainPath: string): boolean => {
  try {
    const plain = readBeginning(plainPath, BEGINNING_BYTES);
    const unpacked = gunzipSync(readBeginning(packedPath, PACKED_BEGINNING_BYTES), {
      finishFlush: constants.Z_SYNC_FLUSH, // the beginning of a packed file is enough
      maxOutputLength: UNPACKED_MAX_BYTES,
    });
    const count = Math.min(plain.byteLength, unpacked.byteLength);
    return count > 0 && plain.subarray(0, count).equals(unpacked.subarray(0, count));
  } catch {
    return false; // not gzip, or gone: both are read, and reading tells what is wrong
  }
};

const tryStat = (path: string): Stats | undefined => {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // gone, or a loop of links: nothing to list
  }
};

const tryPart = (path: string): BusFilePart | undefined => {
  const stat = tryStat(path);
  if (stat === undefined || !stat.isFile()) return undefined;
  return {
    path,
    compressed: path.endsWith(GZ),
    sizeBytes: stat.size,
    mtimeMs: stat.mtimeMs,
    ino: stat.ino,
  };
};

/** The parts behind one plain path: what was archived of it, then what is written to. */
const partsOf = (plainPath: string): readonly BusFilePart[] => {
  const packed = tryPart(plainPath + GZ);
  const plain = tryPart(plainPath);
  if (packed === undefined || plain === undefined) return [packed ?? plain].flatMap((part) => part ?? []);
  return beginAlike(packed.path, plain.path) ? [plain] : [packed, plain]; // F2
};

const withoutGz = (fileName: string): string => (fileName.endsWith(GZ) ? fileName.slice(0, -GZ.length) : fileName);

/** Names of the entries of `_bus/`. @throws {NikaError} `NIKA_BUS_UNREADABLE` */
const entriesOf = (dir: string): readonly string[] => {
  try {
    return readdirSync(dir);
  } catch (cause) {
    if (errnoOf(cause) !== 'ENOENT') throw unreadable(dir, cause);
    throw new NikaError('NIKA_BUS_UNREADABLE', `nothing has run in this home yet: there is no ${dir}`, {
      subject: dir,
      remedy: 'Start a job, or name another home with --home.',
    });
  }
};

const alphaParts = (busDir: string): readonly BusFilePart[] => {
  const written = partsOf(join(busDir, ALPHA)); // first: if it is rolled meanwhile, it stands among the segments
  const segments = new Map<number, string>();
  for (const entry of entriesOf(busDir)) {
    const number = segmentNumber(entry);
    if (number !== undefined) segments.set(number, withoutGz(entry));
  }
  const inOrder = [...segments].sort(([a], [b]) => a - b).map(([, fileName]) => fileName);
  const full = inOrder.flatMap((fileName) => partsOf(join(busDir, fileName)));
  return [...full, ...written.filter(({ ino }) => !full.some((segment) => segment.ino === ino))]; // F1
};

/** The channels by name. @throws {NikaError} `NIKA_BUS_UNREADABLE` */
export const listChannels = (busDir: string): ChannelNames => {
  try {
    return ChannelNames.read(busDir);
  } catch (cause) {
    throw unreadable(channelsDir(busDir), cause);
  }
};

/**
 * All files of the bus: the alpha bus first, then the channels by name. Files that have no part are not listed.
 * @throws {NikaError} `NIKA_BUS_UNREADABLE` where `busDir` is missing or cannot be read.
 */
export const listBusFiles = (busDir: string): readonly BusFile[] =>
  [
    { name: ALPHA, parts: alphaParts(busDir) },
    ...Array.from(listChannels(busDir), (name) => ({ name, parts: partsOf(join(busDir, name)) })),
  ].filter((file) => file.parts.length > 0);

/**
 * One file of the bus, `undefined` if it is not there.
 * @throws {NikaError} `NIKA_BUS_UNREADABLE` where the folder of the alpha bus cannot be read.
 */
export const findBusFile = (busDir: string, name: BusFileName): BusFile | undefined => {
  const parts = name === ALPHA ? alphaParts(busDir) : partsOf(join(busDir, name));
  return parts.length === 0 ? undefined : { name, parts };
};
