/** Owns which points stand (P2 of `point.ts`) where the lines of a bus are read from their beginning, each once. */
import { FingerprintIndex } from '../../bus/read/verify/fingerprint-index.ts';
import type { MemoryPoint } from '../point.ts';

export interface FoldedPoint {
  readonly point: MemoryPoint;
  /** The point of before that does not stand any more. */
  readonly cleared?: string;
}

/** 20 bytes for each that is over, and an id for each root that is not (G6). */
export class StandingFold {
  readonly #over = new FingerprintIndex();
  /** Roots that are not over: entity to point. */
  readonly #open = new Map<string, string>();

  add(point: MemoryPoint): FoldedPoint {
    const { id, payload } = point;
    const { kind, status, entity_id: entity, session_id: session } = payload;
    const key = kind === 'session' ? session : entity;
    if (this.#over.has(key)) return { point: { id, payload: { ...payload, standing: false } } };
    if (status === 'created') {
      this.#open.set(key, id);
      return { point };
    }
    this.#over.add(key);
    const cleared = kind === 'session' ? undefined : this.#open.get(key);
    if (cleared === undefined) return { point };
    this.#open.delete(key);
    return { point, cleared };
  }
}
