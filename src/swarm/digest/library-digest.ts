/** Owns `digest()` of the library: what one must know of a home's swarm, for a program that follows it. */
import { tryParseTimeSpan, TIME_SPAN_FORMS, toTs } from '../../bus/query/time-span.ts';
import { resolveHome } from '../../config/home.ts';
import { loadSettings } from '../../config/settings.ts';
import { NikaError } from '../../model/error.ts';
import type { Digest } from './write-digest.ts';

export interface LibraryDigestOptions {
  /** Default: as the command line finds it. */
  readonly home?: string;
  /** By o200k_base, from 200 on; default: 800. */
  readonly maxTokens?: number;
  /** Of what ended: only since then. `2h`, `3d`, `2026-04-12T10:30`; default: a day. Not with a cursor. */
  readonly since?: string;
  /** Only what is new since the digest that gave it. */
  readonly cursor?: string;
  /** Ends the reading of a long bus; what is thrown then is its reason. */
  readonly signal?: AbortSignal;
}

/** As on the bus. @throws {NikaError} `NIKA_CLI_USAGE` */
export const parseSince = (text: string): string => {
  const span = tryParseTimeSpan(text, Date.now());
  if (span !== undefined) return toTs(span.fromMs);
  throw new NikaError('NIKA_CLI_USAGE', `"${text.slice(0, 80)}" is no time that is known`, {
    remedy: `Write it as ${TIME_SPAN_FORMS}; times are UTC.`,
  });
};

/**
 * The most important first, in `text`; the same as data beside it. With neither a running Alpha nor Redis too.
 * @throws {NikaError} `NIKA_DIGEST_TOO_SMALL`, `NIKA_DIGEST_CURSOR`, `NIKA_BUS_UNREADABLE`, what is wrong with home or settings
 */
export const digest = async (options: LibraryDigestOptions = {}): Promise<Digest> => {
  const { maxTokens, since, cursor, signal = new AbortController().signal } = options;
  if (since !== undefined && cursor !== undefined)
    throw new NikaError('NIKA_CLI_USAGE', 'since and cursor exclude each other', { remedy: 'Give one of the two.' });
  const home = resolveHome({ flag: options.home, env: process.env, cwd: process.cwd() });
  const settings = loadSettings(home, process.env);
  const { digestHome } = await import('./digest.ts');
  return digestHome({
    home,
    settings,
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(since === undefined ? {} : { since: parseSince(since) }),
    ...(cursor === undefined ? {} : { cursor }),
    manner: 'cli',
    signal,
  });
};
