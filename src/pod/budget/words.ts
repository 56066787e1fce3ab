/** Owns how money, tokens and budgets are told to people. Pure. */
import type { Reached, ScopeKind } from './scope.ts';

const CENT = 0.01;

/** `$12.30`, `$0.0042` */
export const usdText = (usd: number): string => {
  if (usd === 0 || Math.abs(usd) >= CENT - CENT / 20) {
    return `$${usd.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
  }
  return `$${usd.toLocaleString('en-US', { maximumSignificantDigits: 2 })}`;
};

const UNITS = [
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
] as const;

/** `950`, `12.3k`, `1.2M` */
export const countText = (count: number): string => {
  const unit = UNITS.find(([of]) => count >= 0.9995 * of);
  if (unit === undefined) return String(Math.round(count));
  const scaled = count / unit[0];
  return `${scaled >= 99.95 ? Math.round(scaled) : scaled.toFixed(1)}${unit[1]}`;
};

const HOUR_MS = 3_600_000;
const timeText = (ms: number): string =>
  ms < HOUR_MS ? `${Math.round(ms / 1000)} s` : `${(ms / HOUR_MS).toFixed(1)} h`;

const amounts = ({ limit, used, max, isAbout }: Pick<Reached, 'limit' | 'used' | 'max' | 'isAbout'>): string => {
  switch (limit) {
    case 'cost_usd':
      return `${isAbout ? 'about ' : ''}${usdText(used)} of ${usdText(max)}`;
    case 'tokens':
      return `${countText(used)} of ${countText(max)} tokens`;
    case 'tool_calls':
      return `${Math.round(used)} of ${max} tool calls`;
    case 'wall':
      return `${timeText(used)} of ${timeText(max)} of time`;
  }
};

const whose = (scope: ScopeKind, of: string): string => (scope === 'day' ? `the day ${of} (UTC)` : of);

const PERCENT = 100;
/** 82 % is not 81.99999999. */
const EPSILON = 1e-6;

/** `$4.10 of $5.00 of JOB-nightly is used (82 %)` */
export const nearText = (reached: Reached): string => {
  const { scope, of, used, max } = reached;
  const verb = reached.limit === 'cost_usd' || reached.limit === 'wall' ? 'is' : 'are';
  return `${amounts(reached)} of ${whose(scope, of)} ${verb} used (${Math.floor((PERCENT * used) / max + EPSILON)} %)`;
};

/** `the budget of PROJ-x is used up: $5.12 of $5.00` */
export const usedUpText = (reached: Omit<Reached, 'isAbout'> & { readonly isAbout?: boolean }): string =>
  `the budget of ${whose(reached.scope, reached.of)} is used up: ${amounts({ isAbout: false, ...reached })}`;

/** Said once of each model. */
export const unpricedText = (model: string): string =>
  `what ${model === '' ? 'a model without a name' : model} costs is not known: its tokens count, its dollars do not. ` +
  'Its price can be set under "prices" in config/nika.yaml';
