/** Owns a port where a connection is never answered, not even by the kernel: the queue of who listens there is full. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const program = join(import.meta.dirname, '../programs/deaf-listener.ts');
/** On loopback a connection that is taken is so within a millisecond. */
const TAKEN_MS = 150;
const MAX_QUEUE = 64;

const isTaken = async (socket: Socket): Promise<boolean> =>
  Promise.race([once(socket, 'connect').then(() => true), delay(TAKEN_MS, false)]);

export class SynHole implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #sockets: Socket[] = [];

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async open(): Promise<SynHole> {
    const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [text] = (await once(child.stdout, 'data')) as [Buffer];
    const hole = new SynHole(child, Number(text.toString()));
    child.kill('SIGSTOP');
    await hole.#fill();
    return hole;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async #fill(): Promise<void> {
    while (this.#sockets.length < MAX_QUEUE) {
      const socket = createConnection(this.port, '127.0.0.1').on('error', () => undefined); // when it ends
      this.#sockets.push(socket);
      if (!(await isTaken(socket))) return;
    }
    throw new Error('the queue does not fill');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}
