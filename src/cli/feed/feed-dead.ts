/** Owns `nika feed dead …`: what readers of the feed could not handle. */
import { type DeadChange, dropDead, readDead, type Retried, retryDead } from '../../ipc/feed/dead/dead-entries.ts';
import { NikaError } from '../../model/error.ts';
import type { Keys } from '../../redis/keys.ts';
import type { Link } from '../../redis/link.ts';
import { shortEntity } from '../bus/bus-line-view.ts';
import { formatDuration } from '../format.ts';
import { cell, renderTable } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { away, withFeed } from './feed-context.ts';

export interface FeedDeadFlags {
  readonly all?: true;
  readonly json?: true;
  readonly home?: string;
}

const jsonOf = ({ id, group, consumer, deliveries, error, entry, atMs, change, fields }: DeadChange) => ({
  id,
  group,
  consumer,
  deliveries,
  error,
  entry,
  at: new Date(atMs).toISOString(),
  event: change?.event ?? null,
  entity_id: change?.entity ?? null,
  event_id: change?.id ?? null,
  fields,
});

const load = async (link: Link, keys: Keys): Promise<readonly DeadChange[]> => {
  const dead = await readDead(link, keys);
  if (!dead.ok) throw away(dead.why);
  return dead.value;
};

const rowOf = ({ id, group, error, deliveries, atMs, change }: DeadChange): readonly string[] => [
  cell(id),
  cell(group),
  change === undefined ? 'no change' : cell(`${shortEntity(change.entity)} ${change.event}`),
  `${deliveries} times`,
  `${formatDuration(Math.max(0, Date.now() - atMs))} ago`,
  cell(error).slice(0, 200),
];

export const listDead = async (flags: FeedDeadFlags, terminal: Terminal): Promise<void> =>
  withFeed(flags.home, terminal, async (link, keys) => {
    const dead = await load(link, keys);
    if (flags.json === true) terminal.print(`${JSON.stringify(dead.map(jsonOf))}\n`);
    else if (dead.length === 0) terminal.print('Nothing: readers handled all that they were given.\n');
    else {
      const head = ['id', 'group', 'change', 'tried', 'given up', 'error'];
      terminal.print(renderTable([head, ...dead.map(rowOf)]));
    }
  });

/** Those that were named: by their id there, the id of the event, or what both begin with. */
const chosen = (dead: readonly DeadChange[], ids: readonly string[], isAll: boolean): readonly DeadChange[] => {
  if (isAll) return dead;
  if (ids.length === 0)
    throw new NikaError('NIKA_CLI_USAGE', 'which? Name ids of "nika feed dead list", or all of them by --all');
  return ids.map((id) => {
    const [found, other] = dead.filter((one) => one.id.startsWith(id) || one.change?.id.startsWith(id) === true);
    if (found !== undefined && other === undefined) return found;
    const why = found === undefined ? 'none of nika:feed:dead has that id' : 'several of nika:feed:dead begin so';
    throw new NikaError('NIKA_CLI_USAGE', `${id}: ${why}`, { remedy: 'See "nika feed dead list".' });
  });
};

const SAID: Readonly<Record<Retried, string>> = {
  handed: 'given to its group again: a reader takes it within 15 s',
  published: 'published again, since it is no longer on the feed',
  'group-gone': 'kept: its group is not there; one that is made begins at the start of the feed',
};

export const retryAll = async (ids: readonly string[], flags: FeedDeadFlags, terminal: Terminal): Promise<void> =>
  withFeed(flags.home, terminal, async (link, keys) => {
    const told: { readonly id: string; readonly outcome: Retried }[] = [];
    for (const dead of chosen(await load(link, keys), ids, flags.all === true)) {
      const retried = await retryDead(link, keys, dead);
      if (!retried.ok) throw away(retried.why);
      told.push({ id: dead.id, outcome: retried.value });
      if (flags.json !== true) terminal.print(`${cell(dead.id)}  ${SAID[retried.value]}\n`);
    }
    if (flags.json === true) terminal.print(`${JSON.stringify(told)}\n`);
    else if (told.length === 0) terminal.print('There is nothing to retry.\n');
  });

export const dropAll = async (ids: readonly string[], flags: FeedDeadFlags, terminal: Terminal): Promise<void> =>
  withFeed(flags.home, terminal, async (link, keys) => {
    const wanted = chosen(await load(link, keys), ids, flags.all === true).map(({ id }) => id);
    const dropped = await dropDead(link, keys, wanted);
    if (!dropped.ok) throw away(dropped.why);
    const { value: count } = dropped;
    if (flags.json === true) terminal.print(`${JSON.stringify({ dropped: count })}\n`);
    else terminal.print(`Dropped ${count} ${count === 1 ? 'entry' : 'entries'}. The bus keeps what happened.\n`);
  });
