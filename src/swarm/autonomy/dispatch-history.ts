/** Owns what was dispatched autonomously before, as the bus has it: it survives whoever dispatched. */
import { createPriceOf } from '../../config/prices/price-of.ts';
import type { Settings } from '../../config/settings.ts';
import { tryParseLine } from '../../bus/line.ts';
import { readLastLines } from '../../bus/query/last-lines.ts';
import { readTypes } from '../../bus/query/read-types.ts';
import { toTs } from '../../bus/query/time-span.ts';
import { settledBy, Spending } from '../../model/spending.ts';
import { usageSchema } from '../../model/usage.ts';

export interface FollowUp {
  readonly entity: string;
  readonly after: string;
  /** When the root that it follows was completed, or else when it was dispatched. */
  readonly atMs: number;
  /** With it, how many followed each other. */
  readonly depth: number;
}

const DAY_MS = 86_400_000;
/** So long a root may run that was dispatched so, and still be known as such. */
const KNOWN_DAYS = 30;
const MAX_KNOWN = 20_000;

export const dayOf = (atMs: number): number => Math.floor(atMs / DAY_MS);

export class DispatchHistory {
  readonly #byEntity = new Map<string, FollowUp>();
  readonly #byRoot = new Map<string, FollowUp>();

  /** What the bus of the home says. @throws {NikaError} `NIKA_BUS_UNREADABLE` */
  static async read(busDir: string, signal: AbortSignal): Promise<DispatchHistory> {
    const history = new DispatchHistory();
    const sinceTs = toTs(Date.now() - KNOWN_DAYS * DAY_MS);
    const query = { type: 'autonomous_dispatch', sinceTs };
    for (const text of await readLastLines({ busDir, query, count: MAX_KNOWN, files: 'alpha', signal })) {
      const line = tryParseLine(text);
      const { entity, after, depth = 1, at } = line?.data ?? {};
      if (typeof entity !== 'string' || typeof after !== 'string') continue;
      const atMs = Date.parse(typeof at === 'string' ? at : (line?.ts ?? ''));
      history.add({ entity, after, atMs, depth: Number(depth) });
    }
    return history;
  }

  add(followUp: FollowUp): void {
    this.#byEntity.set(followUp.entity, followUp);
    this.#byRoot.set(followUp.after, followUp);
    if (this.#byEntity.size <= MAX_KNOWN) return;
    const [oldest] = this.#byEntity.values(); // G6
    if (oldest === undefined) return;
    this.#byEntity.delete(oldest.entity);
    this.#byRoot.delete(oldest.after);
  }

  /** What followed this root. */
  after(root: string): FollowUp | undefined {
    return this.#byRoot.get(root);
  }

  /** How many followed each other up to this one; 0: it was not dispatched so. */
  depthOf(entity: string): number {
    return this.#byEntity.get(entity)?.depth ?? 0;
  }

  /** Those of the day (UTC) in which `atMs` lies. */
  ofDay(atMs: number): readonly FollowUp[] {
    const day = dayOf(atMs);
    return [...this.#byEntity.values()].filter((one) => dayOf(one.atMs) === day);
  }

  /** Whether one was dispatched less than `spanMs` before or behind. */
  hasWithin(atMs: number, spanMs: number): boolean {
    return [...this.#byEntity.values()].some((one) => Math.abs(one.atMs - atMs) < spanMs);
  }
}

/** What these roots have cost with all below them, since a day (UTC) began. @throws {NikaError} `NIKA_BUS_UNREADABLE` */
export const readCostUsd = async (
  { busDir, settings }: { readonly busDir: string; readonly settings: Settings },
  roots: ReadonlySet<string>,
  atMs: number,
  signal: AbortSignal,
): Promise<number> => {
  if (roots.size === 0) return 0;
  const spending = new Spending(createPriceOf(settings.prices));
  for await (const read of readTypes({ busDir, types: ['usage'], sinceMs: dayOf(atMs) * DAY_MS, signal })) {
    for (const text of read === 'lost' ? [] : read.texts) {
      const line = tryParseLine(text);
      const usage = usageSchema.safeParse(line?.data).data;
      if (line === undefined || usage === undefined || !roots.has(String(line.meta['root_id']))) continue;
      const session = String(line.meta['session_id']);
      spending.add(session, usage);
      const settled = settledBy(usage);
      if (settled !== undefined) spending.settle(session, settled);
    }
  }
  return spending.spent.costUsd;
};
