/** Owns what a Redis says of itself by INFO, and what of it is a finding. Pure. */
import { degraded, type Finding, info, memoryText, ok, wrong } from '../finding.ts';

/** `redis_version:7.0.15` … as a map; comments and empty lines are passed over. */
export const parseInfo = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text.split(/\r?\n/).flatMap((line): [string, string][] => {
      const colon = line.indexOf(':');
      return line.startsWith('#') || colon === -1 ? [] : [[line.slice(0, colon), line.slice(colon + 1)]];
    }),
  );

type Facts = ReadonlyMap<string, string>;

const NEEDED = [6, 2] as const;

const versionFinding = (facts: Facts): Finding => {
  const valkey = facts.get('valkey_version');
  const version = facts.get('redis_version') ?? '';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const name = valkey === undefined ? `Redis ${version}` : `Valkey ${valkey}`;
  const isEnough = major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1]);
  if (isEnough) return ok('redis.version', name);
  return wrong('redis.version', `${name} is too old`, `Install Redis ${NEEDED.join('.')} or later, or Valkey.`);
};

const NEAR_PERCENT = 85;

const memoryFinding = (facts: Facts): Finding => {
  const used = Number(facts.get('used_memory') ?? 0);
  const max = Number(facts.get('maxmemory') ?? 0);
  const total = Number(facts.get('total_system_memory') ?? 0);
  const limit = max > 0 ? max : total;
  const of = max > 0 ? `maxmemory, ${memoryText(max)}` : `the memory of its machine, ${memoryText(total)}`;
  const percent = limit > 0 ? (used / limit) * 100 : 0;
  if (limit === 0) return ok('redis.memory', `${memoryText(used)} used`);
  const says = `${memoryText(used)} used, ${percent.toFixed(percent < 10 ? 1 : 0)} % of ${of}`;
  const remedy =
    'Raise maxmemory, or find what else fills it: redis-cli --bigkeys. nika itself keeps nothing for ever.';
  if (max > 0 && percent >= 100) return wrong('redis.memory', `${says}: it refuses to take more`, remedy);
  return percent >= NEAR_PERCENT ? degraded('redis.memory', says, remedy) : ok('redis.memory', says);
};

/** Every key of nika has a time to live, so `volatile-…` picks them as `allkeys-…` does. */
const policyFinding = (facts: Facts): Finding | undefined => {
  const policy = facts.get('maxmemory_policy');
  if (policy === undefined) return undefined;
  if (policy === 'noeviction')
    return ok('redis.policy', 'maxmemory-policy noeviction: what is written stays until its time');
  const yet = Number(facts.get('maxmemory') ?? 0) > 0 ? '' : ' (not before a maxmemory is set, and none is)';
  const says = `maxmemory-policy ${policy} drops keys of nika, whole streams too, when memory is full${yet}`;
  return degraded('redis.policy', says, 'redis-cli CONFIG SET maxmemory-policy noeviction, and the same in redis.conf');
};

export const isReadOnly = (facts: Facts): boolean =>
  facts.get('role') === 'slave' && facts.get('slave_read_only') !== '0';

const roleFinding = (facts: Facts): Finding | undefined => {
  if (facts.get('role') !== 'slave') return undefined;
  const master = `${facts.get('master_host') ?? '?'}:${facts.get('master_port') ?? '?'}`;
  const remedy = `Name the primary in redis.url (it is ${master}), or Sentinels, which know it.`;
  if (!isReadOnly(facts))
    return degraded('redis.role', `it is a replica of ${master}: what is written there goes at the next sync`, remedy);
  return wrong('redis.role', `it is a read-only replica of ${master}: nothing can be written (READONLY)`, remedy);
};

const isAofBroken = (facts: Facts): boolean =>
  facts.get('aof_enabled') !== '0' && facts.get('aof_last_write_status') === 'err';

/** `refusesWrites`: as a trial has shown; INFO does not tell whether stop-writes-on-bgsave-error is on. */
export const saveFinding = (facts: Facts, refusesWrites: boolean): Finding | undefined => {
  const isAof = isAofBroken(facts);
  if (isAof || refusesWrites) {
    const what = isAof ? 'append to its file (appendonly)' : 'save its snapshot (stop-writes-on-bgsave-error)';
    const remedy =
      'Make room on its disk, or see in the log of Redis why; it takes writes again once it can save: redis-cli BGSAVE. Pods lose nothing meanwhile: the bus has it all.';
    return wrong('redis.save', `it refuses all writes (MISCONF): it could not ${what}`, remedy);
  }
  if (facts.get('rdb_last_bgsave_status') !== 'err') return undefined;
  const remedy = 'Make room on its disk, or see in the log of Redis why. Until then a restart of it loses data.';
  return degraded('redis.save', 'it could not save its snapshot the last time; it takes writes all the same', remedy);
};

export const factFindings = (facts: Facts): readonly Finding[] =>
  [versionFinding(facts), roleFinding(facts), memoryFinding(facts), policyFinding(facts)].filter(
    (finding) => finding !== undefined,
  );

export const noFacts = (why: string): Finding =>
  info('redis.version', `version, memory and role are not known: ${why}`, 'Grant INFO: redis-cli ACL SETUSER … +info');

const CLOCK_MS = 2000;

/** `time`: what TIME answered, in the middle of the round trip by our clock. */
export const clockFinding = (time: unknown, ourMs: number): Finding => {
  const [seconds = NaN, micros = 0] = Array.isArray(time) ? time.map(Number) : [];
  const aheadMs = seconds * 1000 + micros / 1000 - ourMs;
  const apart = `${(Math.abs(aheadMs) / 1000).toFixed(1)} s`;
  if (Math.abs(aheadMs) <= CLOCK_MS) return ok('redis.clock', `its clock and ours are ${apart} apart`);
  const says = `its clock is ${apart} ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine's`;
  return degraded('redis.clock', says, 'Let both machines follow the same time (chrony, systemd-timesyncd).');
};
