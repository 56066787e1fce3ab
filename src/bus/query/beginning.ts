/** Owns how a part of the bus begins: what tells it from every other file, and since when it goes. */
import { closeSync, openSync, readSync } from 'node:fs';
import { constants, gunzipSync } from 'node:zlib';
import type { BusFilePart } from '../read/files.ts';
import { LINE_START } from '../read/salvage.ts';
import { timeKeyOf } from './line-filter.ts';

/** A line's first 300 bytes hold its writer, seq and id: no two files begin alike. */
export const BEGINNING_BYTES = 512;
const PACKED_BYTES = 1024;
const UNPACKED_MAX_BYTES = 8 * 1024 * 1024;

const firstBytes = (path: string, count: number): Buffer => {
  const fd = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(count);
    return buffer.subarray(0, readSync(fd, buffer, 0, count, 0));
  } finally {
    closeSync(fd);
  }
};

/** Up to 512 bytes of a part, uncompressed; `undefined`: it is gone or cannot be read. */
export const tryReadBeginning = ({
  path,
  compressed,
}: Pick<BusFilePart, 'path' | 'compressed'>): Buffer | undefined => {
  try {
    if (!compressed) return firstBytes(path, BEGINNING_BYTES);
    const unpacked = gunzipSync(firstBytes(path, PACKED_BYTES), {
      finishFlush: constants.Z_SYNC_FLUSH, // the beginning of a packed file is enough
      maxOutputLength: UNPACKED_MAX_BYTES,
    });
    return unpacked.subarray(0, BEGINNING_BYTES);
  } catch {
    return undefined; // whoever reads the part itself is told what is wrong with it
  }
};

/** The time of the first line, as a number that orders as times do; -1, so before all others, where it cannot be told. */
export const firstTimeKey = (part: Pick<BusFilePart, 'path' | 'compressed'>): number => {
  const text = tryReadBeginning(part)?.toString('latin1') ?? '';
  return text.startsWith(LINE_START) ? timeKeyOf(text) : -1;
};
