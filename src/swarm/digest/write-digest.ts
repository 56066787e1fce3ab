/** Owns the whole text of a digest, and the same selection as data. */
import { clauseOf } from '../state/clause.ts';
import { OTHER_JOBS } from '../state/ended-counts.ts';
import { cutToTokens } from './cut-to-tokens.ts';
import { type DigestItem, roughly, type Section, SECTIONS } from './digest-item.ts';
import { didOf, itemLine, shortIds, type Wording } from './digest-words.ts';
import { type Fitted, fitLines, linesOfFitted, type Matter } from './fit-lines.ts';
import { foldChildren } from './fold.ts';
import type { Gathered } from './gather.ts';
import type { CountTokens } from './token-count.ts';

/** In whose commands it says how to go deeper. */
export type DigestManner = 'cli' | 'mcp';

export interface ToldItem {
  readonly section: Section;
  readonly id: string;
  readonly job: string;
  readonly parent: string | null;
  /** As in the text. */
  readonly text: string;
}

/** The selection of the text as data; all ids are whole. */
export interface Digest {
  readonly text: string;
  /** Of the text, by o200k_base. */
  readonly tokens: number;
  readonly cursor: string;
  readonly at: string;
  /** All that there is to tell, by section. */
  readonly totals: Readonly<Record<Section, number>>;
  readonly items: readonly ToldItem[];
  /** Not told each: by section and job, those jobs that have the most; the others together. */
  readonly omitted: Readonly<Partial<Record<Section, Readonly<Record<string, number>>>>>;
  /** Told as a count with the job above them. */
  readonly foldedCount: number;
  /** Why pods of other hosts are not told of. */
  readonly missing: string | null;
}

export interface WriteDigestOptions {
  readonly maxTokens: number;
  readonly count: CountTokens;
  readonly nowMs: number;
  readonly cursor: string;
  readonly span: { readonly kind: 'since' | 'cursor'; readonly ms: number };
  readonly missing: string | undefined;
  readonly manner: DigestManner;
}

/** Shorter words of others where there is much to tell. */
const CLAUSE_CHARS = [240, 120, 70] as const;
const MISSING_CHARS = 60;
const MISSING_TOKENS = 30;
const OMITTED_JOBS = 20;
const OMITTED_CHARS = 64;
const OLDEST_FIRST: readonly Section[] = ['waits', 'runs', 'queued'];

const inOrder = (items: readonly DigestItem[], section: Section): readonly DigestItem[] => {
  const way = OLDEST_FIRST.includes(section) ? 1 : -1;
  return items
    .filter((item) => item.section === section)
    .toSorted((a, b) => a.rank - b.rank || (a.at < b.at ? -way : a.at > b.at ? way : a.id < b.id ? -1 : 1));
};

const sizeOf = (byJob: ReadonlyMap<string, number> | undefined): number =>
  [...(byJob?.values() ?? [])].reduce((sum, count) => sum + count, 0);

const totalsOf = ({ items, more }: Gathered): Record<Section, number> => {
  const counts = SECTIONS.map((section) => {
    const told = items.filter((item) => item.section === section).length;
    return [section, told + sizeOf(more.get(section))] as const;
  });
  return Object.fromEntries(counts) as Record<Section, number>;
};

const headOf = (totals: Readonly<Record<Section, number>>, options: WriteDigestOptions): string => {
  const { nowMs, span, missing, count } = options;
  const at = `${new Date(nowMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  const some = SECTIONS.filter((section) => totals[section] > 0).map(
    (section) => `${totals[section]} ${didOf(section, totals[section])}`,
  );
  const what =
    span.kind === 'cursor' ? `new since the last digest ${roughly(span.ms)} ago` : `last ${roughly(span.ms)}`;
  const told = some.length === 0 ? (span.kind === 'cursor' ? 'nothing' : 'nothing ran') : some.join(', ');
  const why = cutToTokens(clauseOf(missing, MISSING_CHARS), MISSING_TOKENS, count);
  const gap = missing === undefined ? '' : ` (other hosts are not told of: redis: ${why})`;
  return `nika digest, ${at}, ${what}: ${told}${gap}`;
};

const FOOT: Readonly<Record<DigestManner, (cursor: string) => string>> = {
  cli: (cursor) =>
    `Deeper: nika bus show <id> --max-tokens 400, nika pod result <id> --max-tokens 400. Only what is new: nika alpha digest --cursor ${cursor}`,
  mcp: (cursor) => `Deeper: result with {"id": "<id>"}. Only what is new: digest with {"cursor": "${cursor}"}`,
};

/** Bounded as the text is, whatever there is to leave out (G6). */
const mostOf = (byJob: ReadonlyMap<string, number>): ReadonlyMap<string, number> => {
  const all = [...byJob].toSorted(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  const most = new Map<string, number>();
  for (const [at, [job, count]] of all.entries()) {
    const name = at < OMITTED_JOBS ? clauseOf(job, OMITTED_CHARS) : OTHER_JOBS;
    most.set(name, (most.get(name) ?? 0) + count);
  }
  return most;
};

const omittedOf = (fitted: readonly Fitted[], matters: readonly Matter[]): Digest['omitted'] => {
  const shown = new Map(fitted.map(({ section, shownCount }) => [section, shownCount]));
  const omitted: Partial<Record<Section, Record<string, number>>> = {};
  for (const { section, items, more } of matters) {
    const byJob = new Map(more);
    for (const { job } of items.slice(shown.get(section) ?? 0)) byJob.set(job, (byJob.get(job) ?? 0) + 1);
    if (byJob.size > 0) omitted[section] = Object.fromEntries(mostOf(byJob));
  }
  return omitted;
};

interface Choice {
  readonly fitted: readonly Fitted[];
  readonly lineOf: (item: DigestItem) => string;
}

const isWhole = (fitted: readonly Fitted[], matters: readonly Matter[]): boolean =>
  matters.every(({ section, items }) => fitted.find((one) => one.section === section)?.shownCount === items.length);

/** With as much of others' words as there is room for, if not all jobs find room. */
const choose = (
  matters: readonly Matter[],
  wording: Omit<Wording, 'clauseChars'>,
  roomTokens: number,
  count: CountTokens,
): Choice => {
  let choice: Choice = { fitted: [], lineOf: () => '' };
  for (const clauseChars of CLAUSE_CHARS) {
    const lineOf = (item: DigestItem): string => itemLine(item, { ...wording, clauseChars });
    choice = { fitted: fitLines(matters, { roomTokens, count, lineOf }), lineOf };
    if (isWhole(choice.fitted, matters)) break;
  }
  return choice;
};

const mattersOf = ({ more }: Gathered, items: readonly DigestItem[]): readonly Matter[] =>
  SECTIONS.map((section) => ({
    section,
    items: inOrder(items, section),
    more: more.get(section) ?? new Map<string, number>(),
  })).filter((matter) => matter.items.length > 0 || matter.more.size > 0);

interface Written extends Choice {
  readonly text: string;
  readonly tokens: number;
}

interface Ends {
  readonly head: string;
  readonly foot: string;
}

const write = (
  { head, foot }: Ends,
  matters: readonly Matter[],
  wording: Omit<Wording, 'clauseChars'>,
  { maxTokens, count }: WriteDigestOptions,
): Written => {
  let roomTokens = maxTokens - count(`${head}\n`) - count(`${foot}\n`);
  for (;;) {
    const choice = choose(matters, wording, roomTokens, count);
    const parts = choice.fitted.flatMap((one) => linesOfFitted(one, choice.lineOf));
    const text = `${[head, ...parts, foot].join('\n')}\n`;
    const tokens = count(text);
    if (tokens <= maxTokens || parts.length === 0) return { ...choice, text, tokens };
    roomTokens -= tokens - maxTokens; // lines counted alone may differ by a token
  }
};

export const writeDigest = (gathered: Gathered, options: WriteDigestOptions): Digest => {
  const { cursor, nowMs, missing, manner } = options;
  const totals = totalsOf(gathered);
  const { items, folded } = foldChildren(gathered.items);
  const ids = gathered.items.flatMap(({ id, parent }) => (parent === undefined ? [id] : [id, parent]));
  const matters = mattersOf(gathered, items);
  const ends = { head: headOf(totals, options), foot: FOOT[manner](cursor) };
  const { fitted, lineOf, text, tokens } = write(ends, matters, { nameOf: shortIds(ids), folded }, options);
  return {
    text,
    tokens,
    cursor,
    at: new Date(nowMs).toISOString(),
    totals,
    items: fitted.flatMap(({ section, items: all, shownCount }) =>
      all.slice(0, shownCount).map((item) => ({
        section,
        id: item.id,
        job: item.job,
        parent: item.parent ?? null,
        text: lineOf(item),
      })),
    ),
    omitted: omittedOf(fitted, matters),
    foldedCount: gathered.items.length - items.length,
    missing: missing ?? null,
  };
};
