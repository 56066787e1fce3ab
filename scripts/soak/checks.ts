/** Owns what must be true after the soak, with all faults lifted and all pods ended; each check says what it found. */
import { join } from 'node:path';
import type { PodRecord } from '../../src/pod/registry/pod-record.ts';
import type { TestHome } from '../../test/nika.ts';
import { running, until } from '../../test/pods.ts';
import type { RedisServer } from '../../test/servers/redis.ts';
import type { Faults } from './faults.ts';
import { CALLS, type Fleet } from './fleet.ts';
import { type BusTruth, type DayCounts, readBusTruth, readCounts, readEvents, readFeed, type Told } from './truth.ts';

export interface Finding {
  readonly what: string;
  readonly isWell: boolean;
  readonly detail: string;
}

interface Soaked {
  readonly home: TestHome;
  readonly server: RedisServer;
  readonly fleet: Fleet;
  readonly faults: Faults;
}

/** Of a supervisor: what no other process shares. */
const MEMORY_MB = 120;
/** So long after a fault the way to Redis may still be coming back. */
const RECOVERY_MS = 5_000;
/** So long before its end a session must have been undisturbed, to have told all. */
const LAST_MS = 2_000;

const few = (list: readonly string[]): string => list.slice(0, 3).join('; ') + (list.length > 3 ? ' …' : '');
const finding = (what: string, wrong: readonly string[], detail: string): Finding => ({
  what,
  isWell: wrong.length === 0,
  detail: wrong.length === 0 ? detail : `${wrong.length} wrong: ${few(wrong)}`,
});

const checkPods = ({ sessions, killed, badStarts }: Fleet, { calls }: BusTruth): readonly Finding[] => {
  const whole = [...sessions.values()].filter(({ session }) => !killed.has(session));
  const ended = whole.filter(({ end }) => end?.status !== 'completed');
  const short = whole.filter(({ session }) => calls.get(session)?.length !== CALLS);
  // Some had said that they completed, and were about to go when they were killed.
  const isKnown = ({ session, end }: PodRecord): boolean =>
    end?.status === 'lost' || (end?.status === 'completed' && calls.get(session)?.length === CALLS);
  const lost = [...killed].filter((session) => {
    const record = sessions.get(session);
    return record === undefined || !isKnown(record);
  });
  const told = ({ session, entity, end }: PodRecord): string =>
    `${entity} ${end?.status ?? 'lives'} ${end?.error ?? ''} (${calls.get(session)?.length ?? 0} calls)`;
  return [
    finding('every start worked, in time', badStarts, `${sessions.size} pods`),
    finding('pods that were not killed completed', ended.map(told), `${whole.length} pods`),
    finding('all their calls are on the bus', short.map(told), `${whole.length * CALLS} calls`),
    finding('pods that were killed are known to be lost', lost, `${killed.size} pods`),
  ];
};

/** Per entity, in the order given. */
const byEntity = (list: readonly Told[]): ReadonlyMap<string, readonly string[]> => {
  const found = new Map<string, string[]>();
  for (const { id, entity } of list) found.set(entity, [...(found.get(entity) ?? []), id]);
  return found;
};

const checkFeed = async (server: RedisServer, { transitions }: BusTruth): Promise<readonly Finding[]> => {
  const { first, entries } = await readFeed(server);
  const there = new Set(first.map(({ id }) => id));
  const known = new Set(transitions.map(({ id }) => id));
  const missing = transitions.filter(({ id }) => !there.has(id)).map(({ id, entity }) => `${entity} ${id}`);
  const strange = first.filter(({ id }) => !known.has(id)).map(({ id }) => id);
  const wanted = byEntity(transitions.filter(({ id }) => there.has(id)));
  const order = byEntity(first.filter(({ id }) => known.has(id)));
  const unordered = [...wanted].filter(([entity, ids]) => order.get(entity)?.join() !== ids.join());
  const twice = entries - first.length;
  return [
    finding('every transition is on the feed', missing, `${transitions.length} transitions`),
    finding('nothing else is', strange, `${entries} entries, ${twice} of them a second time`),
    finding(
      'in order of each entity',
      unordered.map(([entity]) => entity),
      `${wanted.size} entities`,
    ),
  ];
};

/** Sessions that were undisturbed at their end, and ended after the last loss of data. */
const undisturbed = ({ fleet, faults }: Soaked): readonly PodRecord[] =>
  [...fleet.sessions.values()].filter(({ session, end }) => {
    if (end === null || fleet.killed.has(session)) return false;
    const endMs = Date.parse(end.at);
    const isHit = faults.windows.some(({ fromMs, toMs }) => fromMs < endMs && toMs + RECOVERY_MS > endMs - LAST_MS);
    return endMs > faults.lostAtMs && !isHit;
  });

const sumsOf = ({ bySession }: DayCounts): Readonly<Record<string, number>> => {
  const sums: Record<string, number> = {};
  for (const counts of bySession.values())
    for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count;
  return sums;
};

const checkCounts = async (soaked: Soaked, { calls }: BusTruth): Promise<readonly Finding[]> => {
  const { server, fleet } = soaked;
  const counts = await readCounts(server, 'agent:metrics');
  const ipc = await readCounts(server, 'nika:ipc:metrics');
  const unequal = [counts, ipc].flatMap((each) => {
    const sums = sumsOf(each);
    return Object.entries(each.sums).flatMap(([name, sum]) =>
      sums[name] === sum ? [] : [`${name} is ${sum}, the sessions' together ${sums[name] ?? 0}`],
    );
  });
  const over = [...counts.bySession].flatMap(([session, of]) =>
    (of['shell:calls'] ?? 0) > (calls.get(session)?.length ?? 0) ? [`${session}: ${of['shell:calls']}`] : [],
  );
  const wrong: string[] = [];
  const well = undisturbed(soaked);
  for (const { session, entity } of well) {
    const [made, told] = [calls.get(session) ?? [], counts.bySession.get(session)?.['shell:calls'] ?? 0];
    if (told !== made.length) wrong.push(`${entity}: ${told} of ${made.length} counted`);
    const events = await readEvents(server, session);
    if (events.join() !== made.toSorted().join()) wrong.push(`${entity}: ${events.length} of ${made.length} entries`);
  }
  const untold = [...fleet.sessions.values()].filter(
    ({ session, end }) =>
      end !== null &&
      !fleet.killed.has(session) &&
      Date.parse(end.at) > soaked.faults.lostAtMs &&
      (counts.bySession.get(session)?.['shell:calls'] ?? 0) !== (calls.get(session)?.length ?? 0),
  );
  return [
    finding('counters are the sum of what the sessions say', unequal, `${counts.bySession.size} sessions`),
    finding('no session counted more than it did', over, `${counts.sums['shell:calls'] ?? 0} calls counted`),
    finding('sessions undisturbed at their end: all counted, all entries there', wrong, `${well.length} sessions`),
    finding(
      '(told only) sessions that ended in a fault and could not tell their last calls',
      [],
      String(untold.length),
    ),
  ];
};

const checkRest = async ({ home, server, fleet }: Soaked): Promise<readonly Finding[]> => {
  const endless = await server.keysWithoutTtl();
  const { maxPrivateMb } = fleet;
  const isGone = await until('all processes to be gone', () => running(home.dir).length === 0).catch(() => false);
  const left = isGone ? [] : running(home.dir).map(String);
  const grown = maxPrivateMb > MEMORY_MB ? [`${maxPrivateMb.toFixed(0)} MB`] : [];
  return [
    finding('no key without a time to live', endless, `${await server.admin.dbsize()} keys`),
    finding(`no pod took more than ${MEMORY_MB} MB of its own`, grown, `at most ${maxPrivateMb.toFixed(0)} MB`),
    finding('no process is left', left, 'none'),
  ];
};

/** All faults are lifted, all pods have ended. */
export const check = async (soaked: Soaked): Promise<readonly Finding[]> => {
  const { fleet, home, server } = soaked;
  const first = await fleet.nika('reconcile', '--full', '--json');
  const again = await fleet.nika('reconcile', '--full', '--json');
  const verified = await fleet.nika('bus', 'verify');
  const bus = await readBusTruth(join(home.dir, '_bus'));
  const isQuiet = /"published": ?0\b/.test(again.text);
  return [
    ...checkPods(fleet, bus),
    finding('nika bus verify is clean', verified.code === 0 ? [] : [verified.text.slice(-600)], 'clean'),
    finding('nika reconcile works', first.code === 0 ? [] : [first.text], first.text.trim().replaceAll(/\s+/g, ' ')),
    finding('a second one has nothing to do', isQuiet ? [] : [again.text], 'nothing'),
    ...(await checkFeed(server, bus)),
    ...(await checkCounts(soaked, bus)),
    ...(await checkRest(soaked)),
  ];
};
