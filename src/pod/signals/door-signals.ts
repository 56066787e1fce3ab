/** Owns the signals of a pod as they are asked for on its socket, and on the pipe to its module. */
import { setImmediate } from 'node:timers/promises';
import { NikaError } from '../../model/error.ts';
import type { Answers, DoorConnection, Op, RequestOf } from '../socket/protocol.ts';
import type { HeardQueue } from './heard-queue.ts';
import type { SignalStation } from './signal-station.ts';

type SignalOp = Extract<Op, `signal${string}`>;

/** What a connection has open: ended with it. */
export interface DoorOpen {
  /** Aborted when the connection is gone. */
  readonly gone: AbortController;
  readonly stopListening: (() => void)[];
}

/** Of one connection (G6). */
const MAX_LISTENERS = 64;

export class DoorSignals {
  readonly #station: SignalStation;
  readonly #of: (connection: DoorConnection) => DoorOpen;
  readonly #listeners = new WeakMap<DoorOpen, Map<string, HeardQueue>>();

  constructor(station: SignalStation, of: (connection: DoorConnection) => DoorOpen) {
    this.#station = station;
    this.#of = of;
  }

  readonly handlers: {
    readonly [O in SignalOp]: (request: RequestOf<O>, connection: DoorConnection) => Promise<Answers[O]>;
  } = {
    signal_send: ({ kind, ...wish }, connection) => this.#station.send(wish, kind, this.#of(connection).gone.signal),
    signal_request: async ({ deadline, ...wish }, connection) => {
      return { body: await this.#station.request(wish, deadline, this.#of(connection).gone.signal) };
    },
    signals: async (request, connection) => ({ signals: await this.#next(request, connection) }),
    signals_end: async ({ listener }, connection) => {
      const known = this.#listenersOf(connection).get(listener);
      this.#listenersOf(connection).delete(listener);
      if (known !== undefined) this.#station.hearing.unlisten(known);
      await setImmediate(); // what it still asked for is answered before
      return {};
    },
    signal_reply: async ({ signal_id: id, ok, body = null, error = 'it failed' }) => {
      await this.#station.reply(id, ok ? { ok, body } : { ok, error });
      return {};
    },
    signal_deliver: async ({ signal, wait }, connection) => {
      const reply = await this.#station.deliver(signal, wait, this.#of(connection).gone.signal);
      return reply === undefined ? {} : { reply };
    },
  };

  #listenersOf(connection: DoorConnection): Map<string, HeardQueue> {
    const open = this.#of(connection);
    const known = this.#listeners.get(open);
    if (known !== undefined) return known;
    const listeners = new Map<string, HeardQueue>();
    this.#listeners.set(open, listeners);
    open.stopListening.push(() => {
      for (const listener of listeners.values()) this.#station.hearing.unlisten(listener);
    });
    return listeners;
  }

  async #next({ listener: name, kinds, max, wait_ms: waitMs }: RequestOf<'signals'>, connection: DoorConnection) {
    const listeners = this.#listenersOf(connection);
    const { gone } = this.#of(connection);
    let listener = listeners.get(name);
    if (listener === undefined) {
      if (listeners.size >= MAX_LISTENERS) throw new NikaError('NIKA_POD_BUSY', 'too many listeners of one connection');
      listener = this.#station.hearing.listen(kinds);
      listeners.set(name, listener);
    }
    if (waitMs === undefined) return this.#station.hearing.next(listener, gone.signal, max);
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), waitMs);
    const signals = await this.#station.hearing.next(listener, AbortSignal.any([gone.signal, late.signal]), max);
    clearTimeout(timer);
    return signals;
  }
}
