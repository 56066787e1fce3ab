/**
 * Owns how points are put into requests. Qdrant hangs up on one of more than 32 MiB, each time that it is sent: of points
 * with long texts there are fewer in one. Pure.
 */
import type { SparseVector } from '../encode/sparse-vector.ts';
import type { MemoryPoint } from '../point.ts';
import { SPARSE } from './collection-shape.ts';

/** The size is a guess, and 500 usual points stay in one. */
const REQUEST_BYTES = 16 * 1024 * 1024;
/** Of a point without its text and words. */
const ENVELOPE_BYTES = 2048;
/** A hash and a weight, as decimal digits. */
const WORD_BYTES = 18;
const CHAR_BYTES = 3;

export interface EncodedPoint {
  readonly point: MemoryPoint;
  readonly vector: SparseVector;
}

/** As Qdrant takes it. A point without words has no vector. */
export const pointStruct = ({ point: { id, payload }, vector: { indices, values } }: EncodedPoint) => {
  const vector = indices.length === 0 ? {} : { [SPARSE]: { indices: [...indices], values: [...values] } };
  return { id, payload: { ...payload }, vector };
};

const sizeOf = ({ point, vector }: EncodedPoint): number =>
  ENVELOPE_BYTES + CHAR_BYTES * point.payload.text.length + WORD_BYTES * vector.indices.length;

/** As many as one request takes, in order. */
export function* requestsOf(
  points: readonly MemoryPoint[],
  encode: (text: string) => SparseVector,
): Generator<readonly EncodedPoint[]> {
  let some: EncodedPoint[] = [];
  let bytes = 0;
  for (const point of points) {
    const encoded = { point, vector: encode(point.payload.text) };
    const size = sizeOf(encoded);
    if (some.length > 0 && bytes + size > REQUEST_BYTES) {
      yield some;
      some = [];
      bytes = 0;
    }
    some.push(encoded);
    bytes += size;
  }
  if (some.length > 0) yield some;
}
