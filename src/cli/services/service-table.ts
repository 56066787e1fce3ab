/** Owns `nika up --status`. */
import { resolveHome } from '../../config/home.ts';
import type { ServiceName } from '../../config/services/service-state.ts';
import { dataBytes, readServiceStatus, residentBytes, type ServiceStatus } from '../../services/service-status.ts';
import { formatBytes, formatDuration } from '../format.ts';
import { asCalled } from '../hint/called-as.ts';
import { renderTable } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { namedServices } from './named-services.ts';
import type { ServiceFlags } from './service-commands.ts';

const EXIT_FAILED = 1;
/** Longer than for others who look: that it does not answer is an error here, and the machine may be busy. */
const PATIENCE_MS = 2_000;

interface Shown {
  readonly name: ServiceName;
  readonly status: ServiceStatus;
  readonly rssBytes: number | undefined;
  readonly dataBytes: number;
}

const isAlive = ({ kind }: ServiceStatus): boolean => kind === 'running' || kind === 'loading' || kind === 'hung';

const jsonOf = ({ name, status, rssBytes, dataBytes }: Shown): Readonly<Record<string, unknown>> => {
  const common = { service: name, status: status.kind, data_bytes: dataBytes };
  if (status.kind === 'none') return common;
  const { url, port, process, program, started_at, ended_at, log } = status.state;
  return { ...common, url, port, pid: process.pid, memory_bytes: rssBytes ?? null, program, started_at, ended_at, log };
};

const wordOf = ({ kind }: ServiceStatus, { paint }: Terminal): string => {
  switch (kind) {
    case 'running':
      return paint('green', '● running');
    case 'loading':
      return paint('yellow', '● loading its data');
    case 'hung':
      return paint('red', '● does not answer');
    case 'died':
      return paint('red', '✗ died');
    case 'elsewhere':
      return paint('yellow', '? on another host');
    case 'stopped':
    case 'none':
      return paint('dim', '– not running');
  }
};

const rowOf = (shown: Shown, terminal: Terminal): readonly string[] => {
  const { name, status, rssBytes, dataBytes } = shown;
  const memory = rssBytes === undefined ? '' : formatBytes(rssBytes);
  const data = dataBytes === 0 ? '' : formatBytes(dataBytes);
  if (status.kind === 'none') return [name, wordOf(status, terminal), '', '', '', '', data];
  const { url, process, started_at } = status.state;
  if (!isAlive(status)) return [name, wordOf(status, terminal), '', '', '', '', data];
  const since = formatDuration(Math.max(0, Date.now() - Date.parse(started_at)));
  return [name, wordOf(status, terminal), url, String(process.pid), since, memory, data];
};

const adviceOf = ({ name, status }: Shown): readonly string[] => {
  switch (status.kind) {
    case 'died':
      return [
        `${name} is gone, and no "nika down" is noted; its log: ${status.state.log}\n  Start it again on its data: nika up`,
      ];
    case 'hung':
      return [`${name} lives and does not answer; its log: ${status.state.log}\n  Begin anew: nika down && nika up`];
    case 'elsewhere':
      return [`${name} was started by ${status.state.process.host}; only there can be seen whether it runs`];
    case 'none':
    case 'stopped':
    case 'loading':
    case 'running':
      return [];
  }
};

/** @throws {NikaError} what is wrong with the home */
export const showServices = async (flags: ServiceFlags, terminal: Terminal): Promise<void> => {
  const { env, cwd, print, paint } = terminal;
  const { runDir } = resolveHome({ flag: flags.home, env, cwd });
  const shown = await Promise.all(
    namedServices(flags).map(async (kind): Promise<Shown> => {
      const status = await readServiceStatus(kind, runDir, PATIENCE_MS);
      const rssBytes = status.kind !== 'none' && isAlive(status) ? residentBytes(status.state.process.pid) : undefined;
      return { name: kind.name, status, rssBytes, dataBytes: dataBytes(kind, runDir) };
    }),
  );
  if (shown.some(({ status: { kind } }) => kind === 'died' || kind === 'hung')) process.exitCode = EXIT_FAILED;
  if (flags.json === true) return print(`${JSON.stringify(shown.map(jsonOf))}\n`);
  const head = ['SERVICE', 'STATUS', 'URL', 'PID', 'AGE', 'MEMORY', 'DATA'].map((name) => paint('dim', name));
  print(renderTable([head, ...shown.map((one) => rowOf(one, terminal))]));
  for (const advice of shown.flatMap(adviceOf)) print(asCalled(terminal, `\n${advice}\n`));
};
