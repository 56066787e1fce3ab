/** Owns the names of files under `_bus/` (design, section 5). */
import { join } from 'node:path';
import type { EntityId } from '../model/id.ts';

/**
 * A file of the bus as the hash chain knows it: the path under `_bus/`, without segment number and compression.
 * It stays the same when a segment is renamed or a file compressed.
 */
export type BusFileName = 'alpha_bus.jsonl' | `channels/${string}.jsonl`;

export const ALPHA: BusFileName = 'alpha_bus.jsonl';
export const channelName = (entity: EntityId): BusFileName => `channels/${entity}.jsonl`;

export const busPath = (busDir: string, name: BusFileName): string => join(busDir, name);
export const channelsDir = (busDir: string): string => join(busDir, 'channels');
export const blobsDir = (busDir: string): string => join(busDir, 'blobs');

/** `alpha_bus.000001.jsonl`: a segment that is full. The one without a number is written to. */
export const segmentFile = (number: number): string => `alpha_bus.${String(number).padStart(6, '0')}.jsonl`;

const SEGMENT = /^alpha_bus\.(\d{6,})\.jsonl(\.gz)?$/;

/** The number of a full segment's file name, or `undefined` if it is none. */
export const segmentNumber = (fileName: string): number | undefined => {
  const match = SEGMENT.exec(fileName);
  return match?.[1] === undefined ? undefined : Number(match[1]);
};

export const FILE_MODE = 0o600;
export const DIR_MODE = 0o700;
