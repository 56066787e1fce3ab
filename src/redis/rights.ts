/** Owns which of the rights that nika needs its user of Redis lacks: each command is tried, in a way that changes nothing. */
import { randomUUID } from 'node:crypto';
import type { RedisTarget } from '../config/redis/redis-settings.ts';
import { sessionIdSchema } from '../model/id.ts';
import { trialOf, USED_COMMANDS, type UsedCommand } from './commands.ts';
import { createKeys, parseKeyPart } from './keys.ts';
import type { CallOptions, Link } from './link.ts';

export interface LackingRight {
  /** As an ACL names it. */
  readonly command: string;
  /** The keys on which it is denied, as an ACL names them; `undefined`: it has none. */
  readonly keys: string | undefined;
  /** Whether the command is allowed, and those keys are not. */
  readonly isByKey: boolean;
}

export interface Rights {
  readonly triedCount: number;
  readonly lacking: readonly LackingRight[];
  /** Of how many nothing was learnt, since no answer came. */
  readonly unknownCount: number;
  /** Whether writes are refused since the server cannot save (MISCONF). */
  readonly refusesWrites: boolean;
}

/** Redis 6 says "… access one of the keys used as arguments", 7 and later "No permissions to access a key". */
const BY_KEY = /access (?:a key|one of the keys)/;

const isNeeded = ({ onlyWith }: UsedCommand, { at, db }: RedisTarget): boolean => {
  if (onlyWith === 'a database number') return db !== 0;
  return onlyWith === undefined || at.kind === 'cluster';
};

const ASKED = new Set(USED_COMMANDS.flatMap(({ name, isAskedOnly }) => (isAskedOnly === true ? [name] : [])));

/** What was only asked for shows the same refusal where it is the keys, or EVAL itself, that is denied. */
const plain = (lacking: readonly LackingRight[]): readonly LackingRight[] => {
  const isSaid = lacking.some(({ command, isByKey }) => command === 'eval' || isByKey);
  return isSaid ? lacking.filter(({ command }) => !ASKED.has(command)) : lacking;
};

/** Never rejects. One round trip. No other way does for all: ACL DRYRUN is of Redis 7, and a right of its own. */
export const tryRights = async (
  link: Link,
  target: RedisTarget,
  options: CallOptions = {},
  signal?: AbortSignal,
): Promise<Rights> => {
  const { prefix, db } = target;
  const keys = createKeys(prefix);
  const name = randomUUID();
  const places = [
    { keys: `~${prefix}nika:*`, key: keys.lease(parseKeyPart(`doctor-${name}`)).name, db },
    { keys: `~${prefix}agent:*`, key: keys.state(sessionIdSchema.parse(name)).name, db },
  ];
  const trials = USED_COMMANDS.filter((command) => isNeeded(command, target)).flatMap((command) =>
    // the queue has no keys of the second kind
    (command.hasKey && command.usedFor !== 'the queue' ? places : places.slice(0, 1)).map((place) => ({
      command,
      place,
    })),
  );
  const outcomes = await link.callAll(
    trials.map(({ command, place }) => trialOf(command, place)),
    options,
    signal,
  );
  const lacking = trials.flatMap(({ command, place }, at): readonly LackingRight[] => {
    const outcome = outcomes[at];
    if (outcome?.kind !== 'refused' || outcome.code !== 'NOPERM') return [];
    return [
      { command: command.name, keys: command.hasKey ? place.keys : undefined, isByKey: BY_KEY.test(outcome.why) },
    ];
  });
  const told = plain(lacking);
  const answered = outcomes.filter(({ kind }) => kind === 'done' || kind === 'refused');
  const refusesWrites = outcomes.some((outcome) => outcome.kind === 'refused' && outcome.code === 'MISCONF');
  return { triedCount: trials.length, lacking: told, unknownCount: trials.length - answered.length, refusesWrites };
};
