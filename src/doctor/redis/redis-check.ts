/**
 * Owns the check of Redis: whether it is there, and whether it is as nika needs it. ioredis is loaded only where one is
 * configured. Nothing that is told holds a password: what a server says comes through the link, which takes it out.
 */
import type { RedisTarget } from '../../config/redis/redis-settings.ts';
import type { Link } from '../../redis/link.ts';
import { type LackingRight, tryRights } from '../../redis/rights.ts';
import { counted, degraded, type Finding, info, ok, type Tell, wrong } from '../finding.ts';
import { type Check, homeOf, settingsOf } from '../place.ts';
import { hasDied } from '../../config/services/service-state.ts';
import { readFirstWord } from './first-word.ts';
import { clockFinding, factFindings, isReadOnly, noFacts, parseInfo, saveFinding } from './server-facts.ts';
import { isTelling, NO_REDIS, unreachable } from './unreachable.ts';

const READY_MS = 900;
/** A healthy one is ready by then. */
const SOON_MS = 300;
const CALL_MS = 500;

/** Where it is, without user and password. */
const whereOf = ({ at, tls, db }: RedisTarget): string => {
  const hosts = (list: readonly { readonly host: string; readonly port: number }[]): string =>
    list.map(({ host, port }) => `${host}:${port}`).join(', ');
  const database = db === 0 ? '' : `, database ${db}`;
  switch (at.kind) {
    case 'tcp':
      return `${tls === undefined ? 'redis' : 'rediss'}://${at.host}:${at.port}${database}`;
    case 'unix':
      return `unix://${at.path}${database}`;
    case 'sentinel':
      return `${at.name} of the Sentinels ${hosts(at.sentinels)}${database}`;
    case 'cluster':
      return `the Cluster of ${hosts(at.nodes)}`;
  }
};

const PINGS = 5;
const SLOW_MS = 50;

/** By the middle of five: the first one alone pays for what is not warm. `undefined`: not even one was answered. */
const medianPingMs = async (link: Link, signal: AbortSignal): Promise<number | undefined> => {
  const tookMs: number[] = [];
  while (tookMs.length < PINGS) {
    const startMs = performance.now();
    const outcome = await link.call({ name: 'ping', args: [] }, { withinMs: CALL_MS }, signal);
    if (outcome.kind === 'unknown' || outcome.kind === 'unsent') break;
    tookMs.push(performance.now() - startMs);
  }
  return tookMs.sort((a, b) => a - b)[Math.floor(tookMs.length / 2)];
};

const latencyFinding = (ms: number): Finding => {
  const says = `answers within ${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms (median of PING)`;
  if (ms < SLOW_MS) return ok('redis.latency', says);
  return degraded(
    'redis.latency',
    says,
    'No tool call waits for it; the live view does. A Redis nearer to the pods is faster.',
  );
};

/** Where the keys are what is denied, granting each command would not help. */
const rightsFinding = (lacking: readonly LackingRight[], user: string): Finding => {
  const keys = [...new Set(lacking.flatMap(({ keys: pattern }) => pattern ?? []))];
  const deniedKeys = [...new Set(lacking.flatMap(({ keys: pattern, isByKey }) => (isByKey && pattern) || []))];
  const commands = [...new Set(lacking.filter(({ isByKey }) => !isByKey).map(({ command }) => command))];
  const shown = commands.map((name) => name.replace('|', ' ').toUpperCase()).join(', ');
  const says = [
    ...(deniedKeys.length === 0 ? [] : [`may not use the keys of nika (${deniedKeys.join(' ')})`]),
    ...(commands.length === 0 ? [] : [`may not run ${shown}`]),
  ].join(', and ');
  const grant = [...keys, ...commands.map((name) => `+${name}`)].join(' ');
  return wrong('redis.rights', `its user "${user}" ${says}`, `redis-cli ACL SETUSER ${user} ${grant}`);
};

/** Whether all writes are refused, whatever the rights. */
const checkRights = async (link: Link, target: RedisTarget, tell: Tell, signal: AbortSignal): Promise<boolean> => {
  const rights = await tryRights(link, target, { withinMs: CALL_MS }, signal);
  const { lacking, triedCount, unknownCount, refusesWrites } = rights;
  if (unknownCount > 0)
    tell(
      degraded(
        'redis.rights',
        `of ${unknownCount} rights it is not known whether they are there: no answer`,
        'Ask again: nika doctor',
      ),
    );
  else if (lacking.length === 0)
    tell(ok('redis.rights', `all that nika needs is allowed (${counted(triedCount, 'trial')})`));
  if (lacking.length > 0) tell(rightsFinding(lacking, target.user ?? 'default'));
  return refusesWrites;
};

/** What it says of itself; empty: it does not. */
const checkFacts = async (link: Link, tell: Tell, signal: AbortSignal): Promise<ReadonlyMap<string, string>> => {
  const sentAtMs = Date.now();
  const commands = ['time', 'info'].map((name) => ({ name, args: [] }));
  const [time, told] = await link.callAll(commands, { withinMs: CALL_MS }, signal);
  const gotAtMs = Date.now();
  if (time?.kind === 'done') tell(clockFinding(time.value, (sentAtMs + gotAtMs) / 2)); // else the rights tell of it
  if (told?.kind !== 'done') {
    tell(noFacts(told === undefined ? 'no answer' : told.why));
    return new Map();
  }
  const facts = parseInfo(String(told.value));
  for (const finding of factFindings(facts)) tell(finding);
  return facts;
};

const checkLatency = async (link: Link, target: RedisTarget, tell: Tell, signal: AbortSignal): Promise<void> => {
  const ms = await medianPingMs(link, signal);
  tell(ms === undefined ? unreachable(whereOf(target), `no answer within ${CALL_MS} ms`) : latencyFinding(ms));
};

/** At once, as far as can be: over a slow line one after the other would take too long. */
const checkReady = async (link: Link, target: RedisTarget, tell: Tell): Promise<void> => {
  const signal = AbortSignal.timeout(CALL_MS);
  const [facts] = await Promise.all([checkFacts(link, tell, signal), checkLatency(link, target, tell, signal)]);
  // A link whose server says READONLY connects anew, and so nothing more would be learnt.
  const isTried = !isReadOnly(facts) && link.status.kind === 'ready';
  const refusesWrites = isTried && (await checkRights(link, target, tell, AbortSignal.timeout(CALL_MS)));
  const save = saveFinding(facts, refusesWrites);
  if (save !== undefined) tell(save);
};

/** Where the link's own reason does not tell enough, the server's first word may. */
const whyNotReady = ({ status }: Link, word: string | undefined): string => {
  const why = status.kind === 'down' ? status.why : `not connected within ${READY_MS} ms`;
  if (isTelling(why)) return why;
  if (word === undefined) return why.startsWith('connected') ? 'it takes the connection and does not answer' : why;
  if (!/^[+-]/.test(word)) return NO_REDIS;
  return word.startsWith('-LOADING') ? word.slice(1) : why;
};

const checkTarget = async (target: RedisTarget, tell: Tell): Promise<void> => {
  const { openWriter } = await import('../../redis/link.ts');
  await using link = await openWriter(target);
  const where = whereOf(target);
  if (!(await link.untilReady(SOON_MS))) {
    const { status } = link;
    if (status.kind === 'down' && isTelling(status.why)) return tell(unreachable(where, status.why));
    const word = readFirstWord(target.at, READY_MS); // while it loads it is slow to say so
    if (!(await link.untilReady(READY_MS - SOON_MS))) return tell(unreachable(where, whyNotReady(link, await word)));
  }
  tell(ok('redis.reach', where));
  await checkReady(link, target, tell);
};

export const checkRedis: Check = async (place) => {
  const home = homeOf(place);
  const settings = home && settingsOf(place, home);
  if (settings === undefined) return place.tell(info('redis.reach', 'not looked at: the settings must be valid first'));
  if (settings.redis.kind === 'on') return checkTarget(settings.redis, place.tell);
  if (home !== undefined && hasDied(home.runDir, 'redis')) {
    const says = 'the Redis that "nika up" started for this home is gone: pods write the bus alone';
    return place.tell(wrong('redis.reach', says, 'Start it again, with its data: nika up --redis'));
  }
  const remedy =
    'To see pods in real time: nika up --redis, or NIKA_REDIS_URL=redis://host:port for one on any machine.';
  place.tell(info('redis.reach', 'not configured: the bus alone is written, and lacks nothing', remedy));
};
