/** Owns `memory` of the library: what every pod ever did, counted and found again, for a program. */
import { resolveHome } from '../../config/home.ts';
import { loadSettings } from '../../config/settings.ts';
import type { MemoryAnswer, MemoryAsk } from '../../memory/ask.ts';
import type { MemoryOrigin, SearchHit } from '../../memory/memory-source.ts';
import type { MemoryPayload } from '../../memory/point.ts';
import { parseRecallFilter, type RecallFilter } from '../../memory/recall-filter.ts';
import { NikaError } from '../../model/error.ts';
import type { MemoryFilter, MemoryGroup } from '../../model/memory.ts';

export interface MemoryQuestion extends RecallFilter {
  /** Default: as the command line finds it. */
  readonly home?: string;
  /** Ends a long reading of the bus; what is thrown then is its reason. */
  readonly signal?: AbortSignal;
}

export interface MemoryCountQuestion extends MemoryQuestion {
  /** Each value of it is counted apart. */
  readonly by?: MemoryGroup;
}

export interface MemorySearchQuestion extends MemoryQuestion {
  /** The best first; default: 10. */
  readonly limit?: number;
}

interface FromWhere {
  /** Who answered: Qdrant, or the bus of this home alone. */
  readonly source: MemoryOrigin;
  /** Why it was the bus. */
  readonly why?: string;
}

export interface MemoryCount extends FromWhere {
  readonly count: number;
  /** With `by`: the largest first. What has several values is in several, what has none in none. */
  readonly groups?: readonly { readonly value: string; readonly count: number }[];
}

export interface MemoryHit {
  /** Of the event on the bus. */
  readonly id: string;
  readonly score: number;
  /** What of its text matches, on one line. */
  readonly snippet: string;
  /** The envelope, how it ended, a summary, tools, models, files, cost … */
  readonly payload: MemoryPayload;
}

export interface MemoryHits extends FromWhere {
  readonly hits: readonly MemoryHit[];
}

const MAX_LIMIT = 1_000;
const DEFAULT_LIMIT = 10;

const fromWhere = ({ source, why }: MemoryAnswer<unknown>): FromWhere =>
  why === undefined ? { source } : { source, why };

const limitOf = (limit = DEFAULT_LIMIT): number => {
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw new NikaError('NIKA_CLI_USAGE', `limit is a number from 1 to ${MAX_LIMIT}, not ${String(limit)}`);
};

/** @throws {NikaError} what is wrong with the question, the home or its settings */
const asking = async <T>(
  question: MemoryQuestion,
  work: (ask: MemoryAsk, filter: MemoryFilter, signal: AbortSignal) => Promise<T>,
): Promise<T> => {
  const { home: flag, signal = new AbortController().signal, ...given } = question;
  const filter = parseRecallFilter(given, Date.now());
  const home = resolveHome({ flag, env: process.env, cwd: process.cwd() });
  const settings = loadSettings(home, process.env);
  const { openMemoryAsk } = await import('./open-memory-ask.ts');
  await using ask = openMemoryAsk({ home, settings, env: process.env });
  return await work(ask, filter, signal);
};

const hitsOf = async (answer: MemoryAnswer<readonly SearchHit[]>, words: string): Promise<MemoryHits> => {
  const { snippetOf } = await import('../../memory/encode/snippet.ts');
  const hits = answer.value.map(({ id, score, payload }) => ({
    id,
    score,
    snippet: snippetOf(payload.text, words).text,
    payload,
  }));
  return { hits, ...fromWhere(answer) };
};

/**
 * How many entities, by their last state; jobs where no `type` is given.
 * @throws {NikaError} `NIKA_CLI_USAGE`, `NIKA_BUS_UNREADABLE`, what is wrong with home or settings
 */
const count = async ({ by, ...question }: MemoryCountQuestion = {}): Promise<MemoryCount> =>
  asking(question, async (ask, filter, signal) => {
    const answer = await ask.count(by === undefined ? { filter } : { filter, by }, signal);
    return { ...answer.value, ...fromWhere(answer) };
  });

/** Of each entity its best match. @throws as {@link count} */
const search = async (words: string, { limit, ...question }: MemorySearchQuestion = {}): Promise<MemoryHits> => {
  const many = limitOf(limit);
  return asking(question, async (ask, filter, signal) =>
    hitsOf(await ask.search({ words, filter, limit: many }, signal), words),
  );
};

/** What is like an entity; `entity` is its whole id. @throws as {@link count} */
const similar = async (entity: string, { limit, ...question }: MemorySearchQuestion = {}): Promise<MemoryHits> => {
  const many = limitOf(limit);
  return asking(question, async (ask, filter, signal) =>
    hitsOf(await ask.similar(entity, { filter, limit: many }, signal), ''),
  );
};

/** What every pod ever did: from Qdrant where it has all of this home, else from its bus. */
export const memory = { count, search, similar } as const;
