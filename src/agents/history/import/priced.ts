/** Owns what a request cost of which the agent's file tells tokens alone: what the price table says. */
import { type PriceOf, roundedUsd } from '../../../model/spending.ts';
import { totalTokens } from '../../../model/usage.ts';
import type { Told } from '../told.ts';

export const priced = (told: Told, priceOf: PriceOf): Told => {
  if (told.kind !== 'usage' || told.usage.cost_usd !== null || totalTokens(told.usage) === 0) return told;
  const usd = priceOf(told.usage);
  if (usd === undefined) return told;
  return { ...told, usage: { ...told.usage, cost_usd: roundedUsd(usd), cost_from: 'prices' } };
};
