/** Owns how code inside a pod sends signals to other pods, asks them, and hears what they say; the same wherever it runs. */
import type { Signal } from '../../ipc/signals/signal.ts';
import { errorMessage } from '../../model/error.ts';
import type { SignalKind } from '../../model/message.ts';
import type { SentSignal, SignalReply } from '../socket/protocol.ts';

export type { SentSignal } from '../socket/protocol.ts';

export interface SendOptions {
  /** Default `signal`. */
  readonly kind?: 'signal' | 'result' | 'error';
  readonly signal?: AbortSignal;
}

/** Such as `5s`, or milliseconds. */
export type Deadline = string | number;

export interface RequestOptions {
  /** Default 30 s. */
  readonly deadline?: Deadline;
  readonly signal?: AbortSignal;
}

export interface SignalsOptions {
  /** Default: all. */
  readonly kinds?: readonly SignalKind[];
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/** One that came. */
export interface IncomingSignal {
  /** The sender's: each comes once. */
  readonly id: string;
  readonly kind: SignalKind;
  readonly name: string;
  readonly body: unknown;
  /** The JOB that sent it; missing: a person, or a program outside. */
  readonly from?: string;
  /** ISO 8601. */
  readonly ts: string;
  /** Of a request: after it nobody waits for the answer. */
  readonly deadline?: string;
  /** The envelope of its sender, where it has one. */
  readonly meta?: Readonly<Record<string, unknown>>;
  /**
   * Answers a request.
   * @throws {NikaError} `NIKA_SIGNAL_NO_REQUEST` where it is none, or was answered; `NIKA_SIGNAL_BODY`
   */
  reply(body?: unknown): Promise<void>;
  /** Answers it with an error: `NIKA_SIGNAL_REFUSED` for who asked. */
  fail(message: string): Promise<void>;
}

export interface SignalApi {
  /**
   * Sends a signal to the pod of a JOB; `body` is JSON of at most 32 KiB. Resolves once Redis or the pod has it, or it is
   * held until Redis is back (`via`).
   * @throws {NikaError} `NIKA_SIGNAL_BODY`, `NIKA_SIGNAL_UNSENT`; without Redis also `NIKA_SIGNAL_NO_JOB`
   */
  send(job: string, name: string, body?: unknown, options?: SendOptions): Promise<SentSignal>;
  /**
   * Asks the pod of a JOB, and gives what it answers.
   * @throws {NikaError} `NIKA_SIGNAL_LATE` at the deadline, `NIKA_SIGNAL_REFUSED`, `NIKA_SIGNAL_NO_JOB`,
   * `NIKA_SIGNAL_OVER` where it ended, `NIKA_SIGNAL_UNSENT` where it was not reached
   */
  request(job: string, name: string, body?: unknown, options?: RequestOptions): Promise<unknown>;
  /** Signals to this pod, each once, also those that came before; ends when the pod stops, or by the signal. */
  signals(options?: SignalsOptions): AsyncGenerator<IncomingSignal, void, undefined>;
}

/** A place where signals are heard. */
export interface SignalEar {
  /** The next ones, once there are some; none: it is over. */
  next(signal: AbortSignal | undefined): Promise<readonly Signal[]>;
  close(): Promise<void>;
}

/** What the pod does for it, wherever the code runs. */
export interface SignalPort {
  send(wish: SignalWish, kind: NonNullable<SendOptions['kind']>, signal: AbortSignal | undefined): Promise<SentSignal>;
  request(wish: SignalWish, deadline: Deadline | undefined, signal: AbortSignal | undefined): Promise<unknown>;
  reply(id: string, reply: SignalReply): Promise<void>;
  listen(kinds: readonly SignalKind[] | undefined): SignalEar;
}

export interface SignalWish {
  readonly to: string;
  readonly name: string;
  readonly body: unknown;
}

const ERROR_MAX_CHARS = 4_000;

const incoming = (port: SignalPort, signal: Signal): IncomingSignal => {
  const { id, kind, name, body, from, ts, deadline, meta } = signal;
  return {
    id,
    kind,
    name,
    body,
    ts,
    ...(from === undefined ? {} : { from }),
    ...(deadline === undefined ? {} : { deadline }),
    ...(meta === undefined ? {} : { meta }),
    reply: (answer = null) => port.reply(id, { ok: true, body: answer }),
    fail: (message: unknown) => port.reply(id, { ok: false, error: errorMessage(message).slice(0, ERROR_MAX_CHARS) }),
  };
};

async function* heard(port: SignalPort, { kinds, signal }: SignalsOptions): AsyncGenerator<IncomingSignal, void> {
  const ear = port.listen(kinds);
  try {
    for (;;) {
      const signals = await ear.next(signal);
      if (signals.length === 0 || signal?.aborted === true) return;
      for (const one of signals) yield incoming(port, one);
    }
  } finally {
    await ear.close();
  }
}

export const createSignalApi = (port: SignalPort): SignalApi => ({
  send: (job, name, body = null, { kind = 'signal', signal } = {}) => port.send({ to: job, name, body }, kind, signal),
  request: async (job, name, body = null, { deadline, signal } = {}) =>
    port.request({ to: job, name, body }, deadline, signal),
  signals: (options = {}) => heard(port, options),
});
