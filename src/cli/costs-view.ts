/** Owns how costs are shown: on a terminal, as JSON. */
import type { CostKey } from '../bus/query/cost-keys.ts';
import type { CostGroup, Costs } from '../bus/query/costs.ts';
import { roundedUsd } from '../model/spending.ts';
import { clip } from './format.ts';
import { cell, renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';
import { countText, tokensText, usdText } from './words/used.ts';

export interface CostsAsked {
  readonly by: CostKey;
  readonly sinceTs: string;
  readonly untilTs: string | undefined;
}

const KEY_COLUMNS = 40;
const PERCENT = 100;

/** Of lines that do not say. */
const NAMELESS: Readonly<Record<CostKey, string>> = {
  job: '(no job)',
  domain: '(no domain)',
  agent: '(no agent)',
  model: '(no name)',
  pod: '(no pod)',
  day: '(no day)',
  project: '(no project)',
};

/** What nobody knows the cost of is never zero. */
const costOf = ({ costUsd, estimatedUsd, unpricedTokens, tokens }: CostGroup): string => {
  if (unpricedTokens > 0 && unpricedTokens === tokens && costUsd === 0) return 'unknown';
  const marks = `${unpricedTokens > 0 ? '≥ ' : ''}${estimatedUsd > 0 ? '~' : ''}`;
  return `${marks}${usdText(costUsd)}`;
};

const shareOf = (group: CostGroup, total: CostGroup): string => {
  const isByCost = total.costUsd > 0;
  const [part, whole] = isByCost ? [group.costUsd, total.costUsd] : [group.tokens, total.tokens];
  return whole === 0 ? '' : `${((PERCENT * part) / whole).toFixed(part === whole ? 0 : 1)} %`;
};

const cells = (group: CostGroup, total: CostGroup): readonly string[] => {
  const { counts, toolCalls } = group;
  return [
    countText(counts.input + counts.cacheWrite),
    countText(counts.cacheRead),
    countText(counts.output),
    ...(toolCalls === undefined ? [] : [String(toolCalls)]),
    costOf(group),
    shareOf(group, total),
  ];
};

/** Numbers stand to the right. */
const aligned = (rows: readonly (readonly string[])[]): readonly (readonly string[])[] => {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => (row[at] ?? '').length)));
  return rows.map((row) => row.map((text, at) => (at === 0 ? text : text.padStart(widths[at] ?? 0))));
};

const footnotes = ({ total }: Costs): readonly string[] => {
  const { estimatedUsd, unpricedTokens } = total;
  return [
    ...(estimatedUsd > 0 ? [`~ ${usdText(estimatedUsd)} of it by the price table: no agent told it.`] : []),
    ...(unpricedTokens > 0
      ? [
          `${tokensText(unpricedTokens)} without a price: nika costs --by model shows of which; set it under "prices" in config/nika.yaml.`,
        ]
      : []),
  ];
};

const timeText = ({ sinceTs, untilTs }: CostsAsked): string => {
  const short = (ts: string): string => ts.replace(/T00:00:00\.000Z$/, '').replace(/\.\d{3}Z$/, 'Z');
  return untilTs === undefined ? `since ${short(sinceTs)}` : `from ${short(sinceTs)} to ${short(untilTs)}`;
};

export const costsText = (costs: Costs, asked: CostsAsked, terminal: Terminal): string => {
  const { groups, total } = costs;
  if (groups.length === 0) return `No tokens were used ${timeText(asked)} (UTC).\n`;
  const hasCalls = total.toolCalls !== undefined;
  const titles = [asked.by.toUpperCase(), 'IN', 'CACHED', 'OUT', ...(hasCalls ? ['CALLS'] : []), 'COST', 'SHARE'];
  const name = ({ key }: CostGroup): string => (key === undefined ? NAMELESS[asked.by] : clip(cell(key), KEY_COLUMNS));
  const rows = aligned([
    titles,
    ...groups.map((group) => [name(group), ...cells(group, total)]),
    [`total ${timeText(asked)}`, ...cells(total, total)],
  ]);
  const painted = rows.map((row, at) => {
    if (at === 0) return row.map((text) => terminal.paint('dim', text));
    return at === rows.length - 1 ? row.map((text) => terminal.paint('bold', text)) : row;
  });
  return `${renderTable(painted)}${footnotes(costs)
    .map((note) => `${terminal.paint('dim', note)}\n`)
    .join('')}`;
};

const groupJson = ({ key, counts, ...group }: CostGroup): Readonly<Record<string, unknown>> => ({
  key: key ?? null,
  input_tokens: counts.input,
  cache_read_tokens: counts.cacheRead,
  cache_write_tokens: counts.cacheWrite,
  output_tokens: counts.output,
  reasoning_tokens: counts.reasoning,
  tokens: group.tokens,
  cost_usd: roundedUsd(group.costUsd),
  estimated_usd: roundedUsd(group.estimatedUsd),
  unpriced_tokens: group.unpricedTokens,
  usage_lines: group.lineCount,
  tool_calls: group.toolCalls ?? null,
});

export const costsJson = (costs: Costs, { by, sinceTs, untilTs }: CostsAsked): string => {
  const { key: _, ...total } = groupJson(costs.total);
  const groups = costs.groups.map(groupJson);
  return `${JSON.stringify({ since: sinceTs, until: untilTs ?? null, by, groups, total })}\n`;
};
