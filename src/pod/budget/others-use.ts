/**
 * Owns what others than this pod used of a budget, as the bus tells it: the pods below a job, those of a project, or all
 * of a day.
 */
import type { BusLine } from '../../bus/line.ts';
import { type Ancestry, entityOfLine } from '../../bus/query/ancestry.ts';
import type { BusPlace } from '../../bus/query/bus-place.ts';
import { isImported } from '../../model/envelope.ts';
import { type PriceOf, settledBy, Spending } from '../../model/spending.ts';
import { usageSchema } from '../../model/usage.ts';
import type { PodRecord } from '../registry/pod-record.ts';
import type { BudgetScope } from './scope.ts';

/** What is read of the bus. `entity_created` tells who a subagent belongs to. */
export const OTHERS_TYPES = ['usage', 'session_end_summary', 'entity_created'] as const;

/** What sessions that are over have done; and up to where that is known. */
export interface OthersState {
  readonly spending: Spending;
  readonly toolCalls: number;
  readonly wallMs: number;
  readonly place: BusPlace | undefined;
}

export interface OthersOptions {
  readonly scope: BudgetScope;
  readonly ancestry: Ancestry;
  /** Of the pod itself: those count elsewhere. */
  readonly isOwn: (session: string) => boolean;
  readonly priceOf: PriceOf;
}

/** Ended sessions that are remembered, so that their records do not count too (G6). */
const MAX_ENDED = 10_000;

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const countOf = (value: unknown): number => (typeof value === 'number' && value > 0 ? value : 0);

export class OthersUse {
  readonly #options: OthersOptions;
  readonly #ended = new Set<string>();
  #state: OthersState;
  #living = { toolCalls: 0, wallMs: 0 };

  constructor(options: OthersOptions, known: OthersState | undefined) {
    this.#options = options;
    this.#state = known ?? this.#nothing();
  }

  /** Without those that still run. */
  get state(): OthersState {
    return this.#state;
  }

  get toolCalls(): number {
    return this.#state.toolCalls + this.#living.toolCalls;
  }

  get wallMs(): number {
    return this.#state.wallMs + this.#living.wallMs;
  }

  /** The place was lost: all is read again. */
  forget(): void {
    this.#state = this.#nothing();
  }

  /** It was read up to there. */
  reach(place: BusPlace): void {
    this.#state = { ...this.#state, place };
  }

  async take(line: BusLine): Promise<void> {
    this.#options.ancestry.learn(line);
    const session = textOf(line.meta['session_id']);
    if (line.type === 'entity_created' || this.#options.isOwn(session) || !(await this.#counts(line))) return;
    if (line.type === 'session_end_summary') this.#end(session, line);
    const usage = line.type === 'usage' ? usageSchema.safeParse(line.data).data : undefined;
    if (usage === undefined) return;
    const { spending } = this.#state;
    const settled = settledBy(usage);
    if (settled !== undefined) spending.settle(session, settled);
    spending.add(session, usage);
  }

  /** Pods that have not ended: what they have done is not on the bus yet. */
  async lookAt(records: readonly PodRecord[]): Promise<void> {
    let [toolCalls, wallMs] = [0, 0];
    for (const { session, entity, root, parent, beat, started_at } of records) {
      if (this.#options.isOwn(session) || this.#ended.has(session)) continue;
      this.#options.ancestry.learn({ entity, meta: parent === null ? {} : { parent_id: parent } });
      if (!(await this.#isWithin(entity, root))) continue;
      toolCalls += beat.calls;
      wallMs += Math.max(0, Date.parse(beat.at) - Date.parse(started_at));
    }
    this.#living = { toolCalls, wallMs };
  }

  #nothing(): OthersState {
    return { spending: new Spending(this.#options.priceOf), toolCalls: 0, wallMs: 0, place: undefined };
  }

  #end(session: string, { data }: BusLine): void {
    if (this.#ended.size >= MAX_ENDED) this.#ended.clear();
    this.#ended.add(session);
    const { toolCalls, wallMs, spending } = this.#state;
    spending.close(session);
    this.#state = {
      ...this.#state,
      toolCalls: toolCalls + countOf(data['calls']),
      wallMs: wallMs + countOf(data['duration_ms']),
    };
  }

  #counts(line: BusLine): boolean | Promise<boolean> {
    if (isImported(line.meta)) return false; // an agent without nika did it, and no budget held it
    if (this.#options.scope.kind === 'day') return line.ts.startsWith(this.#options.scope.of);
    return this.#isWithin(entityOfLine(line), textOf(line.meta['root_id']));
  }

  async #isWithin(entity: string, root: string): Promise<boolean> {
    const { kind, of } = this.#options.scope;
    if (kind === 'day') return true;
    return kind === 'project'
      ? (await this.#options.ancestry.projectOf(root)) === of
      : this.#options.ancestry.isWithin(entity, of);
  }
}
