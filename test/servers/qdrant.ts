/**
 * Owns a real Qdrant of a test: on a random loopback port, with a key, in a folder of its own, ended by its process id.
 * Every change of its state is waited for. Its data is in memory where there is room: a collection with its indexes is
 * made in 0.1 s there, and on a busy disk in 2 s.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statfsSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { QdrantTarget } from '../../src/config/memory/qdrant-settings.ts';
import { packageRoot } from '../../src/config/package-root.ts';
import { errnoOf } from '../../src/model/error.ts';
import { Secret } from '../../src/model/secret.ts';
import { qdrantService } from '../../src/services/qdrant-service.ts';
import { freePort, LEASH, spawnServerIn } from './redis.ts';

export interface QdrantServerOptions {
  /** Where its data is; else a folder of its own that goes with it. */
  readonly dataDir?: string;
  /** It has a disk of its own, of so many megabytes, which {@link QdrantServer.fillDisk} fills. */
  readonly diskMb?: number;
  /** Its log of writes as it is by itself: for what is measured. */
  readonly isAsInstalled?: boolean;
}

const ROOM_BYTES = 2 ** 31;

/** A file system in memory outlives a kill of the server, as a disk does. */
const roomyDir = (): string => {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm');
    return bavail * bsize >= ROOM_BYTES ? '/dev/shm' : tmpdir();
  } catch {
    return tmpdir(); // there is none here
  }
};

/** Until the disk takes no more of it. */
const fillWith = (file: number, chunk: Buffer): void => {
  try {
    for (;;) writeSync(file, chunk);
  } catch (thrown) {
    if (errnoOf(thrown) !== 'ENOSPC') throw thrown;
  }
};

const READY_WITHIN_MS = 20_000;
const PROBE_MS = 1_000;

const program = qdrantService.find({ cwd: packageRoot(), env: process.env });
/** npm brings the binary for Linux on x64 alone; elsewhere one may be on the PATH. */
export const hasQdrant = program !== undefined;

export class QdrantServer implements AsyncDisposable {
  readonly port: number;
  readonly key = `key-${Math.random().toString(36).slice(2)}`;
  readonly dir: string = mkdtempSync(join(roomyDir(), 'nika-qdrant-'));
  readonly #dataDir: string;
  readonly #diskMb: number | undefined;
  readonly #isAsInstalled: boolean;
  #child: ChildProcess | undefined;

  private constructor(port: number, { dataDir, diskMb, isAsInstalled = false }: QdrantServerOptions) {
    this.port = port;
    this.#diskMb = diskMb;
    this.#isAsInstalled = isAsInstalled;
    this.#dataDir = dataDir ?? join(this.dir, 'data');
  }

  static async open(options: QdrantServerOptions = {}): Promise<QdrantServer> {
    const server = new QdrantServer(await freePort(), options);
    await server.start();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** As the settings have it. `port`: of a proxy before it. */
  target({ collection = 'nika_memory', port = this.port } = {}): QdrantTarget {
    return { kind: 'on', url: `http://127.0.0.1:${port}`, apiKey: new Secret(this.key), collection };
  }

  /** For the environment of a `nika` that shall use it. */
  get env(): Readonly<Record<string, string>> {
    return { NIKA_QDRANT_URL: this.url, NIKA_QDRANT_API_KEY: this.key };
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error('the server does not run');
    return pid;
  }

  /**
   * Asks it by plain HTTP, with its key: what a test wants to see or do, by no code of nika's. Gives `result`.
   * @throws with its answer where that is not 200
   */
  async ask(method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH', path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { 'api-key': this.key, 'content-type': 'application/json', 'accept-encoding': 'identity' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (JSON.parse(text) as { result?: unknown }).result;
  }

  /** Exactly how many points there are; `filter`: as Qdrant takes it. */
  async count(filter: object = {}, collection = 'nika_memory'): Promise<number> {
    const result = await this.ask('POST', `/collections/${collection}/points/count`, { filter, exact: true });
    return (result as { count: number }).count;
  }

  /** Starts it and waits until it answers, with the data that is there. */
  async start(): Promise<void> {
    if (program === undefined) throw new Error('there is no Qdrant on this machine');
    const file = join(this.dir, 'qdrant.yaml'); // with another ending it would not be read
    const secret = new Secret(this.key);
    const config = qdrantService.config({ port: this.port, secret, dataDir: this.#dataDir });
    // Of a log that is 32 MB long from the start nothing is seen in a test but the time that it takes.
    const small = config.replace('storage:\n', 'storage:\n  wal: { wal_capacity_mb: 1 }\n');
    writeFileSync(file, this.#isAsInstalled ? config : small, { mode: 0o600 });
    const child = spawnServerIn(this.dir, ...this.#onDisk(program, ...qdrantService.args(file))); // it writes into its folder
    let log = '';
    child.stdout?.on('data', (chunk) => (log += String(chunk)));
    child.stderr?.on('data', (chunk) => (log += String(chunk)));
    child.on('error', (thrown) => (log += String(thrown)));
    this.#child = child;
    const until = performance.now() + READY_WITHIN_MS;
    while ((await qdrantService.probe({ port: this.port, secret, withinMs: PROBE_MS })) !== 'ready') {
      if (child.exitCode !== null || child.pid === undefined || performance.now() > until)
        throw new Error(`Qdrant did not start: ${log}`);
      await delay(10);
    }
  }

  /** On a disk of its own, which goes with it: in a mount namespace, for which one need not be root. */
  #onDisk(...command: [string, ...string[]]): [string, ...string[]] {
    if (this.#diskMb === undefined) return command;
    mkdirSync(this.#dataDir, { recursive: true });
    const script = 'mount -t tmpfs -o size="$1" tmpfs "$2" && shift 2 && exec "$@"';
    const userNamespace = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
    const given = [`${this.#diskMb}m`, this.#dataDir, ...LEASH, ...command];
    return ['unshare', ...userNamespace, '--mount', 'sh', '-c', script, 'sh', ...given];
  }

  get #ballast(): string {
    return join('/proc', String(this.pid), 'root', this.#dataDir, 'ballast');
  }

  /** Until nothing more goes onto the disk of its own. */
  fillDisk(): void {
    const file = openSync(this.#ballast, 'a');
    try {
      for (const bytes of [2 ** 20, 2 ** 12]) fillWith(file, Buffer.alloc(bytes));
    } finally {
      closeSync(file);
    }
  }

  /** Makes room again. */
  freeDisk(): void {
    rmSync(this.#ballast);
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

  /** Killed and started again, with its data. */
  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** Killed and started again, with nothing. */
  async restartEmpty(): Promise<void> {
    await this.kill();
    rmSync(this.#dataDir, { recursive: true, force: true });
    await this.start();
  }

  /** Hung: connections are accepted by the kernel, and nothing answers. */
  stop(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  cont(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
