/** Owns what a session did in numbers and names, as the end of an entity has it. Pure. */
import type { SessionWork } from '../../model/session-digest.ts';
import { roundedUsd } from '../../model/spending.ts';
import { totalTokens, type Usage } from '../../model/usage.ts';

export interface WorkDone {
  readonly calls: number;
  readonly errors: number;
  /** Calls by tool. */
  readonly byTool: Iterable<readonly [string, number]>;
  /** By model. */
  readonly usage: readonly Usage[];
}

/** With names of 64 characters it has less than 4 kB (G6). */
const MAX_TOOLS = 50;
const MAX_MODELS = 10;
const MAX_NAME_CHARS = 64;

const name = (text: string): string => text.slice(0, MAX_NAME_CHARS).toWellFormed();

export const sessionWork = ({ calls, errors, byTool, usage }: WorkDone): SessionWork => {
  const tools = [...byTool].toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([tool]) => name(tool));
  const models = usage.map(({ model }) => name(model)).filter((model) => model !== '');
  const costs = usage.flatMap(({ cost_usd: usd }) => (usd === null ? [] : [usd]));
  return {
    calls,
    errors,
    tools: tools.slice(0, MAX_TOOLS),
    models: models.slice(0, MAX_MODELS),
    ...(usage.length === 0 ? {} : { tokens: usage.reduce((sum, one) => sum + totalTokens(one), 0) }),
    ...(costs.length === 0 ? {} : { cost_usd: roundedUsd(costs.reduce((sum, usd) => sum + usd, 0)) }),
  };
};
