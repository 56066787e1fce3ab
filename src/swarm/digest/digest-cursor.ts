/**
 * Owns the cursor of a digest: a place on the alpha bus, short enough to cost few tokens. It holds across restarts, and when
 * the segment was renamed or compressed.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { ALPHA } from '../../bus/layout.ts';
import { beginningOf, type BusPlace } from '../../bus/query/bus-place.ts';
import { findBusFile } from '../../bus/read/files.ts';
import { NikaError } from '../../model/error.ts';

const FORM = 'd1';
const HOME_CHARS = 4;
const BEGINS_CHARS = 10;
/** In the place of a file's beginning: nothing stood on the bus. */
const NOTHING = '0';
const SHAPE = /^d1-([a-f0-9]{4})-(0|[a-f0-9]{10})-([0-9a-z]{1,11})-([0-9a-z]{1,9})$/;

export interface DigestCursor {
  /** `undefined`: the beginning. */
  readonly place: BusPlace | undefined;
  /** When the digest was made; by this host's clock. */
  readonly atMs: number;
}

const hashOf = (text: string, chars: number): string => createHash('sha256').update(text).digest('hex').slice(0, chars);

const homeMark = (busDir: string): string => hashOf(resolve(busDir), HOME_CHARS);

export const cursorText = (busDir: string, { place, atMs }: DigestCursor): string => {
  const begins = place === undefined ? NOTHING : hashOf(place.begins, BEGINS_CHARS);
  const byte = (place?.byte ?? 0).toString(36);
  return [FORM, homeMark(busDir), begins, byte, Math.floor(atMs).toString(36)].join('-');
};

const REMEDY =
  'Ask once without a cursor ("nika alpha digest"): that digest tells all that counts, and has a new cursor.';

const refused = (text: string, why: string): NikaError =>
  new NikaError('NIKA_DIGEST_CURSOR', `the cursor ${text.slice(0, 80)} cannot be used: ${why}`, {
    subject: text.slice(0, 80),
    remedy: REMEDY,
  });

const findPlace = async (busDir: string, begins: string, byte: number): Promise<BusPlace | undefined> => {
  const { signal } = new AbortController();
  if (!existsSync(busDir)) return undefined;
  for (const part of findBusFile(busDir, ALPHA)?.parts.toReversed() ?? []) {
    const beginning = await beginningOf(part, signal);
    if (hashOf(beginning, BEGINS_CHARS) !== begins) continue;
    const isThere = part.compressed || part.sizeBytes >= byte;
    return isThere ? { begins: beginning, byte } : undefined;
  }
  return undefined;
};

/** @throws {NikaError} `NIKA_DIGEST_CURSOR`: it is none, of another home, or its place is gone; `NIKA_BUS_UNREADABLE`. */
export const parseCursor = async (text: string, busDir: string): Promise<DigestCursor> => {
  const [, home = '', begins = '', byteText = '', atText = ''] = SHAPE.exec(text.trim()) ?? [];
  if (home === '') throw refused(text, 'it is not one that a digest gave');
  const [byte, atMs] = [Number.parseInt(byteText, 36), Number.parseInt(atText, 36)];
  const isOfHere = home === homeMark(busDir);
  if (begins === NOTHING && isOfHere) return { place: undefined, atMs };
  const place = begins === NOTHING ? undefined : await findPlace(busDir, begins, byte);
  if (place !== undefined) return { place, atMs };
  throw refused(text, isOfHere ? 'its place on the bus is gone (the bus was removed or cut)' : 'it is of another home');
};
