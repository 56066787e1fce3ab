/**
 * Owns the state of the swarm as lines of the alpha bus tell it: what is open, what ended lately, and how many ended of
 * which no more is kept.
 *
 * S1. Bounded (G6): of what ended so many are kept, the newest; what is open and was not heard of for longest goes first.
 * S2. Lines that were imported from agents' histories are no news. TASKs and SUBs are told by their JOB.
 * S3. The sessions of Alpha and of workers are no work: a JOB without a transition is not told of. Of what came since a
 *     place the transitions may stand before it: what else was told of such a JOB is news all the same.
 * S4. Parsing is what takes time: lines are held until their entity ends, and thrown away where that is long ago.
 */
import { type BusLine, tryParseLine } from '../../bus/line.ts';
import { entityOf, tsOf, typeOf } from '../../bus/query/line-filter.ts';
import { isOfSwarm, subjectOf } from '../../bus/query/entity-view.ts';
import { ownCopy } from '../../bus/read/own-copy.ts';
import { isTerminal } from '../../model/entity.ts';
import { IMPORTED_TAG, isImported } from '../../model/envelope.ts';
import { EndedCounts } from './ended-counts.ts';
import {
  applyToOpen,
  createOpenEntity,
  type EndedEntity,
  endedOf,
  type EndState,
  type OpenEntity,
} from './swarm-entity.ts';

const MAX_ENDED: Readonly<Record<EndState, number>> = { failed: 1_500, completed: 1_500, cancelled: 500 };
const MAX_OPEN = 20_000;
/** Of one entity (S4); then they are parsed. */
const MAX_HELD = 12;
const ENDS: readonly string[] = ['job_completed', 'job_failed', 'job_cancelled'];
/** Let grow so far before it is cut back, so that cutting is rare. */
const SLACK = 1.25;

const importedMark = JSON.stringify(IMPORTED_TAG);

export interface SwarmParts {
  readonly open: readonly OpenEntity[];
  readonly ended: readonly EndedEntity[];
  readonly counts: ReturnType<EndedCounts['toJSON']>;
}

const isKind = (entity: string): boolean => entity.startsWith('JOB-') || entity.startsWith('PROJ-');

export class SwarmState {
  readonly #open = new Map<string, OpenEntity>();
  readonly #ended: Readonly<Record<EndState, Map<string, EndedEntity>>> = {
    failed: new Map(),
    completed: new Map(),
    cancelled: new Map(),
  };
  readonly #counts: EndedCounts;
  /** Lines that may not have to be parsed (S4). */
  readonly #held = new Map<string, string[]>();
  /** Of which lines were taken since the last {@link endBatch}. */
  readonly #fresh = new Set<string>();

  constructor(parts?: SwarmParts) {
    for (const entity of parts?.open ?? []) this.#open.set(entity.view.id, entity);
    for (const entity of parts?.ended ?? []) this.#ended[entity.state].set(entity.id, entity);
    this.#counts = new EndedCounts(parts?.counts);
  }

  /** Those of which a transition was told (S3), in order of their first line. */
  get open(): readonly OpenEntity[] {
    return [...this.#open.values()].filter(({ view }) => view.state !== undefined);
  }

  findOpen(id: string): OpenEntity | undefined {
    return this.#open.get(id);
  }

  findEnded(id: string): EndedEntity | undefined {
    return this.#ended.failed.get(id) ?? this.#ended.completed.get(id) ?? this.#ended.cancelled.get(id);
  }

  /** That ended since, the newest first. */
  endedSince(ts: string, state: EndState): readonly EndedEntity[] {
    return [...this.#ended[state].values()]
      .filter(({ endedAt }) => endedAt >= ts)
      .toSorted((a, b) => (a.endedAt < b.endedAt ? 1 : a.endedAt > b.endedAt ? -1 : a.id < b.id ? -1 : 1));
  }

  /** How many more ended, by job. Only the oldest are merely counted: none since, where one is kept that ended before. */
  moreSince(ts: string, state: EndState): ReadonlyMap<string, number> {
    for (const { endedAt } of this.#ended[state].values()) if (endedAt < ts) return new Map();
    return this.#counts.since(ts, state);
  }

  /**
   * A raw line of one of the state types, in the order of its file; `keepTs`: what ended before is not kept. Call
   * {@link settle} after the last one.
   */
  takeText(text: string, keepTs = ''): void {
    const id = entityOf(text);
    if (id === undefined || !isKind(id) || text.includes(importedMark)) return; // S2, before it is parsed
    const type = typeOf(text) ?? '';
    const isEnd = ENDS.includes(type);
    const held = this.#held.get(id);
    if (isEnd && tsOf(text) < keepTs && text.includes(`"entity_id":"${id}"`)) {
      this.#held.delete(id); // S4
      this.#open.delete(id);
      return;
    }
    const isKnown = held !== undefined || this.#open.has(id) || this.findEnded(id) !== undefined;
    if (type === 'session_end_summary' && !isKnown) return; // of one that ended long ago
    if (held === undefined) this.#held.set(id, [text]);
    else held.push(text);
    this.#fresh.add(id);
    if (isEnd || (held?.length ?? 0) >= MAX_HELD) this.#release(id);
  }

  /** The texts that were taken are used up; those that are still held are cut loose from the larger one they share. */
  endBatch(): void {
    for (const id of this.#fresh) {
      const held = this.#held.get(id);
      if (held !== undefined) this.#held.set(id, held.map(ownCopy));
    }
    this.#fresh.clear();
  }

  /** All lines are in it now. */
  settle(): void {
    for (const id of this.#held.keys()) this.#release(id);
  }

  #release(id: string): void {
    const held = this.#held.get(id) ?? [];
    this.#held.delete(id);
    for (const text of held) {
      const line = tryParseLine(text);
      if (line !== undefined) this.take(line);
    }
  }

  take(line: BusLine): void {
    const id = subjectOf(line);
    if (!isKind(id) || isImported(line.meta)) return; // S2
    const ended = this.findEnded(id);
    if (ended !== undefined) {
      this.#takeLate(ended, line);
      return;
    }
    const known = this.#open.get(id);
    const entity = known ?? createOpenEntity(id, line.ts);
    applyToOpen(entity, line);
    const isUntold = entity.view.state === undefined && (known === undefined || isOfSwarm(entity.view));
    if (line.type === 'session_end_summary' && isUntold) {
      this.#open.delete(id); // S3
      return;
    }
    if (!isTerminal(entity.view.state)) {
      this.#open.set(id, entity);
      if (this.#open.size > MAX_OPEN * SLACK) this.#cutOpen();
      return;
    }
    this.#open.delete(id);
    const over = endedOf(entity);
    const kept = this.#ended[over.state];
    kept.set(id, over);
    if (kept.size > MAX_ENDED[over.state] * SLACK) this.#cutEnded(over.state);
  }

  /** What ended before is forgotten, with its counts. */
  forgetBefore(ts: string): void {
    for (const kept of Object.values(this.#ended))
      for (const [id, { endedAt }] of kept) if (endedAt < ts) kept.delete(id);
    this.#counts.forgetBefore(ts);
  }

  toParts(): SwarmParts {
    for (const state of ['failed', 'completed', 'cancelled'] as const) this.#cutEnded(state);
    const ended = Object.values(this.#ended).flatMap((kept) => [...kept.values()]);
    return { open: [...this.#open.values()], ended, counts: this.#counts.toJSON() };
  }

  /** Its session's summary comes after its end. */
  #takeLate(ended: EndedEntity, { type, data }: BusLine): void {
    if (type !== 'session_end_summary') return;
    if (typeof data['calls'] === 'number') ended.calls += data['calls'];
    if (!Array.isArray(data['usage'])) return;
    for (const one of data['usage'] as readonly unknown[]) {
      const cost = typeof one === 'object' && one !== null && 'cost_usd' in one ? one.cost_usd : 0;
      if (typeof cost === 'number' && Number.isFinite(cost)) ended.costUsd += cost;
    }
  }

  #cutEnded(state: EndState): void {
    const kept = this.#ended[state];
    const surplus = kept.size - MAX_ENDED[state];
    if (surplus <= 0) return;
    const oldest = [...kept.values()].toSorted((a, b) => (a.endedAt < b.endedAt ? -1 : 1)).slice(0, surplus);
    for (const one of oldest) {
      this.#counts.add(one);
      kept.delete(one.id);
    }
  }

  #cutOpen(): void {
    const surplus = this.#open.size - MAX_OPEN;
    const quietest = [...this.#open.values()]
      .toSorted((a, b) => (a.view.lastAt < b.view.lastAt ? -1 : 1))
      .slice(0, surplus);
    for (const { view } of quietest) this.#open.delete(view.id);
  }
}
