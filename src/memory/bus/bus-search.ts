/**
 * Owns searching on the bus alone, by the same tokens and the same scoring as in Qdrant: BM25 with a fixed average length,
 * and IDF over all that is remembered, not only over what passes the filter (M2 of `memory-source.ts`).
 *
 * Q1. One reading counts how many points there are, and how many have each word, and keeps what may be a hit; only where
 *     that is more than {@link MAX_CANDIDATES} it is read a second time, with what was counted (G6).
 */
import { tryParseLine } from '../../bus/line.ts';
import type { BusPlace } from '../../bus/query/bus-place.ts';
import { readTypes } from '../../bus/query/read-types.ts';
import { FingerprintIndex } from '../../bus/read/verify/fingerprint-index.ts';
import type { MemoryFilter } from '../../model/memory.ts';
import { encodeDocument } from '../encode/sparse.ts';
import type { SparseVector } from '../encode/sparse-vector.ts';
import { createPointFilter } from '../filter.ts';
import type { SearchHit } from '../memory-source.ts';
import { MEMORY_TYPES, type MemoryPoint, pointOf } from '../point.ts';
import { BestHits, type Scored } from './best-hits.ts';
import type { BusQuestionOptions } from './bus-count.ts';

export interface BusSearchQuestion {
  readonly vector: SparseVector;
  readonly filter: MemoryFilter;
  readonly limit: number;
  /** Not to be found. */
  readonly without?: string;
}

const MAX_CANDIDATES = 100_000;

interface Candidate {
  readonly id: string;
  readonly entity: string;
  /** It stands only while the entity is not over. */
  readonly isOpen: boolean;
  /** How much each word of the question says of it; 0: it has it not. */
  readonly weights: readonly number[];
  /** Before the piece in which it stands. */
  readonly place: BusPlace | undefined;
}

interface Counted {
  readonly total: number;
  /** How many points have each word. */
  readonly having: readonly number[];
}

interface Seen extends Counted {
  readonly over: FingerprintIndex;
}

/** As Qdrant's modifier `idf` has it. */
const idfOf = ({ total, having }: Counted): readonly number[] =>
  having.map((count) => Math.log((total - count + 0.5) / (count + 0.5) + 1));

const isOpenPoint = ({ payload }: MemoryPoint): boolean => payload.status === 'created' && payload.kind !== 'session';

const keyOf = ({ payload }: MemoryPoint): string =>
  payload.kind === 'session' ? payload.session_id : payload.entity_id;

class BusSearch {
  readonly #options: BusQuestionOptions;
  readonly #question: BusSearchQuestion;
  readonly #signal: AbortSignal;
  /** Which word of the question has that hash. */
  readonly #words: ReadonlyMap<number, number>;

  constructor(options: BusQuestionOptions, question: BusSearchQuestion, signal: AbortSignal) {
    this.#options = options;
    this.#question = question;
    this.#signal = signal;
    this.#words = new Map(question.vector.indices.map((hash, at) => [hash, at]));
  }

  async run(): Promise<readonly SearchHit[]> {
    const candidates: Candidate[] = [];
    let isAll = true;
    const seen = await this.#readAll((candidate) => {
      if (candidates.length < MAX_CANDIDATES) candidates.push(candidate);
      else isAll = false;
    });
    const best = new BestHits<Candidate & Scored>(this.#question.limit);
    const idf = idfOf(seen);
    const offer = (candidate: Candidate): void => {
      if (candidate.isOpen && seen.over.has(candidate.entity)) return;
      best.offer({ ...candidate, score: this.#scoreOf(candidate, idf) });
    };
    if (isAll) for (const candidate of candidates) offer(candidate);
    else {
      candidates.length = 0;
      await this.#readAll(offer); // Q1
    }
    return this.#withPayloads(best.ranked);
  }

  #scoreOf({ weights }: Candidate, idf: readonly number[]): number {
    const { values } = this.#question.vector;
    return weights.reduce((sum, weight, at) => sum + weight * (idf[at] ?? 0) * (values[at] ?? 0), 0);
  }

  async #readAll(onCandidate: (candidate: Candidate) => void): Promise<Seen> {
    const { filter, vector, without } = this.#question;
    const having = vector.indices.map(() => 0);
    const over = new FingerprintIndex();
    const matches = createPointFilter(filter);
    let total = 0;
    for await (const { point, place } of this.#points()) {
      const isOpen = isOpenPoint(point);
      const isFirst = !over.has(keyOf(point));
      if (!isOpen) over.add(keyOf(point));
      const document = encodeDocument(point.payload.text);
      if (document.indices.length === 0) continue;
      total += 1;
      const weights = this.#weightsIn(document, having);
      const { entity_id: entity } = point.payload;
      if (weights === undefined || !isFirst || entity === without || !matches(point.payload)) continue;
      onCandidate({ id: point.id, entity, isOpen, weights, place });
    }
    return { total, having, over };
  }

  /** Counts each word that it has. `undefined`: none. */
  #weightsIn({ indices, values }: SparseVector, having: number[]): readonly number[] | undefined {
    let weights: number[] | undefined;
    for (const [nth, hash] of indices.entries()) {
      const at = this.#words.get(hash);
      if (at === undefined) continue;
      having[at] = (having[at] ?? 0) + 1;
      weights ??= having.map(() => 0);
      weights[at] = Math.fround(values[nth] ?? 0);
    }
    return weights;
  }

  async *#points(from?: BusPlace): AsyncGenerator<{ point: MemoryPoint; place: BusPlace | undefined }> {
    const { busDir, onRead } = this.#options;
    const reading = { busDir, types: MEMORY_TYPES, sinceMs: -Infinity, signal: this.#signal, from };
    let place = from;
    for await (const piece of readTypes(onRead === undefined ? reading : { ...reading, onRead })) {
      if (piece === 'lost') return;
      for (const text of piece.texts) {
        const line = tryParseLine(text);
        const point = line === undefined ? undefined : pointOf(line);
        if (point !== undefined) yield { point, place };
      }
      place = piece.end;
    }
  }

  /** Of the few that are shown the line is read again. */
  async #withPayloads(hits: readonly (Candidate & Scored)[]): Promise<readonly SearchHit[]> {
    const found: SearchHit[] = [];
    for (const { id, score, place } of hits) {
      for await (const { point } of this.#points(place)) {
        if (point.id !== id) continue;
        found.push({ id, score, payload: point.payload });
        break;
      }
    }
    return found;
  }
}

/** @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason */
export const searchOnBus = (
  options: BusQuestionOptions,
  question: BusSearchQuestion,
  signal: AbortSignal,
): Promise<readonly SearchHit[]> => new BusSearch(options, question, signal).run();
