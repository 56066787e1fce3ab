/** Owns what counts toward one budget: what this pod used itself, and what others did. */
import type { Ancestry } from '../../bus/query/ancestry.ts';
import { type PriceOf, settledBy, Spending } from '../../model/spending.ts';
import type { Usage } from '../../model/usage.ts';
import { type OthersState, OthersUse } from './others-use.ts';
import { type BudgetScope, limitsOf, type Reached, type Use } from './scope.ts';

/** Of the pod itself, over all its attempts. */
export interface Work {
  readonly toolCalls: number;
  readonly wallMs: number;
}

export interface AccountOptions {
  readonly scope: BudgetScope;
  readonly priceOf: PriceOf;
  readonly ancestry: Ancestry;
  readonly isOwn: (session: string) => boolean;
  /** What the pod had done when the account was opened: that does not count. */
  readonly before: Work;
  /** What is known of others; `undefined`: all of it is read. */
  readonly known: OthersState | undefined;
  /** Nothing that counts is older. */
  readonly sinceMs: number;
}

export class Account {
  readonly scope: BudgetScope;
  readonly others: OthersUse;
  readonly sinceMs: number;
  readonly #own: Spending;
  readonly #before: Work;

  constructor({ scope, priceOf, ancestry, isOwn, before, known, sinceMs }: AccountOptions) {
    this.scope = scope;
    this.sinceMs = sinceMs;
    this.others = new OthersUse({ scope, ancestry, isOwn, priceOf }, known);
    this.#own = new Spending(priceOf);
    this.#before = before;
  }

  /** Whether what pods do counts that still run, besides what they use. */
  get needsLiving(): boolean {
    return this.scope.limits.toolCalls !== undefined || this.scope.limits.wallMs !== undefined;
  }

  add(session: string, usage: Usage): void {
    const settled = settledBy(usage);
    if (settled !== undefined) this.#own.settle(session, settled);
    this.#own.add(session, usage);
  }

  limits(work: Work): readonly Reached[] {
    return limitsOf(this.scope, this.#use(work));
  }

  #use(work: Work): Use {
    const [own, others] = [this.#own.spent, this.others.state.spending.spent];
    return {
      tokens: own.tokens + others.tokens,
      costUsd: own.costUsd + others.costUsd,
      estimatedUsd: own.estimatedUsd + others.estimatedUsd,
      unpricedTokens: own.unpricedTokens + others.unpricedTokens,
      toolCalls: Math.max(0, work.toolCalls - this.#before.toolCalls) + this.others.toolCalls,
      wallMs: Math.max(0, work.wallMs - this.#before.wallMs) + this.others.wallMs,
    };
  }
}
