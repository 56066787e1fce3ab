/**
 * Owns the writing of points of which Qdrant may not take one.
 *
 * M4. What it understands and does not take, though its collection is right, is of a line that somebody else wrote: it is
 *     passed over and counted, and holds nothing up (G3).
 */
import type { MemoryPoint } from '../point.ts';
import type { PointStore, StoreFailure } from '../point-store.ts';

export interface CarefulWriterOptions {
  readonly store: PointStore;
  readonly signal: AbortSignal;
  readonly onWritten: (count: number) => void;
  /** Told of each that is not taken. */
  readonly onRefused: (id: string, why: string) => void;
}

export class CarefulWriter {
  readonly #options: CarefulWriterOptions;

  constructor(options: CarefulWriterOptions) {
    this.#options = options;
  }

  /** @throws the signal's reason */
  async write(points: readonly MemoryPoint[]): Promise<StoreFailure | undefined> {
    const { store, signal, onWritten, onRefused } = this.#options;
    const outcome = await store.write(points, signal);
    if (outcome.kind === 'done') {
      onWritten(points.length);
      return undefined;
    }
    const [first] = points;
    if (outcome.kind !== 'other-shape' || first === undefined) return outcome;
    if (points.length > 1) {
      const half = points.length >> 1;
      return (await this.write(points.slice(0, half))) ?? this.write(points.slice(half));
    }
    const prepared = await store.prepare(signal);
    if (prepared.kind !== 'done') return prepared; // it is not the point
    onRefused(first.id, outcome.why);
    return undefined;
  }
}
