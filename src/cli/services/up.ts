/** Owns what `nika up` does and says. */
import { loadSettings } from '../../config/settings.ts';
import { type Home, resolveHome } from '../../config/home.ts';
import type { ServiceName } from '../../config/services/service-state.ts';
import { leaveParentTree } from '../../pod/tree/cgroup.ts';
import { detachedEnv } from '../../pod/tree/tree-path.ts';
import { type StartOutcome, startService } from '../../services/start-service.ts';
import { formatDuration, printable } from '../format.ts';
import { asCalled } from '../hint/called-as.ts';
import { renderTable } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { isAnyNamed, namedServices, patiently } from './named-services.ts';
import type { ServiceFlags } from './service-commands.ts';

interface Started {
  readonly name: ServiceName;
  readonly outcome: StartOutcome;
}

const EXIT_FAILED = 1;

const jsonOf = ({ name, outcome }: Started): Readonly<Record<string, unknown>> => {
  switch (outcome.kind) {
    case 'started':
    case 'running': {
      const { url, port, process, program, started_at, log } = outcome.state;
      const common = { service: name, outcome: outcome.kind, url, port, pid: process.pid, program, started_at, log };
      return outcome.kind === 'started' ? { ...common, moved_from: outcome.movedFrom ?? null } : common;
    }
    case 'missing':
      return { service: name, outcome: outcome.kind, message: outcome.what, remedy: outcome.remedy };
    case 'failed': {
      const { what: message, remedy, logEnd, log } = outcome;
      return { service: name, outcome: outcome.kind, message, remedy, log, log_end: logEnd };
    }
  }
};

const rowOf = ({ name, outcome }: Started, { paint }: Terminal): readonly string[] | undefined => {
  if (outcome.kind !== 'started' && outcome.kind !== 'running') return undefined;
  const { url, process, started_at } = outcome.state;
  const since = formatDuration(Math.max(0, Date.now() - Date.parse(started_at)));
  const how = outcome.kind === 'started' ? `started in ${formatDuration(outcome.tookMs)}` : `ran already, for ${since}`;
  return [paint('green', '✓'), name, url, how, paint('dim', `pid ${process.pid}`)];
};

const tellTrouble = ({ name, outcome }: Started, isWanted: boolean, terminal: Terminal): void => {
  const { warn, paint } = terminal;
  if (outcome.kind === 'missing') {
    const mark = isWanted ? paint('red', 'nika:') : paint('dim', '–');
    warn(`${mark} ${name} was not started: ${outcome.what}`);
    warn(`  ${outcome.remedy}${isWanted ? paint('dim', ' [NIKA_SERVICE_MISSING]') : ''}`);
  }
  if (outcome.kind === 'failed') {
    warn(`${paint('red', 'nika:')} ${name} does not serve: ${outcome.what}`);
    for (const line of outcome.logEnd === '' ? [] : outcome.logEnd.split('\n'))
      warn(paint('dim', `  | ${printable(line)}`));
    if (outcome.log !== null) warn(`  Its log: ${outcome.log}`);
    warn(`  ${asCalled(terminal, outcome.remedy)} ${paint('dim', '[NIKA_SERVICE_FAILED]')}`);
  }
};

const tellOfMove = ({ name, outcome }: Started, { warn, paint }: Terminal): void => {
  if (outcome.kind !== 'started' || outcome.movedFrom === undefined) return;
  warn(
    `${paint('yellow', 'Note:')} port ${outcome.movedFrom} is another program's now: ${name} has a new port and a new secret; what still uses the old ones does not find it.`,
  );
};

/** Who was told where Redis is goes there, and not to the one that was started here. */
const tellOfOther = (started: readonly Started[], home: Home, { env, warn, paint }: Terminal): void => {
  const redis = started.find(({ name }) => name === 'redis')?.outcome;
  if (redis === undefined || (redis.kind !== 'started' && redis.kind !== 'running')) return;
  const target = loadSettings(home, env).redis;
  if (target.kind === 'on' && target.at.kind === 'tcp' && target.at.port === redis.state.port) return;
  const where = (env['NIKA_REDIS_URL'] ?? '') === '' ? 'config/nika.yaml names another Redis' : 'NIKA_REDIS_URL is set';
  warn(`${paint('yellow', 'Note:')} pods of this home do not use the Redis that runs here: ${where}.`);
};

/** @throws {NikaError} what is wrong with home or settings; before anything is started */
export const startServices = async (flags: ServiceFlags, terminal: Terminal): Promise<void> => {
  const { env, cwd, print } = terminal;
  const home = resolveHome({ flag: flags.home, env, cwd });
  loadSettings(home, env);
  leaveParentTree(); // called from within a pod, what is started here is not to end with that
  const started = await Promise.all(
    namedServices(flags).map(async (kind): Promise<Started> => {
      const options = { runDir: home.runDir, cwd, env, serviceEnv: detachedEnv(`service-${kind.name}`) };
      const outcome = await patiently(startService(kind, options), `waiting until ${kind.name} serves`, terminal);
      return { name: kind.name, outcome };
    }),
  );
  const rows = started.map((one) => rowOf(one, terminal)).filter((row) => row !== undefined);
  const isMissingWrong = isAnyNamed(flags) || rows.length === 0;
  const isWrong = started.some(({ outcome: { kind } }) => kind === 'failed' || (kind === 'missing' && isMissingWrong));
  if (isWrong) process.exitCode = EXIT_FAILED;
  if (flags.json === true) return print(`${JSON.stringify(started.map(jsonOf))}\n`);
  print(renderTable(rows));
  for (const one of started) tellTrouble(one, isMissingWrong, terminal);
  for (const one of started) tellOfMove(one, terminal);
  if (rows.length === 0) return;
  tellOfOther(started, home, terminal);
  print(asCalled(terminal, `\nHome: ${home.dir}\nEnd them with: nika down\n`));
};
