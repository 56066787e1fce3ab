/**
 * Owns the process of a service: its port, what it is given, and the note that is written of it.
 *
 * U2. It listens on 127.0.0.1 alone, and serves nobody without the secret; the secret is in files that are 0600, and
 *     neither in arguments, environment, notes nor messages.
 * U3. Its note is written in the same turn in which it was started: whatever ends this command, `nika down` finds it.
 * U4. It comes back at the same port with the same secret where it can, so that pods that live find it again (G4).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import type { ServiceState } from '../config/services/service-state.ts';
import { startTicksOf, thisProcess } from '../failopen/process-identity.ts';
import type { Secret } from '../model/secret.ts';
import {
  dataDirOf,
  logPathOf,
  openServiceLog,
  settleSecret,
  writeServiceConfig,
  writeServiceState,
} from './service-files.ts';
import type { ServiceKind, Surroundings } from './service-kind.ts';

export interface StartOptions extends Surroundings {
  readonly runDir: string;
  /** For the service, besides what it is passed of the caller's. */
  readonly serviceEnv: Readonly<Record<string, string>>;
}

export interface Launched {
  readonly state: ServiceState;
  readonly secret: Secret;
  readonly child: ChildProcess;
  /** Size of its log before it. */
  readonly logBytes: number;
}

/** Below those that the system gives to outgoing connections, so that none takes it while the service is down. */
const PORTS = { from: 15_000, count: 17_000 };
/** All that a service gets of the caller's environment: keys and passwords of others are not its business. */
const PASSED = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH'] as const;

const isFree = async (port: number): Promise<boolean> => {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<boolean>();
  server.once('error', () => resolve(false));
  server.listen(port, '127.0.0.1', () => resolve(true));
  if (!(await promise)) return false;
  server.close();
  await once(server, 'close');
  return true;
};

/** U4 */
const choosePort = async (before: number | undefined): Promise<number> => {
  for (let port = before; ; port = PORTS.from + Math.floor(Math.random() * PORTS.count)) {
    if (port !== undefined && (await isFree(port))) return port;
  }
};

const environment = (kind: ServiceKind, { env, serviceEnv }: StartOptions): Record<string, string> => {
  const passed = PASSED.flatMap((name) => {
    const value = env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(passed), ...kind.env, ...serviceEnv };
};

/** Starts it in a session of its own. @throws a system error: what cannot be written, or cannot be started */
export const launchService = async (
  kind: ServiceKind,
  program: string,
  before: ServiceState | undefined,
  options: StartOptions,
): Promise<Launched> => {
  const { runDir } = options;
  const port = await choosePort(before?.port);
  const secret = settleSecret(runDir, kind.name, port === before?.port); // U4
  const dataDir = dataDirOf(runDir, kind.name);
  const configPath = writeServiceConfig(runDir, kind, kind.config({ port, secret, dataDir }));
  const log = logPathOf(runDir, kind.name);
  const fd = openServiceLog(runDir, kind.name);
  const logBytes = statSync(log).size;
  const child = spawn(program, [...kind.args(configPath)], {
    cwd: dataDir,
    env: environment(kind, options),
    detached: true,
    stdio: ['ignore', fd, fd],
  });
  closeSync(fd);
  const { pid } = child;
  if (pid === undefined) {
    const [error] = (await once(child, 'error')) as [Error];
    throw error;
  }
  const { host, bootId, pidNamespace } = thisProcess();
  const state: ServiceState = {
    v: 1,
    service: kind.name,
    program,
    process: { host, boot_id: bootId, pid, pid_ns: pidNamespace, start_ticks: startTicksOf(pid) },
    url: kind.urlOf(port),
    port,
    log,
    started_at: new Date().toISOString(),
    ended_at: null,
  };
  try {
    writeServiceState(runDir, state); // U3
  } catch (thrown) {
    child.kill('SIGKILL'); // nobody would find it
    throw thrown;
  }
  child.unref();
  return { state, secret, child, logBytes };
};
