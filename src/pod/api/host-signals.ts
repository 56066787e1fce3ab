/** Owns the signals of a program that is a pod itself: it holds the process while it is waited for. */
import type { SignalKind } from '../../model/message.ts';
import type { SignalStation } from '../signals/signal-station.ts';
import type { SentSignal, SignalReply } from '../socket/protocol.ts';
import type { KeepAlive } from './keep-alive.ts';
import type { Deadline, SignalEar, SignalPort, SignalWish } from './signal-api.ts';

export interface HostSignalsOptions {
  readonly alive: KeepAlive;
  /** Aborted when the pod is to end, or has. */
  readonly signal: AbortSignal;
}

export class HostSignals implements SignalPort {
  readonly #station: SignalStation;
  readonly #options: HostSignalsOptions;

  constructor(station: SignalStation, options: HostSignalsOptions) {
    this.#station = station;
    this.#options = options;
  }

  async send(wish: SignalWish, kind: 'signal' | 'result' | 'error', signal?: AbortSignal): Promise<SentSignal> {
    using _alive = this.#options.alive.hold();
    return await this.#station.send(wish, kind, signal);
  }

  async request(wish: SignalWish, deadline: Deadline | undefined, signal?: AbortSignal): Promise<unknown> {
    using _alive = this.#options.alive.hold();
    return await this.#station.request(wish, deadline, signal);
  }

  async reply(id: string, reply: SignalReply): Promise<void> {
    using _alive = this.#options.alive.hold();
    await this.#station.reply(id, reply);
  }

  listen(kinds: readonly SignalKind[] | undefined): SignalEar {
    const { hearing } = this.#station;
    const { alive, signal: end } = this.#options;
    const listener = hearing.listen(kinds);
    return {
      next: async (signal) => {
        using _alive = alive.hold();
        return await hearing.next(listener, signal === undefined ? end : AbortSignal.any([signal, end]));
      },
      close: () => Promise.resolve(hearing.unlisten(listener)),
    };
  }
}
