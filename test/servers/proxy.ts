/** Owns a TCP proxy for the faults that only a wire has: silence, a reset in the middle, latency, a trickle. */
import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';

export type Fault =
  | { readonly kind: 'none' }
  /** Accepts, reads what comes, and never answers; nothing reaches the server. */
  | { readonly kind: 'silent' }
  /** Answers of the server stop after so many bytes (of each connection, counted from now). */
  | { readonly kind: 'silent-after'; readonly bytes: number }
  /** The connection is reset after so many bytes of answers. */
  | { readonly kind: 'reset-after'; readonly bytes: number }
  /** Every chunk comes that much later, in both directions. */
  | { readonly kind: 'latency'; readonly ms: number }
  /** Like a cut cable: connections stay open on both sides and nothing passes; new ones are taken and hang. */
  | { readonly kind: 'half-open' }
  /** Answers pass in such portions, one each 10 ms. */
  | { readonly kind: 'throttled'; readonly bytesPer10Ms: number }
  /** New connections are refused by a reset at once, old ones are reset. */
  | { readonly kind: 'refusing' };

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** Bytes of answers since the fault was set. */
  answeredBytes: number;
  readonly timers: Set<NodeJS.Timeout>;
  readonly queue: { readonly to: Socket; readonly chunk: Buffer; readonly dueAtMs: number }[];
}

const TRICKLE_MS = 10;

export class Proxy implements AsyncDisposable {
  readonly #target: number;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #fault: Fault = { kind: 'none' };
  #accepted = 0;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((client) => this.#accept(client));
  }

  /** To a server on that port of loopback. */
  static async open(targetPort: number): Promise<Proxy> {
    const proxy = new Proxy(targetPort);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy does not listen');
    return address.port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** How many connections were taken so far. */
  get acceptedCount(): number {
    return this.#accepted;
  }

  get openCount(): number {
    return this.#pairs.size;
  }

  /** From now on, for all connections, old and new. What a silence swallowed is gone when it ends. */
  set(fault: Fault): void {
    this.#fault = fault;
    for (const pair of this.#pairs) {
      pair.answeredBytes = 0;
      if (fault.kind === 'refusing') this.#reset(pair);
    }
  }

  #accept(client: Socket): void {
    this.#accepted += 1;
    client.setNoDelay(true);
    if (this.#fault.kind === 'refusing') {
      client.resetAndDestroy();
      return;
    }
    const server = createConnection(this.#target, '127.0.0.1').setNoDelay(true);
    const pair: Pair = { client, server, answeredBytes: 0, timers: new Set(), queue: [] };
    this.#pairs.add(pair);
    client.on('data', (chunk: Buffer) => this.#pass(pair, server, chunk));
    server.on('data', (chunk: Buffer) => this.#answer(pair, chunk));
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.on('error', () => undefined); // seen by `close`
      from.once('close', () => {
        this.#forget(pair);
        if (this.#fault.kind !== 'half-open' && this.#fault.kind !== 'silent') to.destroy();
        else if (from === client) to.destroy(); // nobody is left who could see that it hangs
      });
    }
  }

  #forget(pair: Pair): void {
    for (const timer of pair.timers) clearTimeout(timer);
    this.#pairs.delete(pair);
  }

  #reset(pair: Pair): void {
    pair.client.resetAndDestroy();
    pair.server.destroy();
  }

  #later(pair: Pair, ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      pair.timers.delete(timer);
      work();
    }, ms);
    pair.timers.add(timer);
  }

  /** In order, also when the latency changes on the way. */
  #pass(pair: Pair, to: Socket, chunk: Buffer): void {
    const { kind } = this.#fault;
    if (kind === 'silent' || kind === 'half-open') return;
    if (kind !== 'latency' && pair.queue.length === 0) {
      to.write(chunk);
      return;
    }
    const ms = this.#fault.kind === 'latency' ? this.#fault.ms : 0;
    const last = pair.queue.at(-1)?.dueAtMs ?? 0;
    pair.queue.push({ to, chunk, dueAtMs: Math.max(last, performance.now() + ms) });
    if (pair.queue.length === 1) this.#drain(pair);
  }

  #drain(pair: Pair): void {
    const [first] = pair.queue;
    if (first === undefined) return;
    this.#later(pair, Math.max(0, first.dueAtMs - performance.now()), () => {
      pair.queue.shift();
      first.to.write(first.chunk);
      this.#drain(pair);
    });
  }

  #answer(pair: Pair, chunk: Buffer): void {
    const fault = this.#fault;
    const before = pair.answeredBytes;
    pair.answeredBytes += chunk.length;
    switch (fault.kind) {
      case 'silent-after':
        if (before < fault.bytes) pair.client.write(chunk.subarray(0, fault.bytes - before));
        return;
      case 'reset-after':
        this.#answerThenReset(
          pair,
          chunk.subarray(0, Math.max(0, fault.bytes - before)),
          pair.answeredBytes >= fault.bytes,
        );
        return;
      case 'throttled':
        this.#trickle(pair, chunk, fault.bytesPer10Ms);
        return;
      default:
        this.#pass(pair, pair.client, chunk);
    }
  }

  #answerThenReset(pair: Pair, part: Buffer, isOver: boolean): void {
    if (!isOver) {
      pair.client.write(part);
      return;
    }
    // A reset throws away what the other side has not read yet: it must have time to read.
    if (part.length > 0) pair.client.write(part);
    this.#later(pair, 20, () => this.#reset(pair));
  }

  #trickle(pair: Pair, chunk: Buffer, bytes: number): void {
    pair.server.pause();
    pair.client.write(chunk.subarray(0, bytes));
    this.#later(pair, TRICKLE_MS, () => {
      if (chunk.length > bytes) this.#trickle(pair, chunk.subarray(bytes), bytes);
      else pair.server.resume();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pair of this.#pairs) {
      this.#forget(pair);
      pair.client.destroy();
      pair.server.destroy();
    }
    this.#server.close();
    await once(this.#server, 'close');
  }
}
