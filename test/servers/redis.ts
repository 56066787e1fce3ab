/**
 * Owns a real redis-server (or valkey-server) of a test: on a random loopback port, in a folder of its own, ended by
 * its process id. Every change of its state is waited for.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';

export interface RedisServerOptions {
  /** `redis-server`, or `valkey-server`. */
  readonly program?: string;
  /** Whether what is written survives {@link RedisServer.restart}; else it comes back empty. */
  readonly isPersistent?: boolean;
  /** Further lines of redis.conf. */
  readonly config?: readonly string[];
  /** For {@link RedisServer.admin}, where the config asks for one. */
  readonly password?: string;
}

const isFree = async (port: number): Promise<boolean> => {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false; // somebody listens there
  }
  server.close();
  await once(server, 'close');
  return true;
};

/** One that nobody listens on; below those that the system gives to outgoing connections, so that none takes it meanwhile. */
export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = 15_000 + Math.floor(Math.random() * 17_000);
    if (await isFree(port)) return port;
  }
};

export const isOnPath = (program: string): boolean => {
  try {
    execFileSync('/bin/sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

/** Dies with the test's process, however that ends: a worker of vitest that crashed left its servers behind. */
export const LEASH: readonly string[] = isOnPath('setpriv') ? ['setpriv', '--pdeathsig', 'KILL'] : [];

/** Starts a server of the tests in that folder. */
export const spawnServerIn = (cwd: string, program: string, ...args: readonly string[]): ChildProcess => {
  const [file = program, ...rest] = [...LEASH, program, ...args];
  return spawn(file, rest, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
};

/** Starts a server of the tests. */
export const spawnServer = (program: string, ...args: readonly string[]): ChildProcess =>
  spawnServerIn(process.cwd(), program, ...args);

const READY_WITHIN_MS = 10_000;

export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly dir: string = mkdtempSync(join(tmpdir(), 'nika-redis-'));
  readonly socket: string = join(this.dir, 'redis.sock');
  readonly #options: RedisServerOptions;
  #child: ChildProcess | undefined;
  #admin: Redis | undefined;

  private constructor(port: number, options: RedisServerOptions) {
    this.port = port;
    this.#options = options;
  }

  static async open(options: RedisServerOptions = {}): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), options);
    await server.start();
    return server;
  }

  /** A plain client of whatever listens on that port; tried until it answers. */
  static async clientOf(port: number): Promise<Redis> {
    const client = new Redis({ port, host: '127.0.0.1', retryStrategy: () => 20, maxRetriesPerRequest: null });
    client.on('error', () => undefined); // until it listens
    await client.ping();
    return client;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error('the server does not run');
    return pid;
  }

  /** A plain client with full rights, for what a test wants to see or do; not nika's own. */
  get admin(): Redis {
    const { password } = this.#options;
    this.#admin ??= new Redis({
      port: this.port,
      host: '127.0.0.1',
      ...(password === undefined ? {} : { password }),
      retryStrategy: () => 20,
      maxRetriesPerRequest: null,
    }).on('error', () => undefined); // it is told by the command that a test waits for
    return this.#admin;
  }

  /** Starts it and waits until it answers; `more`: lines of redis.conf for this run. */
  async start(more: readonly string[] = []): Promise<void> {
    const { program = 'redis-server', isPersistent = false, config = [] } = this.#options;
    const lines = [
      `port ${this.port}`,
      'bind 127.0.0.1',
      'protected-mode no',
      `unixsocket ${this.socket}`,
      `dir ${this.dir}`,
      'save ""',
      ...(isPersistent ? ['appendonly yes', 'appendfsync always'] : ['appendonly no']),
      ...config,
      ...more,
    ];
    const file = join(this.dir, 'redis.conf');
    writeFileSync(file, `${lines.join('\n')}\n`);
    const child = spawnServer(program, file);
    let log = '';
    child.stdout?.on('data', (chunk) => (log += String(chunk)));
    child.stderr?.on('data', (chunk) => (log += String(chunk)));
    child.on('error', (thrown) => (log += String(thrown)));
    this.#child = child;
    const until = performance.now() + READY_WITHIN_MS;
    while (!(await this.#answers())) {
      if (child.exitCode !== null || child.pid === undefined || performance.now() > until)
        throw new Error(`${program} did not start: ${log}`);
      await delay(5);
    }
  }

  /** PONG, or that one must log in: either way it serves. LOADING is no answer yet. */
  async #answers(): Promise<boolean> {
    const probe = new Redis({
      port: this.port,
      host: '127.0.0.1',
      retryStrategy: () => null,
      lazyConnect: true,
      enableReadyCheck: false,
      protocol: 2,
      disableClientInfo: true,
      disconnectTimeout: 50,
      connectTimeout: 500,
    }).on('error', () => undefined);
    try {
      await probe.connect();
      return (await probe.ping()) === 'PONG';
    } catch (thrown) {
      return /NOAUTH|NOPERM/.test(String(thrown));
    } finally {
      probe.disconnect();
    }
  }

  /** SIGKILL, waited for. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Killed and started again: with its data if it is persistent, else empty. */
  async restart(more: readonly string[] = []): Promise<void> {
    await this.kill();
    await this.start(more);
  }

  /** Hung: connections are accepted by the kernel, and nothing answers. */
  stop(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  cont(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  async configSet(name: string, value: string): Promise<void> {
    await this.admin.config('SET', name, value);
  }

  /** Names of keys that have no time to live: none, ever (G5). */
  async keysWithoutTtl(): Promise<readonly string[]> {
    const names = await this.admin.keys('*');
    const found: string[] = [];
    for (const name of names) if ((await this.admin.ttl(name)) < 0) found.push(name);
    return found;
  }

  /** @throws with their names where there are keys without a time to live. */
  async mustHaveTtls(): Promise<void> {
    const names = await this.keysWithoutTtl();
    if (names.length > 0) throw new Error(`keys without a time to live: ${names.join(', ')}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#admin?.disconnect();
    await this.kill();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
