/**
 * Owns what people do with entries that could not be handled (`nika:feed:dead`): look at them, have them handled once more,
 * throw them away.
 *
 * D1. To have one handled again it is handed to its group alone, as pending of a consumer that is long gone: whoever reads
 *     for the group takes it over. Only where it is gone from the feed is it published again, for all: the others know its id.
 * D2. It leaves `nika:feed:dead` after that: whoever is killed in between has it handled twice at most, never not at all.
 */
import type { Keys } from '../../../redis/keys.ts';
import type { Link } from '../../../redis/link.ts';
import { publish } from '../../../redis/scripts/publish.lua.ts';
import { runScript } from '../../../redis/scripts/script.ts';
import { type FeedChange, parseFeedChange } from '../feed-change.ts';
import { entriesIn, fieldsIn, type Logged } from '../log/feed-log.ts';

export interface DeadChange {
  /** In `nika:feed:dead`. */
  readonly id: string;
  readonly group: string;
  readonly consumer: string;
  readonly deliveries: number;
  readonly error: string;
  /** Its id on the feed. */
  readonly entry: string;
  /** When it was given up, by Redis's clock. */
  readonly atMs: number;
  /** `undefined`: what stands there is no change. */
  readonly change: FeedChange | undefined;
  readonly fields: Readonly<Record<string, string>>;
}

/** How it was given again; `group-gone`: its group is not there, so nobody was told, and it stays. */
export type Retried = 'handed' | 'published' | 'group-gone';

/** Of nobody: what it holds is taken over at the next look, within half of what a reader waits for others. */
export const RETRY_CONSUMER = 'nika-retry';
const LONG_AGO_MS = 24 * 60 * 60 * 1000;
const CALL_MS = 3_000;
const STORY: readonly string[] = ['group', 'entry', 'consumer', 'deliveries', 'error'];

const deadOf = ([id, list]: readonly [string, readonly string[]]): DeadChange => {
  const all = fieldsIn(list);
  const fields = Object.fromEntries(Object.entries(all).filter(([name]) => !STORY.includes(name)));
  return {
    id,
    group: all['group'] ?? '',
    consumer: all['consumer'] ?? '',
    deliveries: Number(all['deliveries'] ?? 0),
    error: all['error'] ?? '',
    entry: all['entry'] ?? '',
    atMs: Number(id.split('-')[0]),
    change: parseFeedChange(fields),
    fields,
  };
};

/** All of them, the oldest first. Never rejects. */
export const readDead = async (link: Link, { deadFeed }: Keys): Promise<Logged<readonly DeadChange[]>> => {
  const command = { name: 'xrange', args: [deadFeed.name, '-', '+'] };
  const outcome = await link.call(command, { withinMs: CALL_MS });
  if (outcome.kind !== 'done') return { ok: false, why: outcome.why };
  return { ok: true, value: entriesIn(outcome.value).map(deadOf) };
};

/** How many were there. Never rejects. */
export const dropDead = async (link: Link, { deadFeed }: Keys, ids: readonly string[]): Promise<Logged<number>> => {
  if (ids.length === 0) return { ok: true, value: 0 };
  const outcome = await link.call({ name: 'xdel', args: [deadFeed.name, ...ids] }, { withinMs: CALL_MS });
  return outcome.kind === 'done' ? { ok: true, value: Number(outcome.value) } : { ok: false, why: outcome.why };
};

const publishAgain = async (link: Link, keys: Keys, { fields }: DeadChange): Promise<Logged<Retried>> => {
  const { id = '', ...others } = fields;
  const call = publish({ key: keys.feed, events: [{ id, fields: others }], afterId: undefined, isAgain: false });
  const outcome = await runScript(link, call, { withinMs: CALL_MS });
  return outcome.kind === 'done' ? { ok: true, value: 'published' } : { ok: false, why: outcome.why };
};

const handOver = async (link: Link, keys: Keys, dead: DeadChange): Promise<Logged<Retried>> => {
  const { group, entry } = dead;
  const how = ['IDLE', LONG_AGO_MS, 'RETRYCOUNT', 0, 'FORCE', 'JUSTID'];
  const command = { name: 'xclaim', args: [keys.feed.name, group, RETRY_CONSUMER, 0, entry, ...how] };
  const outcome = await link.call(command, { withinMs: CALL_MS });
  if (outcome.kind === 'refused' && outcome.code === 'NOGROUP') return { ok: true, value: 'group-gone' };
  if (outcome.kind !== 'done') return { ok: false, why: outcome.why };
  const isThere = Array.isArray(outcome.value) && outcome.value.length > 0;
  return isThere ? { ok: true, value: 'handed' } : publishAgain(link, keys, dead);
};

/** D1, D2. Never rejects. */
export const retryDead = async (link: Link, keys: Keys, dead: DeadChange): Promise<Logged<Retried>> => {
  const retried = await handOver(link, keys, dead);
  if (!retried.ok || retried.value === 'group-gone') return retried;
  const dropped = await dropDead(link, keys, [dead.id]);
  return dropped.ok ? retried : dropped;
};
