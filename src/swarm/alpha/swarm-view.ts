/**
 * Owns the state of the swarm as changes tell it: each PROJ, JOB and TASK, and which pods are stale. Bounded (G6).
 *
 * V1. The order in which changes are taken in does not matter: of an entity the highest `rev` stands, of a condition the
 *     newest. So what was before can be read while what comes is taken in already.
 */
import type { FeedChange } from '../../ipc/feed/feed-change.ts';
import { type Dispatch, dispatchSchema } from '../../model/dispatch.ts';
import { type EntityState, isTerminal, TRANSITIONS } from '../../model/entity.ts';
import type { EntityId } from '../../model/id.ts';

export interface SwarmEntity {
  readonly id: EntityId;
  state: EntityState | undefined;
  rev: number;
  /** Of its newest transition. */
  ts: string;
  /** That of its newest transition, with its envelope. */
  meta: Readonly<Record<string, unknown>>;
  /** Its `created`, where it waits, or waited, for a worker. */
  dispatch: { readonly id: string; readonly ts: string; readonly wish: Dispatch } | undefined;
  isOverdueTold: boolean;
}

/** What was said last of a session whether it shows signs of life. */
interface SessionWord {
  readonly ts: string;
  readonly isStale: boolean;
}

const DEFAULT_MAX = 20_000;
/** So many go at once, so that not each one more costs a search. */
const SHED = 1_000;

export class SwarmView {
  readonly #entities = new Map<string, SwarmEntity>();
  readonly #sessions = new Map<string, SessionWord>();
  readonly #max: number;

  constructor(max = DEFAULT_MAX) {
    this.#max = max;
  }

  get size(): number {
    return this.#entities.size;
  }

  entity(id: string): SwarmEntity | undefined {
    return this.#entities.get(id);
  }

  /** The one that was heard of first comes first. */
  entities(): Iterable<SwarmEntity> {
    return this.#entities.values();
  }

  counts(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { state = 'unknown' } of this.#entities.values()) counts[state] = (counts[state] ?? 0) + 1;
    return counts;
  }

  /** Whether others were told that a session shows no sign of life. */
  isStale(session: string): boolean {
    return this.#sessions.get(session)?.isStale ?? false;
  }

  staleSessions(): readonly string[] {
    return [...this.#sessions].flatMap(([session, { isStale }]) => (isStale ? [session] : []));
  }

  /** It has ended, or was closed. */
  forget(session: string): void {
    this.#sessions.delete(session);
  }

  apply(change: FeedChange): void {
    const { event, ts } = change;
    const transition = TRANSITIONS.find((one) => one.event === event);
    if (transition !== undefined) this.#applyTransition(change, transition.to);
    else if (event === 'job_overdue') this.#of(change).isOverdueTold = true;
    else if (event === 'pod_stale' || event === 'pod_back' || event === 'pod_lost')
      this.hear(change.session, { ts, isStale: event === 'pod_stale' });
    this.#shed();
  }

  #applyTransition(change: FeedChange, to: EntityState): void {
    const { id, ts, data, meta } = change;
    const entity = this.#of(change);
    const parsed = to === 'created' ? dispatchSchema.safeParse(data['dispatch']) : undefined;
    if (parsed?.success === true) entity.dispatch = { id, ts, wish: parsed.data };
    if (isTerminal(to)) this.hear(change.session, { ts, isStale: false });
    const rev = typeof data['rev'] === 'number' ? data['rev'] : entity.rev + 1;
    if (rev <= entity.rev || (isTerminal(entity.state) && isTerminal(to))) return; // V1; the first terminal one stands
    Object.assign(entity, { state: to, rev, ts, meta });
  }

  #of({ entity: id, ts, meta }: FeedChange): SwarmEntity {
    let entity = this.#entities.get(id);
    if (entity === undefined) {
      entity = { id, state: undefined, rev: 0, ts, meta, dispatch: undefined, isOverdueTold: false };
      this.#entities.set(id, entity);
    }
    return entity;
  }

  /** What was said of a session's signs of life. */
  hear(session: string, word: SessionWord): void {
    if ((this.#sessions.get(session)?.ts ?? '') > word.ts) return; // V1
    this.#sessions.delete(session);
    this.#sessions.set(session, word);
  }

  /** Those that are over go first, then the oldest. */
  #shed(): void {
    if (this.#sessions.size > this.#max) {
      for (const session of [...this.#sessions.keys()].slice(0, SHED)) this.#sessions.delete(session);
    }
    if (this.#entities.size <= this.#max) return;
    const over = [...this.#entities.values()].filter(({ state }) => isTerminal(state)).slice(0, SHED);
    const going = over.length > 0 ? over : [...this.#entities.values()].slice(0, SHED);
    for (const { id } of going) this.#entities.delete(id);
  }
}
