/** Owns the signals of a client: asked for over its connection to the pod. */
import type { Signal } from '../../ipc/signals/signal.ts';
import type { SignalKind } from '../../model/message.ts';
import type { Deadline, SignalEar, SignalPort, SignalWish } from '../api/signal-api.ts';
import type { SentSignal, SignalReply } from '../socket/protocol.ts';
import type { Link } from './link.ts';

export class ClientSignals implements SignalPort {
  readonly #link: Link;
  readonly #stopped: AbortSignal;
  #lastListener = 0;

  /** `stopped`: aborted when the pod stops, or is gone. */
  constructor(link: Link, stopped: AbortSignal) {
    this.#link = link;
    this.#stopped = stopped;
  }

  send(wish: SignalWish, kind: 'signal' | 'result' | 'error', signal: AbortSignal | undefined): Promise<SentSignal> {
    return this.#link.request('signal_send', { ...wish, kind }, signal);
  }

  async request(wish: SignalWish, deadline: Deadline | undefined, signal: AbortSignal | undefined): Promise<unknown> {
    return (await this.#link.request('signal_request', { ...wish, deadline }, signal)).body;
  }

  async reply(id: string, reply: SignalReply): Promise<void> {
    await this.#link.request('signal_reply', { signal_id: id, ...reply });
  }

  listen(kinds: readonly SignalKind[] | undefined): SignalEar {
    this.#lastListener += 1;
    const listener = `listener ${this.#lastListener}`;
    const asked = kinds === undefined ? { listener } : { listener, kinds: [...kinds] };
    return {
      next: (signal) => this.#next(asked, signal),
      close: async () => {
        await this.#link.request('signals_end', { listener }).catch(() => undefined); // the pod is gone
      },
    };
  }

  /** None where it was ended, here or there. */
  async #next(
    asked: { readonly listener: string; readonly kinds?: SignalKind[] },
    signal: AbortSignal | undefined,
  ): Promise<readonly Signal[]> {
    const end = signal === undefined ? this.#stopped : AbortSignal.any([signal, this.#stopped]);
    if (end.aborted) return [];
    try {
      return (await this.#link.request('signals', asked, end)).signals;
    } catch (thrown) {
      if (end.aborted) return [];
      throw thrown;
    }
  }
}
