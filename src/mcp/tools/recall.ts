/** Owns the tools `memory_count` and `memory_search`: what every pod ever did, in short answers. */
import { z } from 'zod';
import type { MemoryAnswer, MemoryAsk } from '../../memory/ask.ts';
import type { SearchHit } from '../../memory/memory-source.ts';
import { parseRecallFilter } from '../../memory/recall-filter.ts';
import { MEMORY_GROUPS, MEMORY_KINDS, type MemoryFilter } from '../../model/memory.ts';
import { clipLine, clipList } from '../clip.ts';
import { createTool, said, type ToolContext } from '../tool.ts';

const text = z.string().optional();

/** Of each one value: several questions are as short as a list. */
const filters = {
  type: z.enum(MEMORY_KINDS).optional(),
  status: text.describe('completed, failed, cancelled, created'),
  domain: text,
  intent: text,
  job: text,
  agent: text,
  model: text,
  tool: text,
  tag: text,
  from: text.describe('2026-04-01 or 30d'),
  to: text.describe('Before.'),
};

/** An agent's context is precious: by words one finds a tool, too. */
const { model: _model, tool: _tool, tag: _tag, ...searchFilters } = filters;

const SUMMARY_CHARS = 160;

const asking = async <T>(
  { openPlace, caller: { env } }: ToolContext,
  work: (ask: MemoryAsk, maxChars: number) => Promise<T>,
): Promise<T> => {
  const [{ home, settings }, { openMemoryAsk }] = await Promise.all([
    openPlace(),
    import('../../pod/remember/open-memory-ask.ts'),
  ]);
  await using ask = openMemoryAsk({ home, settings, env });
  return await work(ask, settings.mcp.maxAnswerChars);
};

type Filters = { readonly [K in keyof typeof filters]?: string | undefined };

const filterOf = (given: Filters): MemoryFilter => {
  const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return parseRecallFilter(known, Date.now());
};

const sourceText = ({ why }: MemoryAnswer<unknown>): string =>
  why === undefined ? '' : `\n(from the bus of this home: ${clipLine(why, SUMMARY_CHARS)})`;

export const memoryCount = createTool({
  name: 'memory_count',
  title: 'Count what was ever done',
  description: 'Counts what pods ever did, by last state; jobs by default.',
  isReadOnly: true,
  input: z.strictObject({ ...filters, by: z.enum(MEMORY_GROUPS).optional() }),
  call: ({ by, ...given }, context) =>
    asking(context, async (ask, maxChars) => {
      const filter = filterOf(given);
      const answer = await ask.count(by === undefined ? { filter } : { filter, by }, context.signal);
      const { count, groups = [] } = answer.value;
      const lines = [String(count), ...groups.map((one) => `${clipLine(one.value, SUMMARY_CHARS)}: ${one.count}`)];
      return said(clipList({ lines, maxChars, rest: (more) => `… and ${more} more.` }) + sourceText(answer));
    }),
});

const rowOf = ({ payload }: SearchHit, snippet: string): string => {
  const { entity_id: entity, status, day, job, domain, intent, summary } = payload;
  const about = [job, domain, intent].filter((one) => one !== undefined).join(' ');
  const shown = clipLine(summary, SUMMARY_CHARS);
  const more = snippet.startsWith(shown) ? snippet : [shown, snippet].filter((one) => one !== '').join(' | ');
  return `${entity} ${status} ${day} ${clipLine(about, SUMMARY_CHARS)}: ${more}`;
};

export const memorySearch = createTool({
  name: 'memory_search',
  title: 'Find what was done before',
  description: 'Finds by words what pods ever did, and how it ended. Then result or pod_observe.',
  isReadOnly: true,
  input: z.strictObject({
    words: z.string().min(1).max(2_000),
    ...searchFilters,
    limit: z.int().min(1).max(50).default(5),
  }),
  call: ({ words, limit, ...given }, context) =>
    asking(context, async (ask, maxChars) => {
      const answer = await ask.search({ words, filter: filterOf(given), limit }, context.signal);
      if (answer.value.length === 0) return said(`Nothing was found.${sourceText(answer)}`);
      const { snippetOf } = await import('../../memory/encode/snippet.ts');
      const lines = answer.value.map((hit) => rowOf(hit, snippetOf(hit.payload.text, words).text));
      return said(clipList({ lines, maxChars, rest: (more) => `… and ${more} more.` }) + sourceText(answer));
    }),
});
