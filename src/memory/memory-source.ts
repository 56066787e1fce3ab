/**
 * Owns what can be asked of memory, whoever answers: Qdrant, or the bus while that is away. Both give the same answers.
 *
 * M1. Counted and found are points that stand: an entity by its last significant state, a session by its end. None is counted twice.
 * M2. A search gives of each entity its best point. Scores are of the words alone where no dense vectors are configured:
 *     then both ways give the same, within 0.001.
 */
import type { MemoryFilter, MemoryGroup } from '../model/memory.ts';
import type { MemoryPayload } from './point.ts';

export interface CountQuestion {
  /** `kind`: where nothing is said, jobs. */
  readonly filter: MemoryFilter;
  readonly by?: MemoryGroup;
}

export interface CountAnswer {
  readonly count: number;
  /**
   * With `by`: the largest first, then by value. What has several values is in several; what has none is in none, so the
   * sum may be another than `count`.
   */
  readonly groups?: readonly { readonly value: string; readonly count: number }[];
}

export interface SearchQuestion {
  readonly words: string;
  readonly filter: MemoryFilter;
  readonly limit: number;
}

export interface SearchHit {
  /** Of the point: the line on the bus. */
  readonly id: string;
  readonly score: number;
  readonly payload: MemoryPayload;
}

export type MemoryOrigin = 'qdrant' | 'bus';

/** All of it rejects with the signal's reason when that is aborted. */
export interface MemorySource {
  readonly origin: MemoryOrigin;
  count(question: CountQuestion, signal: AbortSignal): Promise<CountAnswer>;
  /** The best first; ties by id. */
  search(question: SearchQuestion, signal: AbortSignal): Promise<readonly SearchHit[]>;
  /** What is like the newest point of that entity that has a text, itself left out; none where there is no such point. */
  similar(entity: string, question: Omit<SearchQuestion, 'words'>, signal: AbortSignal): Promise<readonly SearchHit[]>;
}
