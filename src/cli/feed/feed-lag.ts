/** Owns `nika feed lag`: who reads the feed, and how far behind they are. */
import { type FeedStanding, type GroupStanding, readFeedStanding } from '../../ipc/feed/groups/group-standing.ts';
import { formatDuration } from '../format.ts';
import { cell, renderTable } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { away, withFeed } from './feed-context.ts';

export interface FeedLagFlags {
  readonly json?: true;
  readonly home?: string;
}

const jsonOf = ({ entryCount, groups }: FeedStanding): string =>
  JSON.stringify({
    entries: entryCount,
    groups: groups.map(({ group, consumers, pendingCount, oldestPendingMs, lagCount }) => ({
      group,
      lag: lagCount ?? null,
      pending: pendingCount,
      oldest_pending_ms: oldestPendingMs ?? null,
      consumers: consumers.map(({ name, pendingCount: pending, idleMs }) => ({ name, pending, idle_ms: idleMs })),
    })),
  });

const rowsOf = ({ group, consumers, pendingCount, oldestPendingMs, lagCount }: GroupStanding): readonly string[][] => [
  [
    cell(group),
    lagCount === undefined ? 'unknown' : String(lagCount),
    String(pendingCount),
    oldestPendingMs === undefined ? '' : formatDuration(oldestPendingMs),
    consumers.length === 0 ? 'nobody reads' : '',
  ],
  ...consumers.map(({ name, pendingCount: pending, idleMs }) => [
    `  ${cell(name)}`,
    '',
    String(pending),
    '',
    `last asked ${formatDuration(idleMs)} ago`,
  ]),
];

const UNKNOWN =
  'Redis cannot say how far a group lags: it is older than version 7, or entries were deleted behind the group.';

export const feedLag = async (flags: FeedLagFlags, terminal: Terminal): Promise<void> =>
  withFeed(flags.home, terminal, async (link, { feed }) => {
    const standing = await readFeedStanding(link, feed);
    if (!standing.ok) throw away(standing.why);
    const { entryCount, groups } = standing.value;
    if (flags.json === true) {
      terminal.print(`${jsonOf(standing.value)}\n`);
      return;
    }
    terminal.print(`${entryCount.toLocaleString('en-US')} entries of the last 24 hours on ${feed.name}\n`);
    if (groups.length === 0) {
      terminal.print('No group reads it.\n');
      return;
    }
    const head = ['group', 'lag', 'pending', 'oldest', ''];
    terminal.print(renderTable([head, ...groups.flatMap(rowsOf)]));
    if (groups.some(({ lagCount }) => lagCount === undefined)) terminal.warn(UNKNOWN);
  });
