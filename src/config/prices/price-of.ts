/** Owns what a line of usage costs by the price table: the user's prices first, then those that nika ships. */
import type { PriceOf } from '../../model/spending.ts';
import type { Usage } from '../../model/usage.ts';
import type { Price, PriceTable } from './price.ts';
import { SHIPPED_PRICES } from './shipped-prices.ts';

const PER = 1_000_000;
/** Names come from agents (G6). */
const MAX_REMEMBERED = 1_000;

const patternOf = (name: string): RegExp =>
  new RegExp(
    `^${name
      .toLowerCase()
      .split('*')
      .map((text) => RegExp.escape(text))
      .join('.*')}$`,
    's',
  );

/** Finds a name in one table: as it is, then by the longest pattern that fits. */
const createFinder = (table: PriceTable): ((model: string) => Price | undefined) => {
  const names = Object.keys(table);
  const exact = new Map(names.filter((name) => !name.includes('*')).map((name) => [name.toLowerCase(), table[name]]));
  const patterns = names
    .filter((name) => name.includes('*'))
    .toSorted((a, b) => b.length - a.length)
    .map((name) => ({ pattern: patternOf(name), price: table[name] }));
  return (model) => exact.get(model) ?? patterns.find(({ pattern }) => pattern.test(model))?.price;
};

const MODEL_CHARS = 200;

/** As it is called, and without what names its provider (`openai/`, `us.anthropic.`) or its context (`[1m]`). */
const namesOf = (model: string): readonly string[] => {
  const name = model.slice(0, MODEL_CHARS).toLowerCase().trim();
  const bare = name
    .slice(name.lastIndexOf('/') + 1)
    .replace(/\[\w+\]$/, '')
    .replace(/^(?:[a-z]{2,6}(?:-gov)?\.)?(?:anthropic|openai|google)\./, '')
    .replace('@', '-');
  return [...new Set([name, bare, bare.startsWith('claude') ? bare.replaceAll('.', '-') : bare])];
};

const promptTokens = ({ input_tokens, cache_read_tokens, cache_write_tokens }: Usage): number =>
  input_tokens + cache_read_tokens + cache_write_tokens;

const costBy = (usage: Usage, price: Price): number => {
  const { long } = price;
  const rates = usage.scope === 'call' && long !== undefined && promptTokens(usage) > long.above ? long : price;
  const { input, output, cacheRead = input, cacheWrite = input } = rates;
  const sum =
    usage.input_tokens * input +
    usage.cache_read_tokens * cacheRead +
    usage.cache_write_tokens * cacheWrite +
    usage.output_tokens * output;
  return sum / PER;
};

/** The price table as a function. `own`: `prices` of the settings. */
export const createPriceOf = (own: PriceTable): PriceOf => {
  let finders: readonly ((model: string) => Price | undefined)[] | undefined; // most pods ask for no price
  const known = new Map<string, Price | undefined>();
  const find = (model: string): Price | undefined => {
    const names = namesOf(model);
    finders ??= [createFinder(own), createFinder(SHIPPED_PRICES)];
    for (const finder of finders) {
      for (const name of names) {
        const price = finder(name);
        if (price !== undefined) return price;
      }
    }
    return undefined;
  };
  return (usage) => {
    if (!known.has(usage.model)) {
      if (known.size >= MAX_REMEMBERED) known.clear();
      known.set(usage.model, find(usage.model));
    }
    const price = known.get(usage.model);
    return price === undefined ? undefined : costBy(usage, price);
  };
};
