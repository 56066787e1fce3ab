/** Owns what a pod pushes to its client until somebody takes it: messages, and the word that the pod ends. */
import { BoundedQueue } from '../../failopen/bounded-queue.ts';
import type { PodMessage, Push } from '../socket/protocol.ts';

const LIMITS = { maxCount: 1000, maxBytes: 4 * 1024 * 1024 };

export class Inbox {
  readonly #messages = new BoundedQueue<PodMessage>(LIMITS);
  readonly #stop = new AbortController();
  #wake: () => void = () => undefined;

  /** Aborted when the pod stops, or is gone. */
  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  /** Messages for which there was no room. */
  get refused(): number {
    return this.#messages.refused;
  }

  take(push: Push): void {
    if (push.push === 'stop') {
      this.end(new Error(push.reason, push.cause === undefined ? {} : { cause: push.cause }));
    } else if (push.push === 'message') {
      const { text, from, at } = push;
      this.#messages.offer({ text, at, ...(from === undefined ? {} : { from }) }, 2 * text.length);
      this.#wake();
    } // what a newer pod pushes besides is not for this client
  }

  end(reason: Error): void {
    this.#stop.abort(reason);
    this.#wake();
  }

  shift(): PodMessage | undefined {
    return this.#messages.shift();
  }

  /** Until there is something new: a message, the end, or the abort. */
  async untilWoken(signal?: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    this.#wake = wake;
    signal?.addEventListener('abort', wake);
    await promise;
    signal?.removeEventListener('abort', wake);
  }
}
