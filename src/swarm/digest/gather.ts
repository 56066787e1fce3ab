/**
 * Owns what a digest is made of: the state that the bus tells, what pods of this home and of the fleet say of themselves,
 * and of those what is new.
 *
 * D1. The bus tells what ended and what was asked; of a pod that lives its own record tells how it stands.
 */
import type { PodRecord } from '../../pod/registry/pod-record.ts';
import { isOver } from '../../pod/registry/pod-status.ts';
import { latestOfEach } from '../../pod/registry/resolve-pod.ts';
import type { FleetPod } from '../../telemetry/read-fleet.ts';
import { clauseOf } from '../state/clause.ts';
import type { EndState, EndedEntity } from '../state/swarm-entity.ts';
import type { SwarmState } from '../state/swarm-state.ts';
import { type DigestItem, isLateSince, type Section } from './digest-item.ts';
import { itemOfEnded, itemOfOpen } from './entity-items.ts';
import { itemOfPod, livePodOf, livePodOfFleet, type LivePod } from './pod-items.ts';

export interface Told {
  readonly state: SwarmState;
  /** What came since the cursor or the time that is asked for, where that is not the state itself. */
  readonly since: SwarmState;
  /** Of what ended; as on the bus. */
  readonly sinceTs: string;
  /** With a cursor: what is open is told only where it is new since then. */
  readonly newSinceMs: number | undefined;
  readonly records: readonly PodRecord[];
  readonly fleet: readonly FleetPod[];
  readonly host: string;
  readonly nowMs: number;
}

export interface Gathered {
  readonly items: readonly DigestItem[];
  /** By section and job: of what ended, those of which nothing more is kept. */
  readonly more: ReadonlyMap<Section, ReadonlyMap<string, number>>;
}

/** Silent for so long, it is not told of any more. */
const GONE_AFTER_MS = 3_600_000;
const CLAUSE_CHARS = 240;

const ENDS = [
  ['failed', 'failed'],
  ['completed', 'finished'],
  ['cancelled', 'cancelled'],
] as const satisfies readonly (readonly [EndState, Section])[];

/** With what was known before the cursor: when it began. None: it had ended before, and the later end does not count. */
const completed = (ended: EndedEntity, state: SwarmState): readonly EndedEntity[] => {
  const known = state.findEnded(ended.id);
  if (known === undefined) return [ended];
  return known.endedAt < ended.endedAt ? [] : [known];
};

const endedItems = ({ state, since, sinceTs, nowMs }: Told): readonly DigestItem[] =>
  ENDS.flatMap(([end]) =>
    since
      .endedSince(sinceTs, end)
      .flatMap((one) => completed(one, state))
      .map((one) => itemOfEnded(one, nowMs)),
  );

/** A pod that ended, of which the bus was not told: it was killed between its last words. */
const itemOfRecord = (record: PodRecord, nowMs: number): DigestItem | undefined => {
  const { end, entity, job, parent, started_at: startedAt, attempt, beat } = record;
  if (end === null) return undefined;
  const isLost = end.status === 'lost';
  const state = end.status === 'completed' || end.status === 'cancelled' ? end.status : 'failed';
  const clause = clauseOf(state === 'completed' ? end.result : (end.error ?? end.outcome), CLAUSE_CHARS);
  const ended = { id: entity, type: 'JOB', job, state, startedAt, endedAt: end.at, attempts: attempt, clause } as const;
  const item = itemOfEnded(
    { ...ended, ...(parent === null ? {} : { parent }), costUsd: beat.cost_usd, calls: beat.calls },
    nowMs,
  );
  if (!isLost || attempt >= record.attempts) return item;
  const left = record.attempts - attempt;
  const facts = [...item.facts, `lost, ${left} ${left === 1 ? 'attempt' : 'attempts'} left: nika pod restart`];
  return { ...item, section: 'silent', facts, rank: 1 };
};

class Gathering {
  readonly #told: Told;
  readonly #records: ReadonlyMap<string, PodRecord>;
  readonly #items = new Map<string, DigestItem>();

  constructor(told: Told) {
    this.#told = told;
    this.#records = new Map(latestOfEach(told.records).map((record) => [record.entity, record]));
  }

  run(): readonly DigestItem[] {
    for (const item of endedItems(this.#told)) this.#items.set(item.id, item);
    for (const record of this.#records.values()) if (!isOver(record)) this.#addPod(livePodOf(record));
    this.#addFleet();
    this.#addOpen();
    return [...this.#items.values()].filter(({ isNew }) => isNew);
  }

  #isTooOld({ section, at }: DigestItem): boolean {
    return (section === 'failed' || section === 'finished' || section === 'cancelled') && at < this.#told.sinceTs;
  }

  #isTold(id: string): boolean {
    return this.#told.since.findOpen(id) !== undefined;
  }

  /** D1 */
  #addPod(pod: LivePod): void {
    const { state, nowMs, newSinceMs } = this.#told;
    if (this.#items.has(pod.entity) || state.findEnded(pod.entity) !== undefined) return;
    const open = state.findOpen(pod.entity);
    if (open?.view.state === 'awaiting_review') return;
    const deadline = open?.dispatch?.deadline;
    this.#items.set(pod.entity, itemOfPod(pod, { nowMs, newSinceMs, isTold: this.#isTold(pod.entity), deadline }));
  }

  #addFleet(): void {
    const { fleet, records, nowMs } = this.#told;
    const own = new Set<string>(records.map(({ session }) => session));
    for (const pod of fleet)
      if (!own.has(pod.session) && pod.silentMs < GONE_AFTER_MS) this.#addPod(livePodOfFleet(pod, nowMs));
  }

  #addOpen(): void {
    const { state, host, nowMs, newSinceMs } = this.#told;
    for (const entity of state.open) {
      const { id, type, state: now } = entity.view;
      if (this.#items.has(id) || (type === 'PROJ' && now !== 'awaiting_review')) continue;
      const isNew =
        newSinceMs === undefined || this.#isTold(id) || isLateSince(entity.dispatch?.deadline, nowMs, newSinceMs);
      const record = this.#records.get(id);
      const isUntold = record !== undefined && now === 'in_progress' && isOver(record) && entity.dispatch === undefined;
      const item = isUntold ? itemOfRecord(record, nowMs) : itemOfOpen(entity, { host, nowMs, isNew });
      if (item !== undefined && !this.#isTooOld(item)) this.#items.set(id, { ...item, isNew });
    }
  }
}

export const gather = (told: Told): Gathered => ({
  items: new Gathering(told).run(),
  more: new Map(ENDS.map(([end, section]) => [section, told.since.moreSince(told.sinceTs, end)])),
});
