/**
 * Owns what of a digest is told where there is not room for all: a little of every kind first, then the most important
 * kinds first; the rest as groups by job.
 *
 * B1. Never more tokens than there is room for, whatever the lines hold.
 */
import { type DigestItem, type Section, SECTIONS } from './digest-item.ts';
import { groupLine, TITLES } from './digest-words.ts';
import type { CountTokens } from './token-count.ts';

/** What of one kind there is to tell. */
export interface Matter {
  readonly section: Section;
  /** The most important first. */
  readonly items: readonly DigestItem[];
  /** Others, of which no more is known: by job. */
  readonly more: ReadonlyMap<string, number>;
}

export interface FitOptions {
  readonly roomTokens: number;
  readonly count: CountTokens;
  readonly lineOf: (item: DigestItem) => string;
}

/** What of one kind is told. */
export interface Fitted extends Matter {
  /** As many of the first items are told each. */
  readonly shownCount: number;
  /** The rest is told as a group; else the head's totals alone tell of it. */
  readonly hasGroup: boolean;
}

/** Of the room, what one kind may take before the others had theirs. */
const SHARES: Readonly<Record<Section, number>> = {
  failed: 0.45,
  waits: 0.4,
  silent: 0.25,
  runs: 0.3,
  queued: 0.15,
  finished: 0.35,
  cancelled: 0.1,
};
const AT_LEAST_EACH = 2;

const restByJob = ({ items, more }: Matter, shownCount: number): ReadonlyMap<string, number> => {
  const byJob = new Map(more);
  for (const { job } of items.slice(shownCount)) byJob.set(job, (byJob.get(job) ?? 0) + 1);
  return byJob;
};

/** The lines of one kind, without their line feeds. */
export const linesOfFitted = (
  { shownCount, hasGroup, ...matter }: Fitted,
  lineOf: FitOptions['lineOf'],
): readonly string[] => {
  const rest = restByJob(matter, shownCount);
  const group = rest.size === 0 || !hasGroup ? [] : [groupLine(matter.section, rest, shownCount === 0)];
  const shown = matter.items.slice(0, shownCount).map(lineOf);
  return shown.length + group.length === 0 ? [] : [TITLES[matter.section], ...shown, ...group];
};

class Fitting {
  readonly #options: FitOptions;
  readonly #fitted = new Map<Section, Fitted>();
  readonly #tokens = new Map<Section, number>();
  readonly #ofLine = new Map<DigestItem, number>();

  constructor(options: FitOptions) {
    this.#options = options;
  }

  get usedTokens(): number {
    return [...this.#tokens.values()].reduce((sum, tokens) => sum + tokens, 0);
  }

  get fitted(): readonly Fitted[] {
    return SECTIONS.flatMap((section) => this.#fitted.get(section) ?? []);
  }

  /** Whether so many of it are told now; false: there is no room, and all stays as it was. */
  tryShow(matter: Matter, shownCount: number, mostTokens = Infinity): boolean {
    if (shownCount > matter.items.length) return false;
    const { section } = matter;
    const wanted: Fitted = { ...matter, shownCount, hasGroup: true };
    const tokens = this.#tokensOf(wanted);
    const others = this.usedTokens - (this.#tokens.get(section) ?? 0);
    if (tokens > mostTokens || others + tokens > this.#options.roomTokens) return false;
    this.#fitted.set(section, wanted);
    this.#tokens.set(section, tokens);
    return true;
  }

  shownOf(section: Section): number {
    return this.#fitted.get(section)?.shownCount ?? -1;
  }

  /** W1: lines are counted one by one. */
  #tokensOf(fitted: Fitted): number {
    const { count, lineOf } = this.#options;
    const withoutItems = linesOfFitted(fitted, () => '').filter((line) => line !== '');
    const own = withoutItems.reduce((sum, line) => sum + count(`${line}\n`), 0);
    return fitted.items.slice(0, fitted.shownCount).reduce((sum, item) => {
      const known = this.#ofLine.get(item) ?? count(`${lineOf(item)}\n`);
      this.#ofLine.set(item, known);
      return sum + known;
    }, own);
  }
}

/** The parts in order of importance (B1). */
export const fitLines = (matters: readonly Matter[], options: FitOptions): readonly Fitted[] => {
  const fitting = new Fitting(options);
  const some = matters.filter(({ items, more }) => items.length > 0 || more.size > 0);
  for (const matter of some) fitting.tryShow(matter, 0);
  for (let each = 1; each <= AT_LEAST_EACH; each += 1)
    for (const matter of some) if (fitting.shownOf(matter.section) === each - 1) fitting.tryShow(matter, each);
  for (const shareOf of [(section: Section): number => SHARES[section], (): number => 1]) {
    for (const matter of some) {
      const most = shareOf(matter.section) * options.roomTokens;
      while (fitting.tryShow(matter, fitting.shownOf(matter.section) + 1, most));
    }
  }
  return fitting.fitted;
};
