/**
 * Owns how a digest is worded: each line, its heads and its groups. Stable: the same state gives the same text.
 *
 * W1. Words of others stand behind a colon at the end of a line, and never begin one: no result can pass for a line of
 *     the digest. Each line can be counted in tokens alone, since no token reaches over its beginning.
 */
import { cutTo, wordOf } from '../state/clause.ts';
import type { DigestItem, Folded, Section } from './digest-item.ts';

export const TITLES: Readonly<Record<Section, string>> = {
  failed: 'FAILED',
  waits: 'WAITS FOR SOMEBODY',
  silent: 'STALE OR LOST',
  runs: 'RUNS',
  queued: 'NOT STARTED',
  finished: 'COMPLETED',
  cancelled: 'CANCELLED',
};

const MANY: Readonly<Record<Section, string>> = {
  failed: 'failed',
  waits: 'wait for somebody',
  silent: 'stale or lost',
  runs: 'run',
  queued: 'not started',
  finished: 'completed',
  cancelled: 'cancelled',
};
const ONE: Readonly<Record<Section, string>> = { ...MANY, waits: 'waits for somebody', runs: 'runs' };
const FOLDED: Readonly<Record<Section, string>> = { ...MANY, finished: 'done', runs: 'running' };

/** In the head and in groups: how many did so. */
export const didOf = (section: Section, count: number): string => (count === 1 ? ONE : MANY)[section];

const JOB_CHARS = 48;
const ID_CHARS = 110;
const GROUP_JOBS = 5;
const GENERATED = /^JOB-\d{8}-([a-z2-7]{8})$/;

const randomPartOf = (id: string): string | undefined => GENERATED.exec(id)?.[1];

/** What names each in the next command: the random part of an id, where no other has it, else the whole id. */
export const shortIds = (ids: Iterable<string>): ((id: string) => string) => {
  const counts = new Map<string, number>();
  for (const id of new Set(ids)) {
    const part = randomPartOf(id) ?? id;
    counts.set(part, (counts.get(part) ?? 0) + 1);
  }
  return (id) => {
    const part = randomPartOf(id);
    return part === undefined || (counts.get(part) ?? 0) > 1 ? id : part;
  };
};

/** Names come from files of others (W1). */
export const jobWord = (job: string): string => wordOf(job, JOB_CHARS) || '(no name)';

export interface Wording {
  readonly nameOf: (id: string) => string;
  readonly folded: Folded;
  /** Most of what others say. */
  readonly clauseChars: number;
}

const foldedText = (counts: ReadonlyMap<Section, number> | undefined): string =>
  counts === undefined ? '' : `children: ${Array.from(counts, ([section, n]) => `${n} ${FOLDED[section]}`).join(' ')}`;

/** `k3f9xq2m repo-audit, 3m ago: Exit code 1 …` */
export const itemLine = (item: DigestItem, { nameOf, folded, clauseChars }: Wording): string => {
  const { id, job, parent, facts, clause } = item;
  const above = parent === undefined ? '' : `of ${wordOf(nameOf(parent), ID_CHARS)}`; // W1: on the feed it is any text
  const told = [`${nameOf(id)} ${jobWord(job)}`, ...facts, above, foldedText(folded.get(id))].filter(
    (one) => one !== '',
  );
  const said = cutTo(clause, clauseChars);
  return `${told.join(', ')}${said === '' ? '' : `: ${said}`}`;
};

/** `audit 30, lint 8, 3 other jobs 9`, the most first. */
const byJobText = (byJob: ReadonlyMap<string, number>): string => {
  const named = new Map<string, number>();
  for (const [job, count] of byJob) named.set(jobWord(job), (named.get(jobWord(job)) ?? 0) + count);
  const most = [...named].toSorted(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  const [shown, rest] = [most.slice(0, GROUP_JOBS), most.slice(GROUP_JOBS)];
  const others = rest.reduce((sum, [, count]) => sum + count, 0);
  const text = shown.map(([job, count]) => `${job} ${count}`);
  return [...text, ...(rest.length === 0 ? [] : [`${rest.length} other jobs ${others}`])].join(', ');
};

/** `37 more completed: …` */
export const groupLine = (section: Section, byJob: ReadonlyMap<string, number>, isAll: boolean): string => {
  const count = [...byJob.values()].reduce((sum, n) => sum + n, 0);
  return `${count} ${isAll ? '' : 'more '}${didOf(section, count)}: ${byJobText(byJob)}`;
};
