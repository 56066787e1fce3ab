/** Owns how an Alpha is shown to people. */
import type { AlphaRecord, RoleRecord } from '../../swarm/alpha/alpha-record.ts';
import { formatDuration, printable } from '../format.ts';
import { cell, renderTable } from '../table.ts';
import type { Terminal } from '../terminal.ts';

const ago = (iso: string | null): string =>
  iso === null ? '' : formatDuration(Math.max(0, Date.now() - Date.parse(iso)));

const standingOf = (role: RoleRecord, { paint }: Terminal): string => {
  const since = role.since === null ? '' : ` ${ago(role.since)}`;
  switch (role.standing) {
    case 'active':
      return `${paint('green', '● active')}${since}${role.by === 'home' ? ', for this home alone' : ''}`;
    case 'standby':
      return `${paint('yellow', '○ stands by')}${role.holder === null ? '' : `: ${cell(role.holder)} has it`}`;
    default:
      return paint('dim', role.standing);
  }
};

const followsOf = (role: RoleRecord, { paint }: Terminal): string => {
  if (role.follows === 'feed') return role.is_caught_up ? 'the feed' : 'the feed, catching up';
  if (role.follows === 'bus') return paint('yellow', `the bus, local only: ${cell(role.why ?? '')}`);
  return role.follows ?? '';
};

const rowOf = (name: string, role: RoleRecord, terminal: Terminal): readonly string[] => [
  name,
  standingOf(role, terminal),
  followsOf(role, terminal),
  String(role.from_feed),
  String(role.from_bus),
];

/** One sentence of what it does now. */
export const alphaSentence = ({ entity, process: by, has_home, roles }: AlphaRecord): string => {
  const who = `Alpha ${entity} (pid ${by.pid})`;
  if (!has_home) return `${who} stands by: another Alpha of this home is at work`;
  const { orchestrator: role } = roles;
  if (role.standing === 'standby')
    return `${who} stands by: ${printable(role.holder ?? 'another one')} leads the swarm`;
  if (role.follows === 'feed') return `${who} follows the feed`;
  if (role.follows === 'bus') return `${who} follows the bus of this home, local only: ${printable(role.why ?? '')}`;
  return `${who} starts`;
};

export const alphaTable = (record: AlphaRecord, terminal: Terminal): string => {
  const { paint } = terminal;
  const { roles, entities, stale_pods, failures, log } = record;
  const head = ['ROLE', 'STANDING', 'FOLLOWS', 'FROM FEED', 'FROM BUS'].map((name) => paint('dim', name));
  const counts = Object.entries(entities).map(([state, count]) => `${count} ${state}`);
  const stale = stale_pods === 0 ? [] : [paint('yellow', `${stale_pods} stale`)];
  const known = [...counts, ...stale].join(', ');
  const failed = Object.entries(failures).map(
    ([name, { count, why, at }]) =>
      `  ${paint('red', '✗')} ${cell(name)}: failed ${count} ${count === 1 ? 'time' : 'times'}, last ${ago(at)} ago: ${cell(why)}\n`,
  );
  return [
    `${alphaSentence(record)}, for ${ago(record.started_at)}\n`,
    record.has_home
      ? renderTable(
          [head, rowOf('orchestrator', roles.orchestrator, terminal), rowOf('monitor', roles.monitor, terminal)],
          2,
        )
      : '',
    known === '' ? '' : `  knows of ${known}\n`,
    ...failed,
    paint('dim', `  log: ${log}\n`),
  ].join('');
};
