/**
 * Owns the client's end of a connection to a pod: requests out, answers in, each in time. Light: every program that
 * reports to its pod loads it.
 *
 * L1. A request settles: with its answer, at its deadline, by its signal, or when the connection ends.
 * L2. The process is kept alive while an answer or a message is waited for, and only then.
 */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import { errorMessage, NikaError } from '../../model/error.ts';
import { ERROR_CODES, type ErrorCode } from '../../model/error-codes.ts';
import { Deadlines } from '../socket/deadline.ts';
import { encodeRequest } from './request-frame.ts';
import { FRAME_MAX_BYTES, FrameDecoder } from '../socket/frames.ts';
import type { Answers, Op, Push, RequestOf, WishOf } from '../socket/protocol.ts';

/** What a client asks its pod through. */
export type Link = Pick<PodLink, 'request' | 'tell' | 'hold' | 'release' | 'close' | 'goneBecause'>;

/** To a pod that could not be reached at all. */
export const createGoneLink = (goneBecause: NikaError): Link => ({
  goneBecause,
  request: () => Promise.reject(goneBecause),
  tell: () => undefined,
  hold: () => undefined,
  release: () => undefined,
  close: () => Promise.resolve(),
});

export interface LinkOptions {
  readonly deadlineMs: number;
  readonly onPush: (push: Push) => void;
  readonly onGone: (error: NikaError) => void;
}

/** What waits to be sent to a pod that does not read. */
const OUTPUT_MAX_BYTES = 4 * FRAME_MAX_BYTES;
const CLOSE_MS = 1000;

type State = { readonly kind: 'open' } | { readonly kind: 'gone'; readonly error: NikaError };

interface Waiting {
  readonly op: Op;
  readonly resolve: (answer: object) => void;
  readonly reject: (reason: unknown) => void;
  /** Takes the listener from the signal, where there is one. */
  readonly unlisten: (() => void) | undefined;
}

/** The code of an answer as ours; one that only a newer pod knows is told in the message. */
const toError = (code: unknown, message: unknown): NikaError => {
  const isKnown = typeof code === 'string' && Object.hasOwn(ERROR_CODES, code);
  return isKnown
    ? new NikaError(code as ErrorCode, String(message))
    : new NikaError('NIKA_POD_PROTOCOL', `${String(code)}: ${String(message)}`);
};

export class PodLink {
  readonly #stream: Duplex & Partial<Pick<Socket, 'ref' | 'unref'>>;
  readonly #options: LinkOptions;
  readonly #decoder = new FrameDecoder();
  readonly #waiting = new Map<number, Waiting>();
  readonly #deadlines: Deadlines;
  readonly #closed = Promise.withResolvers<void>();
  #state: State = { kind: 'open' };
  #lastId = 0;
  #holds = 0;

  /** `stream` is connected. */
  constructor(stream: Duplex, options: LinkOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#deadlines = new Deadlines(options.deadlineMs, (id) => this.#miss(id));
  }

  start(): this {
    const stream = this.#stream;
    stream.on('data', (chunk: Buffer) => this.#take(chunk));
    stream.on('error', (thrown) => this.#end(this.#broken(errorMessage(thrown))));
    stream.once('end', () => this.#end(this.#broken('the pod closed it')));
    stream.once('close', () => {
      this.#end(this.#broken('it was closed'));
      this.#closed.resolve();
    });
    stream.unref?.();
    return this;
  }

  /** Why nothing more can be asked; `undefined`: the connection stands. */
  get goneBecause(): NikaError | undefined {
    return this.#state.kind === 'gone' ? this.#state.error : undefined;
  }

  /** L2 */
  hold(): void {
    this.#holds += 1;
    if (this.#holds === 1) this.#stream.ref?.();
  }

  release(): void {
    this.#holds -= 1;
    if (this.#holds === 0) this.#stream.unref?.();
  }

  /**
   * L1. Rejects with what the pod refused it with, `NIKA_POD_UNREACHABLE`, `NIKA_POD_LATE`, `NIKA_POD_BUSY`,
   * `NIKA_POD_PROTOCOL`, or the reason of the signal.
   */
  request<O extends Op>(op: O, fields: WishOf<O>, signal?: AbortSignal): Promise<Answers[O]> {
    const { promise, resolve, reject } = Promise.withResolvers<object>();
    this.#lastId += 1;
    const id = this.#lastId;
    this.#waiting.set(id, { op, resolve, reject, unlisten: signal && this.#abortWith(signal, id) });
    this.#deadlines.start(id);
    this.hold();
    try {
      signal?.throwIfAborted();
      this.#send(id, op, fields); // over a pipe within this process the answer is there before this returns
    } catch (thrown) {
      this.#settle(id)?.reject(thrown);
    }
    return promise as Promise<Answers[O]>;
  }

  /** Without waiting for the answer, nor looking at it. Never throws. */
  tell<O extends Op>(op: O, fields: RequestOf<O>): void {
    this.#lastId += 1;
    bestEffortSync('pod.client.tell', () => this.#send(this.#lastId, op, fields));
  }

  /** Sends what is still to be sent and closes, in bounded time. What waits for an answer is rejected. */
  async close(): Promise<void> {
    this.#stream.ref?.();
    if (this.#state.kind === 'gone') this.#stream.destroy(); // what answered is no pod, or is gone as well
    this.#end(this.#broken('it was closed by the client'));
    const timer = setTimeout(() => this.#stream.destroy(), CLOSE_MS);
    await this.#closed.promise;
    clearTimeout(timer);
  }

  #broken(why: string): NikaError {
    return new NikaError('NIKA_POD_UNREACHABLE', `the connection to the pod ended: ${why}`);
  }

  #send(id: number, op: Op, fields: object): void {
    if (this.#state.kind === 'gone') throw this.#state.error;
    if (this.#stream.writableLength > OUTPUT_MAX_BYTES)
      throw new NikaError('NIKA_POD_BUSY', `${this.#stream.writableLength} bytes wait for a pod that does not read`);
    this.#stream.write(encodeRequest(id, op, fields));
  }

  #abortWith(signal: AbortSignal, id: number): () => void {
    const abort = (): void => this.#settle(id)?.reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    return () => signal.removeEventListener('abort', abort);
  }

  #miss(id: number): void {
    const waiting = this.#settle(id);
    const why = `the pod did not answer "${waiting?.op}" in ${this.#options.deadlineMs} ms`;
    waiting?.reject(new NikaError('NIKA_POD_LATE', why));
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return undefined;
    this.#waiting.delete(id);
    this.#deadlines.stop(id);
    waiting.unlisten?.();
    this.release();
    return waiting;
  }

  #take(chunk: Buffer): void {
    this.#decoder.push(chunk);
    for (;;) {
      const decoded = this.#decoder.next();
      if (decoded.kind === 'none' || this.#state.kind === 'gone') return;
      if (decoded.kind === 'bad') {
        this.#end(new NikaError('NIKA_POD_PROTOCOL', `what answers is no pod: ${decoded.why}`));
        return;
      }
      this.#hear(decoded.value);
    }
  }

  #hear(value: Readonly<Record<string, unknown>>): void {
    const { re, push } = value;
    if (typeof push === 'string') {
      this.#options.onPush(value as unknown as Push);
    } else if (re === 0) {
      this.#end(toError(value['code'], value['message']));
    } else if (typeof re === 'number' && value['waiting'] === true) {
      if (this.#waiting.has(re)) this.#deadlines.start(re);
    } else if (typeof re === 'number') {
      const waiting = this.#settle(re); // none: it was given up meanwhile
      if (value['ok'] === true) waiting?.resolve(value);
      else waiting?.reject(toError(value['code'], value['message']));
    }
  }

  #end(error: NikaError): void {
    if (this.#state.kind === 'gone') return;
    this.#state = { kind: 'gone', error };
    for (const id of this.#waiting.keys()) this.#settle(id)?.reject(error);
    this.#stream.end();
    this.#options.onGone(error);
  }
}
