/** Owns how tests start local services in a home of their own, look at them, and leave none behind. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { resolveHome } from '../src/config/home.ts';
import { readServiceState, type ServiceName, type ServiceState } from '../src/config/services/service-state.ts';
import { loadSettings, type Settings } from '../src/config/settings.ts';
import { type Ended, TestHome } from './nika.ts';

const textOf = (path: string): string => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // gone meanwhile
  }
};

const folderOf = (pid: string): string => {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
};

export class ServiceHome implements AsyncDisposable {
  readonly home = new TestHome();
  readonly runDir: string = join(this.home.dir, 'run');

  async nika(...args: readonly string[]): Promise<Ended> {
    return this.home.nika(...args);
  }

  /** What `nika … --json` says of one service. */
  async json(...args: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
    const { stdout } = await this.nika(...args, '--json');
    return (JSON.parse(stdout) as readonly Readonly<Record<string, unknown>>[])[0] ?? {};
  }

  /** @throws there is no note */
  state(name: ServiceName): ServiceState {
    const state = readServiceState(this.runDir, name);
    if (state === undefined) throw new Error(`no note of ${name}`);
    return state;
  }

  secret(name: ServiceName): string {
    return readFileSync(join(this.runDir, 'services', name, 'secret'), 'utf8').trim();
  }

  settings(env: Readonly<Record<string, string>> = {}): Settings {
    return loadSettings(resolveHome({ flag: this.home.dir, env, cwd: this.home.cwd }), env);
  }

  /** Pids of what works on the data of a service here, by the system's word. */
  servers(name: ServiceName): readonly number[] {
    const dataDir = join(this.runDir, 'services', name, 'data');
    return readdirSync('/proc')
      .filter((pid) => /^\d+$/.test(pid) && folderOf(pid) === dataDir)
      .map(Number);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of ['redis', 'qdrant'] as const) for (const pid of this.servers(name)) process.kill(pid, 'SIGKILL');
    this.home[Symbol.dispose]();
  }
}

const socketsOf = (pid: number): readonly string[] =>
  readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
    } catch {
      return []; // closed meanwhile
    }
  });

/** All that a process listens on by TCP, as `address:port`, the address as the hex of /proc/net/tcp. */
export const listeningOf = (pid: number): readonly string[] => {
  const own = new Set(socketsOf(pid));
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) =>
    textOf(path)
      .split('\n')
      .flatMap((line) => {
        const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
        const [address = '', port = ''] = local.split(':');
        return state === '0A' && own.has(inode) ? [`${address}:${Number.parseInt(port, 16)}`] : [];
      }),
  );
};

/** What any process shows to whoever asks the system: arguments and environment of all. */
export const shownByProcesses = (): string =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => `${textOf(`/proc/${pid}/cmdline`)} ${textOf(`/proc/${pid}/environ`)}`)
    .join('\n');
