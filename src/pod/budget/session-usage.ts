/**
 * Owns what the agents and programs of a session use: what each line of it costs, and what all of them come to.
 *
 * U1. A cost that an agent tells itself, now or later, is never filled in from the price table: it would count twice.
 *     Where the agent does not come to tell it, it is filled in at the end (see {@link SessionUsage.settle}).
 */
import { tellsCost } from '../../model/agent.ts';
import { type PriceOf, roundedUsd, settledBy, type Spent, Spending } from '../../model/spending.ts';
import { totalTokens, type Usage, UsageTotals } from '../../model/usage.ts';

/** One session: it needs no name. */
const OWN = '';

const NO_TOKENS = { input_tokens: 0, cache_read_tokens: 0, cache_write_tokens: 0, output_tokens: 0 } as const;

export class SessionUsage {
  readonly #priceOf: PriceOf;
  readonly #totals = new UsageTotals();
  readonly #spending: Spending;
  readonly #unpriced = new Set<string>();

  constructor(priceOf: PriceOf) {
    this.#priceOf = priceOf;
    this.#spending = new Spending(priceOf);
  }

  /** As it stands on the bus. */
  get byModel(): readonly Usage[] {
    return this.#totals.byModel;
  }

  get spent(): Spent {
    return this.#spending.spent;
  }

  /** Takes in what was used; gives it as it is written, with its cost where that can be said (U1). */
  take(told: Usage, agent: string | undefined): Usage {
    const usage = this.#withCost(told, agent);
    const settled = settledBy(usage);
    if (settled !== undefined) this.#spending.settle(OWN, settled);
    this.#spending.add(OWN, usage);
    this.#totals.add(usage);
    return usage;
  }

  /** Whether the model has no price, and this was not asked before. */
  isNewlyUnpriced({ model, cost_usd: cost, ...usage }: Usage): boolean {
    if (cost !== null || totalTokens(usage) === 0 || this.#unpriced.has(model)) return false;
    if (this.#priceOf({ ...usage, model, cost_usd: cost }) !== undefined) return false;
    this.#unpriced.add(model);
    return true;
  }

  /** At the end: what an agent was to tell, and did not, by the price table. */
  settle(): readonly Usage[] {
    return this.#spending
      .openOf(OWN)
      .filter(({ usd }) => usd > 0)
      .map(({ model, usd }) => ({ scope: 'run', model, ...NO_TOKENS, cost_usd: roundedUsd(usd), cost_from: 'prices' }));
  }

  #withCost(usage: Usage, agent: string | undefined): Usage {
    if (usage.cost_usd !== null || usage.cost_from === 'later') return usage;
    if (usage.source !== 'reported' && usage.scope !== 'run' && tellsCost(agent) === 'at the end')
      return { ...usage, cost_from: 'later' };
    const usd = this.#priceOf(usage);
    if (usd === undefined || totalTokens(usage) === 0) return usage;
    return { ...usage, cost_usd: roundedUsd(usd), cost_from: 'prices' };
  }
}
