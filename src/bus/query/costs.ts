/**
 * Owns what agents used and what it cost, added up from the bus by what one asks for.
 *
 * T1. The lines of `usage` alone count, each once: those of pods that run or died too. The summary at a session's end
 *     says the same again.
 * T2. A pod that was killed between its two writes of a line has it in its channel alone: the channels of pods that died,
 *     or have not ended, are looked at.
 */
import { entityIdSchema } from '../../model/id.ts';
import { type PriceOf, settledBy, type Spent, Spending, type TokenCounts } from '../../model/spending.ts';
import { type Usage, usageSchema } from '../../model/usage.ts';
import { ALPHA, type BusFileName, channelName } from '../layout.ts';
import { type BusLine, tryParseLine } from '../line.ts';
import { Ancestry, entityOfLine } from './ancestry.ts';
import type { CostKey } from './cost-keys.ts';
import { findBusFile, listChannels } from '../read/files.ts';
import { tsOf, typeOf } from './line-filter.ts';
import { readTypes } from './read-types.ts';
import { toTs } from './time-span.ts';

/** A pod that has not ended: what it has done so far is not on the bus yet. */
export interface LivingPod {
  readonly session: string;
  readonly entity: string;
  readonly job: string;
  readonly domain: string;
  readonly agent: string | undefined;
  readonly calls: number;
}

export interface CostsOptions {
  readonly busDir: string;
  readonly by: CostKey;
  /** As on the bus; from then on, and before. */
  readonly sinceTs: string;
  readonly untilTs: string;
  readonly priceOf: PriceOf;
  readonly living: readonly LivingPod[];
  readonly signal: AbortSignal;
  readonly onRead?: (bytes: number, totalBytes: number) => void;
}

export interface CostGroup extends Spent {
  /** `undefined`: the line does not say, such as of no agent. */
  readonly key: string | undefined;
  readonly counts: TokenCounts;
  /** Lines of usage: of most agents one for each request to the model. */
  readonly lineCount: number;
  /** Tool calls of the sessions; `undefined`: by model nobody can say. */
  readonly toolCalls: number | undefined;
}

export interface Costs {
  /** The most expensive first; where nothing is known of that, by tokens. */
  readonly groups: readonly CostGroup[];
  readonly total: CostGroup;
}

const NOTHING: CostGroup = {
  key: undefined,
  counts: { input: 0, cacheRead: 0, cacheWrite: 0, output: 0, reasoning: 0 },
  lineCount: 0,
  toolCalls: 0,
  tokens: 0,
  costUsd: 0,
  estimatedUsd: 0,
  unpricedTokens: 0,
};

export const NO_COSTS: Costs = { groups: [], total: NOTHING };

interface Group {
  readonly key: string | undefined;
  readonly spending: Spending;
  toolCalls: number;
}

const TYPES = ['usage', 'session_end_summary'] as const;
/** Besides, to know whose a subagent is that another one started: they have no channels. */
const OF_SUBS = 'entity_created';

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

class CostTable {
  readonly #options: CostsOptions;
  readonly #ancestry: Ancestry;
  readonly #groups = new Map<string | undefined, Group>();
  readonly #total: Group;
  /** Where lines of a session stand whose cost is told later. */
  readonly #settling = new Map<string, Set<Spending>>();
  /** The lines of sessions that have not ended, as far as they were read; of those that ended well they are forgotten. */
  readonly #seen = new Map<string, Set<string>>();
  /** Jobs of the sessions that died (T2). */
  readonly #lost = new Map<string, string>();

  constructor(options: CostsOptions) {
    this.#options = options;
    this.#ancestry = new Ancestry(options.busDir);
    this.#total = { key: undefined, spending: new Spending(options.priceOf), toolCalls: 0 };
  }

  async take(line: BusLine): Promise<void> {
    const session = textOf(line.meta['session_id']) ?? '';
    this.#ancestry.learn(line);
    if (line.type === 'usage') await this.#addUsage(session, line);
    else if (line.type === 'session_end_summary') await this.#endSession(session, line);
  }

  async addLiving(pod: LivingPod): Promise<void> {
    const { entity, session, calls, job, domain, agent } = pod;
    this.#lost.set(session, entity); // it may have died just now
    const meta = { entity_id: entity, session_id: session, job, domain, agent };
    const { untilTs } = this.#options;
    this.#addCalls(await this.#keyOf({ entity, meta, ts: toTs(Math.min(Date.parse(untilTs) - 1, Date.now())) }), calls);
  }

  /** What stands in channels alone (T2). */
  async addMissing(): Promise<void> {
    for (const [session, entity] of this.#lost) {
      const id = entityIdSchema.safeParse(await this.#ancestry.jobOf(entity));
      if (!id.success) continue;
      for await (const line of linesIn(channelName(id.data), ['usage'], this.#options)) {
        const isNew = line.meta['session_id'] === session && this.#seen.get(session)?.has(line.id) !== true;
        if (isNew) await this.take(line);
      }
    }
  }

  result(): Costs {
    const groups = [...this.#groups.values()]
      .map((group) => this.#told(group))
      .filter(({ tokens, costUsd }) => tokens > 0 || costUsd > 0);
    const order = this.#options.by === 'day' ? byKey : byCost;
    const toolCalls = groups.reduce((sum, group) => sum + (group.toolCalls ?? 0), 0);
    const total = this.#told(this.#total);
    return { groups: groups.toSorted(order), total: total.toolCalls === undefined ? total : { ...total, toolCalls } };
  }

  #told({ key, spending, toolCalls }: Group): CostGroup {
    const { counts, lineCount, spent } = spending;
    const isModel = this.#options.by === 'model';
    return { key, counts: { ...counts }, lineCount, ...spent, toolCalls: isModel ? undefined : toolCalls };
  }

  #isOfTime({ ts }: BusLine): boolean {
    return ts >= this.#options.sinceTs && ts < this.#options.untilTs;
  }

  async #addUsage(session: string, line: BusLine): Promise<void> {
    const seen = this.#seen.get(session) ?? new Set<string>();
    this.#seen.set(session, seen.add(line.id));
    const parsed = usageSchema.safeParse(line.data);
    if (!parsed.success || !this.#isOfTime(line)) return;
    const usage = parsed.data;
    const { spending } = this.#groupOf(await this.#keyOf(line, usage));
    const settled = settledBy(usage);
    if (settled !== undefined) for (const open of this.#settling.get(session) ?? []) open.settle(session, settled);
    for (const each of [spending, this.#total.spending]) {
      each.add(session, usage);
      if (usage.cost_from !== 'later') continue;
      const settling = this.#settling.get(session) ?? new Set();
      this.#settling.set(session, settling.add(each));
    }
  }

  async #endSession(session: string, line: BusLine): Promise<void> {
    for (const open of this.#settling.get(session) ?? []) open.close(session);
    this.#settling.delete(session);
    const { calls, outcome } = line.data;
    if (outcome === 'lost') this.#lost.set(session, line.entity);
    else this.#seen.delete(session);
    if (typeof calls === 'number' && this.#isOfTime(line)) this.#addCalls(await this.#keyOf(line), calls);
  }

  #addCalls(key: string | undefined, calls: number): void {
    this.#groupOf(key).toolCalls += calls;
  }

  #groupOf(key: string | undefined): Group {
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const group: Group = { key, spending: new Spending(this.#options.priceOf), toolCalls: 0 };
    this.#groups.set(key, group);
    return group;
  }

  async #keyOf(line: Pick<BusLine, 'entity' | 'meta' | 'ts'>, usage?: Usage): Promise<string | undefined> {
    switch (this.#options.by) {
      case 'model':
        return textOf(usage?.model);
      case 'day':
        return line.ts.slice(0, 10);
      case 'pod':
        return this.#ancestry.jobOf(entityOfLine(line));
      case 'project':
        return this.#ancestry.projectOf(textOf(line.meta['root_id']) ?? entityOfLine(line));
      default:
        return textOf(line.meta[this.#options.by]);
    }
  }
}

const byCost = (a: CostGroup, b: CostGroup): number => b.costUsd - a.costUsd || b.tokens - a.tokens;
const byKey = (a: CostGroup, b: CostGroup): number => ((a.key ?? '') < (b.key ?? '') ? -1 : 1);

async function* linesIn(file: BusFileName, types: readonly string[], options: CostsOptions): AsyncGenerator<BusLine> {
  const { busDir, sinceTs, untilTs, signal, onRead } = options;
  const isOfTime = (text: string): boolean => tsOf(text) >= sinceTs && tsOf(text) < untilTs;
  const told = onRead === undefined || file !== ALPHA ? {} : { onRead };
  for await (const piece of readTypes({ busDir, file, types, sinceMs: Date.parse(sinceTs), signal, ...told })) {
    if (piece === 'lost') continue;
    for (const text of piece.texts) {
      const line = typeOf(text) !== 'usage' || isOfTime(text) ? tryParseLine(text) : undefined; // most of old segments
      if (line !== undefined) yield line;
    }
  }
}

/** The channels where the alpha bus is gone: all stands there too. */
const filesOf = (busDir: string): Iterable<BusFileName> =>
  findBusFile(busDir, ALPHA) === undefined ? listChannels(busDir) : [ALPHA];

/** @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason when it is aborted. */
export const readCosts = async (options: CostsOptions): Promise<Costs> => {
  const table = new CostTable(options);
  for (const file of filesOf(options.busDir)) {
    const types = options.by === 'pod' ? [...TYPES, OF_SUBS] : TYPES;
    for await (const line of linesIn(file, types, options)) await table.take(line);
  }
  for (const pod of options.living) await table.addLiving(pod);
  await table.addMissing();
  return table.result();
};
