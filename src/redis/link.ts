/**
 * Owns a connection to Redis and its state. Nothing of it ever throws, rejects, or makes its caller wait longer than the
 * caller said (G1); what came of a call is a value.
 *
 * L1. While the link is not ready nothing is sent and nothing is kept: the call is `unsent` at once.
 * L2. Every call has a deadline of its own; it also covers a connection that is accepted and never answers.
 * L3. No socket and no timer of a link holds a process alive, but the deadline of a call that is waited for.
 * L4. `close` is over within 100 ms, whatever the server does; every call under way is settled by then.
 * L5. A link reconnects for ever; only `close` ends that.
 * L6. Nothing that a link says holds a password.
 * L7. A database that could not be selected is never written to: ioredis would go on in database 0.
 */
import type { RedisSettings, RedisTarget } from '../config/redis/redis-settings.ts';
import { bestEffortSync } from '../failopen/best-effort.ts';
import type { Secret } from '../model/secret.ts';
import { type CallOutcome, outcomeOf, tellError } from './call-outcome.ts';
import type { Client } from './client.ts';
import { type LinkRole, resolveClientOptions, silenceMs } from './link-options.ts';

export type LinkStatus =
  | { readonly kind: 'connecting'; readonly sinceAtMs: number }
  | { readonly kind: 'ready'; readonly sinceAtMs: number }
  | { readonly kind: 'down'; readonly sinceAtMs: number; readonly why: string }
  | { readonly kind: 'closed'; readonly sinceAtMs: number };

export type Argument = string | number | Buffer;

export interface Command {
  readonly name: string;
  readonly args: readonly Argument[];
  /** Whether strings of the answer are wanted as bytes. */
  readonly isBinary?: boolean;
}

export interface CallOptions {
  readonly withinMs?: number;
}

const CLOSE_MS = 100;
/** After a client of ioredis gave up for good, which it does where a socket cannot even be made. */
const REVIVE_MS = 1000;
/** Over the silence after which the connection itself is given up: then the reason is told, not only the lateness. */
const CALL_OVER_SILENCE_MS = 500;
const CLOSED = 'the link is closed';
/** A healthy server is ready this long after it took the connection, also one that is 200 ms away; else it is told why not. */
const SETTLE_MS = 1_000;
const NOT_READY = 'connected, but not ready: it is loading its data, or does not answer';

type Given = CallOutcome<never>;

interface Late {
  readonly outcome: Promise<Given>;
  settle(outcome: Given): void;
  stop(): void;
}

/** L2, L3: its timer is the one thing that holds the process, for as long as somebody waits for the call. */
const startDeadline = (withinMs: number, signal: AbortSignal | undefined): Late => {
  const { promise, resolve } = Promise.withResolvers<Given>();
  const timer = setTimeout(() => resolve({ kind: 'unknown', why: `no answer within ${withinMs} ms` }), withinMs);
  const onAbort = (): void => resolve({ kind: 'unknown', why: 'the call was given up' });
  signal?.addEventListener('abort', onAbort, { once: true });
  const stop = (): void => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  };
  return { outcome: promise, settle: resolve, stop };
};

export class Link implements AsyncDisposable {
  readonly role: LinkRole;
  readonly #client: Client;
  readonly #secrets: readonly Secret[];
  readonly #listeners = new Set<(status: LinkStatus) => void>();
  #status: LinkStatus = { kind: 'connecting', sinceAtMs: Date.now() };
  /** What was last heard of a connection that is not ready. */
  #trouble: string | undefined;
  /** L7: holds for one connection. */
  #isWrongDatabase = false;
  /** Of the calls under way. */
  readonly #lates = new Set<Late>();

  /** For those who open one. */
  constructor(client: Client, role: LinkRole, secrets: readonly Secret[]) {
    this.role = role;
    this.#client = client;
    this.#secrets = secrets;
    client.on('error', (error: unknown) => this.#onError(error));
    client.on('connecting', () => (this.#isWrongDatabase = false));
    client.on('connect', () => this.#onConnected());
    client.on('ready', () => this.#onReady());
    client.on('close', () => this.#onLost());
    client.on('end', () => this.#onEnd());
    this.#connect();
  }

  get status(): LinkStatus {
    return this.#status;
  }

  /** Told of each change of its kind, at once; why it is down may change without. Gives the way to unsubscribe. */
  onStatus(listener: (status: LinkStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Never rejects. By default it waits 500 ms longer than the connection itself would be waited for. */
  async call(command: Command, options: CallOptions = {}, signal?: AbortSignal): Promise<CallOutcome> {
    const [outcome] = await this.callAll([command], options, signal);
    return outcome ?? { kind: 'unsent', why: 'no command' };
  }

  /** Sends all at once, in order, and gives what came of each. Not a transaction. Never rejects. */
  async callAll(
    commands: readonly Command[],
    { withinMs = silenceMs(this.role) + CALL_OVER_SILENCE_MS }: CallOptions = {},
    signal?: AbortSignal,
  ): Promise<readonly CallOutcome[]> {
    const whyNot = signal?.aborted === true ? 'the call was given up' : this.#whyNotReady(); // L1
    if (whyNot !== undefined) return commands.map(() => ({ kind: 'unsent', why: whyNot }));
    const late = startDeadline(withinMs, signal);
    this.#lates.add(late);
    const sent = this.#together(() => commands.map((command) => this.#send(command)));
    const outcomes = await Promise.all(sent.map((outcome) => Promise.race([outcome, late.outcome])));
    this.#lates.delete(late);
    late.stop();
    return outcomes;
  }

  /** Whether it is ready, at the latest after so long. */
  async untilReady(withinMs: number, signal?: AbortSignal): Promise<boolean> {
    await this.#until(({ kind }) => kind === 'ready' || kind === 'closed', withinMs, signal);
    return this.status.kind === 'ready';
  }

  /** Until it is ready or told why it is not. */
  async untilKnown(withinMs: number, signal?: AbortSignal): Promise<boolean> {
    await this.#until(({ kind }) => kind !== 'connecting', withinMs, signal);
    return this.status.kind === 'ready';
  }

  /** L4. What was sent and not answered is `unknown`; what the kernel has of it still goes out. */
  async close(): Promise<void> {
    if (this.#status.kind === 'closed') return;
    this.#change({ kind: 'closed', sinceAtMs: Date.now() });
    for (const late of this.#lates) late.settle({ kind: 'unknown', why: CLOSED });
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, CLOSE_MS);
    this.#client.once('end', () => resolve());
    if (this.#client.status === 'end') resolve();
    bestEffortSync('redis.close', () => this.#client.disconnect());
    if ('stream' in this.#client) this.#client.stream?.destroy(); // else a server that hangs would be asked to say goodbye
    await ended;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #until(isSo: (status: LinkStatus) => boolean, withinMs: number, signal?: AbortSignal): Promise<void> {
    if (isSo(this.#status) || signal?.aborted === true) return;
    const late = startDeadline(withinMs, signal);
    const { promise: settled, resolve } = Promise.withResolvers<void>();
    const forget = this.onStatus((status) => {
      if (isSo(status)) resolve();
    });
    await Promise.race([settled, late.outcome]);
    forget();
    late.stop();
  }

  #connect(): void {
    this.#client.connect().catch(() => undefined); // told by the events `error`, `close` and `end`
  }

  #whyNotReady(): string | undefined {
    const status = this.#status;
    switch (status.kind) {
      case 'ready':
        return undefined;
      case 'down':
        return status.why;
      case 'closed':
        return CLOSED;
      case 'connecting':
        return 'not connected yet';
    }
  }

  async #send({ name, args, isBinary = false }: Command): Promise<CallOutcome> {
    try {
      const list = args as Argument[];
      const value: unknown = await (isBinary ? this.#client.callBuffer(name, list) : this.#client.call(name, list));
      return { kind: 'done', value };
    } catch (thrown) {
      const outcome = outcomeOf(thrown, this.#secrets);
      // ioredis leaves such a server without a word
      if (outcome.kind === 'refused' && outcome.code === 'READONLY') this.#trouble = outcome.why;
      return outcome;
    }
  }

  /** One write to the socket for all of them; a Cluster has several sockets and goes without. */
  #together<T>(send: () => T): T {
    const stream = 'stream' in this.#client ? this.#client.stream : undefined;
    stream?.cork();
    try {
      return send();
    } finally {
      stream?.uncork();
    }
  }

  #change(next: LinkStatus): void {
    const { kind } = this.#status;
    this.#status = next;
    if (next.kind === kind) return;
    for (const listener of this.#listeners) bestEffortSync('redis.status', () => listener(next));
  }

  #down(why: string): void {
    const status = this.#status;
    if (status.kind === 'closed' || (status.kind === 'down' && status.why === why)) return;
    this.#change({ kind: 'down', sinceAtMs: status.kind === 'down' ? status.sinceAtMs : Date.now(), why });
  }

  #onError(error: unknown): void {
    const told = tellError(error, this.#secrets); // L6
    // What ioredis itself still wanted to send over a connection that is being given up: the reason came before.
    if (!told.startsWith("Stream isn't writeable") || this.#trouble === undefined) this.#trouble = told;
    const { command } = error as { readonly command?: { readonly name?: string } };
    if (command?.name === 'select') {
      this.#isWrongDatabase = true; // L7
      this.#client.disconnect(true);
    }
    if (this.#status.kind !== 'ready') this.#down(this.#trouble);
  }

  #onConnected(): void {
    setTimeout(() => {
      if (this.#client.status === 'connect') this.#down(NOT_READY);
    }, SETTLE_MS).unref();
  }

  #onReady(): void {
    if (this.#isWrongDatabase || this.#status.kind === 'closed') return;
    this.#trouble = undefined;
    this.#change({ kind: 'ready', sinceAtMs: Date.now() });
  }

  #onLost(): void {
    this.#down(this.#trouble ?? 'the connection was closed');
  }

  /** L5 */
  #onEnd(): void {
    if (this.#status.kind === 'closed') return;
    this.#onLost();
    setTimeout(() => {
      if (this.#status.kind !== 'closed') this.#connect();
    }, REVIVE_MS).unref();
  }
}

/** What must stand in nothing that a link says (L6). */
export const secretsOf = ({ at, password }: RedisTarget): readonly Secret[] => {
  const other = at.kind === 'sentinel' ? at.sentinelPassword : undefined;
  return [password, other].filter((secret) => secret !== undefined);
};

const open = async (target: RedisTarget, role: LinkRole): Promise<Link> => {
  const { createClient } = await import('./client.ts');
  return new Link(createClient(resolveClientOptions(target, role)), role, secretsOf(target));
};

/**
 * For what is sent and not waited for long. Comes back at once, connecting; `status` tells the rest.
 * @throws a system error where a certificate of the settings cannot be read any more.
 */
export const openWriter = async (target: RedisTarget): Promise<Link> => open(target, 'writer');

/** For blocking commands (at most {@link READ_BLOCK_MS} each), their XACK and XAUTOCLAIM, and nothing else. */
export const openReader = async (target: RedisTarget): Promise<Link> => open(target, 'reader');

/** What there is to connect to; `undefined`: nothing, which is a normal state. */
export const targetOf = (settings: RedisSettings): RedisTarget | undefined =>
  settings.kind === 'on' ? settings : undefined;
