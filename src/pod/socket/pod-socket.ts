/**
 * Owns the Unix socket of a pod: its file, who may connect, and its end.
 *
 * U1. The file appears at its path when it can be connected to, 0600, in a folder that is ours alone.
 * U2. A socket that a living process listens on is never replaced; one of a dead process is.
 * U3. At the end the file is removed, unless it is no longer ours.
 */
import { chmodSync, lstatSync, renameSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, errorMessage, NikaError } from '../../model/error.ts';
import type { ErrorCode } from '../../model/error-codes.ts';
import { Connection, type Serving } from './connection.ts';
import { encodeFrame } from './frames.ts';
import { refuseOpenFolder, SOCKET_PATH_MAX_BYTES } from './socket-path.ts';
import { Turns } from './turns.ts';

export interface PodSocketOptions extends Serving {
  readonly path: string;
  /** Whether the process stays for it; true by default. */
  readonly keepsAlive?: boolean;
}

export const CONNECTIONS_MAX_COUNT = 64;
/** Besides those that are served: they are told that there is no room, and closed. Beyond, the system closes them. */
const REFUSED_MAX_COUNT = 64;
const REFUSED_LINGER_MS = 500;
const PROBE_MS = 1000;
const CLOSE_MS = 1000;
const LOCK_TRIES = 100;
const LOCK_EVERY_MS = 20;

const listen = async (server: Server, path: string): Promise<void> => {
  server.listen(path);
  await once(server, 'listening'); // rejects with what the server has to say instead
};

/** U2: while it is held no other nika puts a socket at that path. An abstract socket, which goes with its process; macOS has none. */
const lockPath = async (path: string): Promise<AsyncDisposable> => {
  if (process.platform !== 'linux') return { [Symbol.asyncDispose]: () => Promise.resolve() };
  for (let tries = 1; ; tries += 1) {
    const lock = createServer();
    try {
      await listen(lock, `\0${path}`);
      return { [Symbol.asyncDispose]: async () => void (await new Promise((resolve) => lock.close(resolve))) };
    } catch (thrown) {
      if (errnoOf(thrown) !== 'EADDRINUSE' || tries >= LOCK_TRIES) throw thrown;
    }
    await sleep(LOCK_EVERY_MS);
  }
};

/** Whether a process listens there. One that does not answer in time is one. @throws a system error where that is not to be seen */
const isListened = async (path: string): Promise<boolean> => {
  const socket = createConnection(path);
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(PROBE_MS) });
    return true;
  } catch (thrown) {
    if (errnoOf(thrown) === 'ECONNREFUSED') return false;
    if (errnoOf(thrown) === 'EAGAIN' || errnoOf(thrown) === 'ABORT_ERR') return true;
    throw thrown;
  } finally {
    socket.destroy();
  }
};

/** @throws {Error} unless nothing is there, or the socket of a dead process */
const refuseTaken = async (path: string): Promise<void> => {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) throw new Error('it is there and is no socket');
  if (await isListened(path)) throw new Error('a living process listens there');
};

export class PodSocket implements AsyncDisposable {
  readonly #options: PodSocketOptions;
  /** Half open: a peer may have said all and still wait for answers. */
  readonly #server: Server = createServer({ allowHalfOpen: true });
  readonly #turns = new Turns();
  readonly #connections = new Set<Connection>();
  #inode = 0n;

  private constructor(options: PodSocketOptions) {
    this.#options = options;
  }

  /** @throws {NikaError} `NIKA_POD_SOCKET` */
  static async open(options: PodSocketOptions): Promise<PodSocket> {
    const { path } = options;
    const socket = new PodSocket(options);
    try {
      if (Buffer.byteLength(path) > SOCKET_PATH_MAX_BYTES)
        throw new Error(`its path has more than ${SOCKET_PATH_MAX_BYTES} bytes`);
      refuseOpenFolder(dirname(path), process.getuid?.() ?? 0);
      await socket.#listen();
    } catch (thrown) {
      socket.#server.close();
      throw new NikaError('NIKA_POD_SOCKET', `the socket ${path} cannot be opened: ${errorMessage(thrown)}`, {
        subject: path,
        cause: thrown,
      });
    }
    return socket;
  }

  get path(): string {
    return this.#options.path;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Ends every connection once what was said is written, and removes the file; in bounded time. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { path } = this.#options;
    const stat = lstatSync(path, { throwIfNoEntry: false, bigint: true });
    if (stat?.ino === this.#inode) rmSync(path, { force: true }); // U3
    this.#inode = 0n;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const connection of this.#connections) connection.end();
    await Promise.race([closed, sleep(CLOSE_MS, undefined, { ref: false })]);
  }

  /** U1: under another name first. `close` of the server removes that name, so never what another put at the path. */
  async #listen(): Promise<void> {
    const { path, faults } = this.#options;
    await using _lock = await lockPath(path);
    await refuseTaken(path); // U2
    const first = join(dirname(path), `.${Math.random().toString(36).slice(2, 10)}`);
    this.#server.maxConnections = CONNECTIONS_MAX_COUNT + REFUSED_MAX_COUNT;
    this.#server.on('drop', () => faults.count('too_many_connections', 'the system closed it without a word'));
    this.#server.on('connection', (stream) => this.#accept(stream));
    await listen(this.#server, first);
    this.#server.on('error', (thrown) => faults.count('accept_failed', errorMessage(thrown)));
    if (this.#options.keepsAlive === false) this.#server.unref();
    chmodSync(first, 0o600);
    this.#inode = lstatSync(first, { bigint: true }).ino;
    renameSync(first, path);
  }

  #accept(stream: Socket): void {
    if (this.#options.keepsAlive === false) stream.unref();
    if (this.#connections.size >= CONNECTIONS_MAX_COUNT) {
      this.#turnAway(stream);
      return;
    }
    const connection = new Connection(stream, this.#options, { turns: this.#turns, isOwn: false }).start();
    this.#connections.add(connection);
    const forget = (): boolean => this.#connections.delete(connection);
    connection.closed.then(forget, forget);
  }

  #turnAway(stream: Socket): void {
    const message = `the pod has ${CONNECTIONS_MAX_COUNT} connections already`;
    this.#options.faults.count('too_many_connections', message);
    stream.on('error', () => undefined); // it is closed in any case
    stream.resume();
    stream.end(encodeFrame({ re: 0, ok: false, code: 'NIKA_POD_BUSY' satisfies ErrorCode, message }));
    const timer = setTimeout(() => stream.destroy(), REFUSED_LINGER_MS);
    stream.once('close', () => clearTimeout(timer));
  }
}

export const openPodSocket = (options: PodSocketOptions): Promise<PodSocket> => PodSocket.open(options);
