/**
 * Owns the check of Redis: whether it is there, and whether it is as nika needs it. ioredis is loaded only where one is
 * configured. Nothing that is told holds a password: what a server says comes through the link, which takes it out.
 */
import type { RedisTarget } from '../../config/redis/redis-settings.ts';
import type { CallOutcome } from '../../redis/call-outcome.ts';
import type { Link } from '../../redis/link.ts';
import { tryRights } from '../../redis/rights.ts';
import { counted, degraded, type Finding, info, ok, type Tell, wrong } from '../finding.ts';
import { type Check, homeOf, settingsOf } from '../place.ts';
import { readFirstWord } from './first-word.ts';
import { factFindings, noFacts, parseInfo } from './server-facts.ts';
import { unreachable } from './unreachable.ts';

const READY_MS = 800;
const FIRST_WORD_MS = 300;
const CALL_MS = 400;

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

const whyOf = (outcome: CallOutcome): string => (outcome.kind === 'done' ? '' : outcome.why);

const PINGS = 5;
const SLOW_MS = 50;

/** By the middle of five: the first one alone pays for what is not warm. `undefined`: it stopped answering. */
const medianPingMs = async (link: Link, signal: AbortSignal): Promise<number | undefined> => {
  const tookMs: number[] = [];
  const endMs = performance.now() + CALL_MS;
  while (tookMs.length < PINGS && (tookMs.length === 0 || performance.now() < endMs)) {
    const startMs = performance.now();
    const outcome = await link.call({ name: 'ping', args: [] }, { withinMs: CALL_MS }, signal);
    if (outcome.kind === 'unknown' || outcome.kind === 'unsent') return undefined;
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

const CLOCK_MS = 2000;

/** How far its clock is ahead of ours, in ms; the answer is taken to be from the middle of the round trip. */
const clockFinding = (outcome: CallOutcome, sentAtMs: number, gotAtMs: number): Finding | undefined => {
  if (outcome.kind !== 'done' || !Array.isArray(outcome.value)) return undefined; // the rights tell of it
  const [seconds, micros] = outcome.value.map(Number);
  const aheadMs = (seconds ?? 0) * 1000 + (micros ?? 0) / 1000 - (sentAtMs + gotAtMs) / 2;
  const apart = `${(Math.abs(aheadMs) / 1000).toFixed(1)} s`;
  if (Math.abs(aheadMs) <= CLOCK_MS) return ok('redis.clock', `its clock and ours are ${apart} apart`);
  const says = `its clock is ${apart} ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine's`;
  return degraded('redis.clock', says, 'Let both machines follow the same time (chrony, systemd-timesyncd).');
};

const checkRights = async (link: Link, target: RedisTarget, tell: Tell, signal: AbortSignal): Promise<void> => {
  const { lacking, triedCount, unknownCount } = await tryRights(link, target, { withinMs: CALL_MS }, signal);
  const commands = [...new Set(lacking.map(({ command }) => command))];
  if (unknownCount > 0)
    tell(
      degraded(
        'redis.rights',
        `of ${unknownCount} rights it is not known whether they are there: no answer`,
        'Ask again: nika doctor',
      ),
    );
  else if (commands.length === 0)
    tell(ok('redis.rights', `all that nika needs is allowed (${counted(triedCount, 'trial')})`));
  if (commands.length === 0) return;
  const keys = [...new Set(lacking.flatMap(({ keys: pattern }) => pattern ?? []))];
  const shown = commands.map((name) => name.replace('|', ' ').toUpperCase()).join(', ');
  const grant = [...keys, ...commands.map((name) => `+${name}`)].join(' ');
  const user = target.user ?? 'default';
  tell(wrong('redis.rights', `its user "${user}" may not run ${shown}`, `redis-cli ACL SETUSER ${user} ${grant}`));
};

const checkReady = async (link: Link, target: RedisTarget, tell: Tell, signal: AbortSignal): Promise<void> => {
  const sentAtMs = Date.now();
  const [facts, time] = await link.callAll(
    [
      { name: 'info', args: [] },
      { name: 'time', args: [] },
    ],
    { withinMs: CALL_MS },
    signal,
  );
  const clock = time && clockFinding(time, sentAtMs, Date.now());
  if (facts?.kind === 'done') for (const finding of factFindings(parseInfo(String(facts.value)))) tell(finding);
  else tell(noFacts(facts === undefined ? 'no answer' : whyOf(facts)));
  if (clock !== undefined) tell(clock);
  const ms = await medianPingMs(link, signal);
  if (ms === undefined) return tell(unreachable(whereOf(target), `it stopped answering (${CALL_MS} ms)`));
  tell(latencyFinding(ms));
  await checkRights(link, target, tell, signal);
};

const whyNotReady = async ({ status }: Link, { at }: RedisTarget): Promise<string> => {
  const why = status.kind === 'down' ? status.why : `not connected within ${READY_MS} ms`;
  if (status.kind === 'down' && !why.startsWith('connected, but not ready')) return why;
  const word = await readFirstWord(at, FIRST_WORD_MS);
  if (word === undefined) return why.startsWith('connected') ? 'it takes the connection and does not answer' : why;
  return word.startsWith('-LOADING') ? word.slice(1) : why;
};

const checkTarget = async (target: RedisTarget, tell: Tell): Promise<void> => {
  const { openWriter } = await import('../../redis/link.ts');
  await using link = await openWriter(target);
  const where = whereOf(target);
  const giveUp = AbortSignal.timeout(2 * READY_MS);
  if (!(await link.untilReady(READY_MS))) return tell(unreachable(where, await whyNotReady(link, target)));
  tell(ok('redis.reach', where));
  await checkReady(link, target, tell, giveUp);
};

export const checkRedis: Check = async (place) => {
  const home = homeOf(place);
  const settings = home && settingsOf(place, home);
  if (settings === undefined) return place.tell(info('redis.reach', 'not looked at: the settings must be valid first'));
  if (settings.redis.kind === 'on') return checkTarget(settings.redis, place.tell);
  const remedy = 'To see pods in real time, on other machines too: NIKA_REDIS_URL=redis://host:port, or redis.url.';
  place.tell(info('redis.reach', 'not configured: the bus alone is written, and lacks nothing', remedy));
};
