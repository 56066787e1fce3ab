/**
 * Owns when a person is told that a pod waits: once it has waited for a while, and once until it goes on; what is over
 * sooner is told to nobody, and several waits at once are one.
 */
import type { NotifyWay } from '../../config/notify/notify-settings.ts';
import type { WaitReason } from '../../model/message.ts';

export interface OpenWait {
  readonly reason: WaitReason;
  readonly why: string;
  /** ISO 8601. */
  readonly since: string;
  /** By nika itself, which takes the answer. */
  readonly isAsked: boolean;
}

/** How it stands with one way: nothing to tell, about to tell, told. */
type Telling =
  | { readonly kind: 'none' }
  | { readonly kind: 'soon'; readonly timer: NodeJS.Timeout }
  | { readonly kind: 'told' };

export class OpenWaits implements Disposable {
  readonly #tell: (way: NotifyWay, waits: readonly OpenWait[]) => void;
  readonly #waits = new Map<string, OpenWait>();
  readonly #tellings = new Map<NotifyWay, Telling>();

  constructor(ways: readonly NotifyWay[], tell: (way: NotifyWay, waits: readonly OpenWait[]) => void) {
    this.#tell = tell;
    for (const way of ways.filter(({ on }) => on.includes('waiting'))) this.#tellings.set(way, { kind: 'none' });
  }

  add(key: string, wait: OpenWait): void {
    this.#waits.set(key, { ...wait, since: this.#waits.get(key)?.since ?? wait.since });
    this.#update();
  }

  delete(key: string): void {
    if (this.#waits.delete(key)) this.#update();
  }

  /** The pod is over, or its attempt. */
  clear(): void {
    this.#waits.clear();
    this.#update();
  }

  [Symbol.dispose](): void {
    this.clear();
  }

  #of({ reasons }: NotifyWay): readonly OpenWait[] {
    return Array.from(this.#waits.values()).filter(({ reason }) => reasons.includes(reason));
  }

  #update(): void {
    for (const [way, telling] of this.#tellings) {
      const isAny = this.#of(way).length > 0;
      if (isAny && telling.kind === 'none') this.#tellings.set(way, { kind: 'soon', timer: this.#plan(way) });
      if (isAny || telling.kind === 'none') continue;
      if (telling.kind === 'soon') clearTimeout(telling.timer);
      this.#tellings.set(way, { kind: 'none' });
    }
  }

  #plan(way: NotifyWay): NodeJS.Timeout {
    return setTimeout(() => {
      this.#tellings.set(way, { kind: 'told' });
      this.#tell(way, this.#of(way));
    }, way.afterMs).unref();
  }
}
