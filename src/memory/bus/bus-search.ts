/**
 * Owns searching on the bus alone, by the same tokens and the same scoring as in Qdrant: BM25 with a fixed average length,
 * and IDF over all that is remembered, not only over what passes the filter (M2 of `memory-source.ts`).
 *
 * Q1. One reading counts how many points there are, and how many have each word, and keeps what may be a hit; only where
 *     that is more than {@link MAX_CANDIDATES} it is read a second time, with what was counted (G6).
 * Q2. A line that has no word of the question is counted by its text alone: it is neither parsed nor taken apart.
 */
import { tryParseLine } from '../../bus/line.ts';
import type { BusPlace } from '../../bus/query/bus-place.ts';
import { readTypes } from '../../bus/query/read-types.ts';
import { FingerprintIndex } from '../../bus/read/verify/fingerprint-index.ts';
import type { MemoryFilter } from '../../model/memory.ts';
import { documentValues } from '../encode/sparse.ts';
import { createTermFilter } from '../encode/term-filter.ts';
import type { SparseVector } from '../encode/sparse-vector.ts';
import { createPointFilter } from '../filter.ts';
import type { SearchHit } from '../memory-source.ts';
import { MEMORY_TYPES, type MemoryPoint, pointOf } from '../point.ts';
import { BestHits, type Scored } from './best-hits.ts';
import type { BusQuestionOptions } from './bus-count.ts';
import { passedLineOf } from './passed-line.ts';

export interface BusSearchQuestion {
  /** What the vector was made of, where that was a few words. */
  readonly words?: string;
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

/** Counts each word that it has. `undefined`: none. */
const weightsIn = (values: readonly number[], having: number[]): readonly number[] | undefined => {
  let hasAny = false;
  for (const [nth, value] of values.entries()) {
    if (value === 0) continue;
    having[nth] = (having[nth] ?? 0) + 1;
    hasAny = true;
  }
  return hasAny ? values.map(Math.fround) : undefined;
};

const pointOfText = (text: string): MemoryPoint | undefined => {
  const line = tryParseLine(text);
  return line === undefined ? undefined : pointOf(line);
};

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
    const { filter, vector, without, words } = this.#question;
    const having = vector.indices.map(() => 0);
    const over = new FingerprintIndex();
    const matches = createPointFilter(filter);
    const mayHave = createTermFilter(words ?? '-');
    let total = 0;
    for await (const { text, place } of this.#texts()) {
      const passed = mayHave === undefined || mayHave(text) ? 'unknown' : passedLineOf(text); // Q2
      if (passed === undefined) continue;
      if (passed !== 'unknown') {
        total += 1;
        if (!passed.isOpen) over.add(passed.key);
        continue;
      }
      const point = pointOfText(text);
      if (point === undefined) continue;
      const isOpen = isOpenPoint(point);
      const isFirst = !over.has(keyOf(point));
      if (!isOpen) over.add(keyOf(point));
      const values = documentValues(point.payload.text, this.#words);
      if (values === undefined) continue;
      total += 1;
      const weights = weightsIn(values, having);
      const { entity_id: entity } = point.payload;
      if (weights === undefined || !isFirst || entity === without || !matches(point.payload)) continue;
      onCandidate({ id: point.id, entity, isOpen, weights, place });
    }
    return { total, having, over };
  }

  async *#texts(from?: BusPlace): AsyncGenerator<{ readonly text: string; readonly place: BusPlace | undefined }> {
    const { busDir, onRead } = this.#options;
    const reading = { busDir, types: MEMORY_TYPES, sinceMs: -Infinity, signal: this.#signal, from };
    let place = from;
    for await (const piece of readTypes(onRead === undefined ? reading : { ...reading, onRead })) {
      if (piece === 'lost') return;
      for (const text of piece.texts) yield { text, place };
      place = piece.end;
    }
  }

  /** Of the few that are shown the line is read again. */
  async #withPayloads(hits: readonly (Candidate & Scored)[]): Promise<readonly SearchHit[]> {
    const found: SearchHit[] = [];
    for (const { id, score, place } of hits) {
      for await (const { text } of this.#texts(place)) {
        const point = text.includes(id) ? pointOfText(text) : undefined;
        if (point?.id !== id) continue;
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
