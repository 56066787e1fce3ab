/** Owns which budgets hold for a pod, and when one of their limits is near or reached. Pure. */
import type { BudgetLimits } from '../../config/budget-limits.ts';
import { roundedUsd, type Spent } from '../../model/spending.ts';

export type LimitName = 'cost_usd' | 'tokens' | 'tool_calls' | 'wall';
export type ScopeKind = 'job' | 'project' | 'day';

export interface BudgetScope {
  readonly kind: ScopeKind;
  /** The JOB with all that it starts, the PROJ, or the day (UTC). */
  readonly of: string;
  readonly limits: BudgetLimits;
}

/** What all that counts has used so far. */
export interface Use extends Spent {
  readonly toolCalls: number;
  readonly wallMs: number;
}

/** Dollars, tokens, calls or milliseconds. */
export interface Reached {
  readonly scope: ScopeKind;
  readonly of: string;
  readonly limit: LimitName;
  readonly used: number;
  readonly max: number;
  /** Part of what is used is an estimate, or has no price. */
  readonly isAbout: boolean;
}

/** From this share on it is said. */
export const WARN_SHARE = 0.8;

export const hasLimits = (limits: BudgetLimits): boolean => Object.values(limits).some((max) => max !== undefined);

/** Every limit that is set, and how much of it is used. */
export const limitsOf = ({ kind, of, limits }: BudgetScope, use: Use): readonly Reached[] => {
  const { costUsd, tokens, toolCalls, wallMs } = limits;
  const isAbout = use.estimatedUsd > 0 || use.unpricedTokens > 0;
  const all = [
    { limit: 'cost_usd', max: costUsd, used: roundedUsd(use.costUsd), isAbout },
    { limit: 'tokens', max: tokens, used: use.tokens, isAbout: false },
    { limit: 'tool_calls', max: toolCalls, used: use.toolCalls, isAbout: false },
    { limit: 'wall', max: wallMs, used: use.wallMs, isAbout: false },
  ] as const;
  return all.flatMap(({ max, ...reached }) => (max === undefined ? [] : [{ scope: kind, of, max, ...reached }]));
};

/** Of tool calls the one that is over is what ends a pod, not the last one that is allowed. */
export const isOver = ({ limit, used, max }: Reached): boolean => (limit === 'tool_calls' ? used > max : used >= max);
export const isUsedUp = ({ used, max }: Reached): boolean => used >= max;
export const isNear = ({ used, max }: Reached): boolean => used / max >= WARN_SHARE;
