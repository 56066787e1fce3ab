/** Owns the requests that other pods have made of this one and that wait for an answer. */
import type { Signal } from '../../ipc/signals/signal.ts';
import type { SignalReply } from '../socket/protocol.ts';

/** More are a mistake of those who ask (G6). */
const MAX_COUNT = 10_000;

export interface AskedRequest {
  readonly signal: Signal;
  /** Told besides: who came straight to the pod and waits there. */
  readonly onReply: Set<(reply: SignalReply) => void>;
}

const isExpired = ({ signal }: AskedRequest): boolean =>
  signal.deadline !== undefined && Date.parse(signal.deadline) < Date.now();

export class AskedRequests {
  readonly #asked = new Map<string, AskedRequest>();

  /** False: too many wait already. */
  add(signal: Signal): boolean {
    if (this.#asked.size >= MAX_COUNT) this.#forgetExpired();
    if (this.#asked.size >= MAX_COUNT) return false;
    this.#asked.set(signal.id, { signal, onReply: new Set() });
    return true;
  }

  get(id: string): AskedRequest | undefined {
    return this.#asked.get(id);
  }

  /** Nobody else answers it from now on. */
  take(id: string): AskedRequest | undefined {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    return asked;
  }

  /** Those that somebody still waits for. */
  takeAll(): readonly AskedRequest[] {
    const all = [...this.#asked.values()].filter((asked) => !isExpired(asked));
    this.#asked.clear();
    return all;
  }

  #forgetExpired(): void {
    for (const [id, asked] of this.#asked) if (isExpired(asked)) this.#asked.delete(id);
  }
}
