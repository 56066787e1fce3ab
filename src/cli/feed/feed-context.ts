/** Owns what commands of the feed need: the home, and a link to its Redis that is there. */
import { type Home, resolveHome } from '../../config/home.ts';
import type { RedisTarget } from '../../config/redis/redis-settings.ts';
import { absentRedis } from '../../config/services/absent-redis.ts';
import { loadSettings } from '../../config/settings.ts';
import { NikaError } from '../../model/error.ts';
import { createKeys, type Keys } from '../../redis/keys.ts';
import { type Link, openWriter, targetOf } from '../../redis/link.ts';
import type { Terminal } from '../terminal.ts';

export interface FeedPlace {
  readonly home: Home;
  /** `undefined`: no Redis is configured. */
  readonly target: RedisTarget | undefined;
}

/** @throws {NikaError} what is wrong with the settings */
export const feedPlace = (flag: string | undefined, { env, cwd }: Terminal): FeedPlace => {
  const home = resolveHome({ flag, env, cwd });
  return { home, target: targetOf(loadSettings(home, env).redis) };
};

const KNOWN_MS = 3_000;

export const away = (why: string): NikaError => new NikaError('NIKA_FEED_AWAY', why);

/** Runs `work` with a link that is ready. @throws {NikaError} `NIKA_FEED_AWAY` */
export const withFeed = async (
  flag: string | undefined,
  terminal: Terminal,
  work: (link: Link, keys: Keys) => Promise<void>,
): Promise<void> => {
  const { home, target } = feedPlace(flag, terminal);
  if (target === undefined) throw away(absentRedis(home.runDir).why);
  await using link = await openWriter(target);
  if (!(await link.untilKnown(KNOWN_MS)))
    throw away(`Redis cannot be reached: ${link.status.kind === 'down' ? link.status.why : 'it does not answer'}`);
  await work(link, createKeys(target.prefix));
};
