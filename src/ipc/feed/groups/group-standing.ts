/** Owns how the groups of the feed stand: who reads, what is pending, how far they lag. */
import type { CallOutcome } from '../../../redis/call-outcome.ts';
import type { Key } from '../../../redis/keys.ts';
import type { Link } from '../../../redis/link.ts';
import { fieldsIn, type Logged } from '../log/feed-log.ts';

export interface ConsumerStanding {
  readonly name: string;
  readonly pendingCount: number;
  /** Since it last asked for anything. */
  readonly idleMs: number;
}

export interface GroupStanding {
  /** As Redis has it: `cg:…`. */
  readonly group: string;
  readonly consumers: readonly ConsumerStanding[];
  /** Given to a consumer and not acknowledged. */
  readonly pendingCount: number;
  /** Since the oldest of them came onto the feed; `undefined`: none is pending. */
  readonly oldestPendingMs: number | undefined;
  /** Not given to anybody yet; `undefined`: Redis cannot say (before version 7, or after entries were deleted). */
  readonly lagCount: number | undefined;
}

export interface FeedStanding {
  readonly entryCount: number;
  readonly groups: readonly GroupStanding[];
}

const CALL_MS = 3_000;

type Row = Readonly<Record<string, string>>;

const rowsIn = (value: unknown): readonly Row[] =>
  Array.isArray(value) ? (value as readonly (readonly string[])[]).map((list) => fieldsIn(list)) : [];

const isMissing = (outcome: CallOutcome | undefined): boolean =>
  outcome?.kind === 'refused' && /no such key|NOGROUP/i.test(outcome.why);

/** Empty: Redis cannot say. */
const numberIn = (row: Row, name: string): number | undefined => {
  const text = row[name] ?? '';
  return text === '' ? undefined : Number(text);
};

const msOf = (time: unknown): number => Number((time as readonly string[])[0]) * 1000;

const groupOf = (row: Row, consumers: unknown, pending: unknown, nowMs: number): GroupStanding => {
  const [, oldest] = (pending ?? []) as readonly unknown[];
  return {
    group: row['name'] ?? '',
    consumers: rowsIn(consumers).map((one) => ({
      name: one['name'] ?? '',
      pendingCount: numberIn(one, 'pending') ?? 0,
      idleMs: numberIn(one, 'idle') ?? 0,
    })),
    pendingCount: numberIn(row, 'pending') ?? 0,
    oldestPendingMs: typeof oldest === 'string' ? Math.max(0, nowMs - Number(oldest.split('-')[0])) : undefined,
    lagCount: numberIn(row, 'lag'),
  };
};

/** Never rejects. */
export const readFeedStanding = async (link: Link, feed: Key, signal?: AbortSignal): Promise<Logged<FeedStanding>> => {
  const first = [
    { name: 'time', args: [] },
    { name: 'xlen', args: [feed.name] },
    { name: 'xinfo', args: ['GROUPS', feed.name] },
  ];
  const [time, length, groups] = await link.callAll(first, { withinMs: CALL_MS }, signal);
  if (isMissing(groups)) return { ok: true, value: { entryCount: 0, groups: [] } };
  for (const outcome of [time, length, groups])
    if (outcome?.kind !== 'done') return { ok: false, why: outcome?.why ?? '' };
  const done = (outcome: CallOutcome | undefined): unknown => (outcome?.kind === 'done' ? outcome.value : undefined);
  const rows = rowsIn(done(groups));
  const more = rows.flatMap(({ name = '' }) => [
    { name: 'xinfo', args: ['CONSUMERS', feed.name, name] },
    { name: 'xpending', args: [feed.name, name] },
  ]);
  const answers = more.length === 0 ? [] : await link.callAll(more, { withinMs: CALL_MS }, signal);
  const nowMs = msOf(done(time));
  const standings = rows.map((row, at) => groupOf(row, done(answers[2 * at]), done(answers[2 * at + 1]), nowMs));
  return { ok: true, value: { entryCount: Number(done(length)), groups: standings } };
};
