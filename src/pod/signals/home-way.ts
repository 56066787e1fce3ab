/**
 * Owns the way of a signal to a pod of this home without Redis: its record in `run/pods`, its socket, one request.
 *
 * M1. What goes to one pod goes over one connection, in its order.
 */
import { errorMessage, NikaError } from '../../model/error.ts';
import type { EntityId } from '../../model/id.ts';
import type { Signal } from '../../ipc/signals/signal.ts';
import type { PodClient } from '../client/client.ts';
import type { Answers } from '../socket/protocol.ts';
import type { PodRecord } from '../registry/pod-record.ts';
import { isOver, statusOf } from '../registry/pod-status.ts';
import { readRecords } from '../registry/record-file.ts';

/** How a job stands as far as the records of this home tell. */
export type StandingHere =
  | { readonly kind: 'living'; readonly record: PodRecord }
  | { readonly kind: 'over'; readonly status: string }
  /** None of its pods ran here. */
  | { readonly kind: 'unknown' };

export const standingHere = (runDir: string, job: EntityId): StandingHere => {
  const record = readRecords(runDir).findLast(({ entity }) => entity === job);
  if (record === undefined) return { kind: 'unknown' };
  const status = statusOf(record);
  return status === 'lost' || isOver(record) ? { kind: 'over', status } : { kind: 'living', record };
};

export type Delivered =
  /** `reply`: where it was waited for. */
  | { readonly kind: 'taken'; readonly reply: Answers['signal_deliver']['reply'] }
  /** `mayCome`: it lives, and may be reached in a moment. */
  | { readonly kind: 'not'; readonly why: string; readonly mayCome: boolean };

const CONNECT_MS = 1_000;
/** A connection that was not used for so long is closed. */
const IDLE_MS = 30_000;

interface Way {
  readonly socket: string;
  readonly opening: Promise<PodClient>;
  usedAtMs: number;
  /** Requests whose answer is waited for. */
  openCount: number;
}

export class HomeWay implements AsyncDisposable {
  readonly #runDir: string;
  readonly #ways = new Map<EntityId, Way>();
  readonly #sweep: NodeJS.Timeout;

  constructor(runDir: string) {
    this.#runDir = runDir;
    this.#sweep = setInterval(() => this.#closeIdle(), IDLE_MS).unref();
  }

  /** `onSent`: the pod has it, as far as can be told; then until a request is answered. Never rejects. */
  async deliver(signal: Signal, abort: AbortSignal, onSent?: () => void): Promise<Delivered> {
    const standing = standingHere(this.#runDir, signal.to);
    if (standing.kind !== 'living')
      return { kind: 'not', why: `no pod of ${signal.to} runs in this home`, mayCome: false };
    const { socket } = standing.record;
    if (socket === null) return { kind: 'not', why: `${signal.to} cannot be reached yet`, mayCome: true };
    const way = this.#wayTo(signal.to, socket);
    way.openCount += 1;
    try {
      const client = await way.opening;
      const delivering = client.deliver(signal, onSent !== undefined, abort);
      onSent?.();
      const { reply } = await delivering;
      return { kind: 'taken', reply };
    } catch (thrown) {
      const isAnswer = thrown instanceof NikaError && thrown.code === 'NIKA_POD_BUSY';
      if (!isAnswer && !abort.aborted && this.#ways.get(signal.to) === way) this.#drop(signal.to, way);
      return { kind: 'not', why: errorMessage(thrown), mayCome: true };
    } finally {
      way.openCount -= 1;
      way.usedAtMs = performance.now();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#sweep);
    const ways = [...this.#ways.values()];
    this.#ways.clear();
    await Promise.all(ways.map(({ opening }) => opening.then((client) => client[Symbol.asyncDispose](), ignore)));
  }

  /** M1 */
  #wayTo(job: EntityId, socket: string): Way {
    const known = this.#ways.get(job);
    if (known?.socket === socket) return known;
    if (known !== undefined) this.#drop(job, known);
    const opening = import('../client/client.ts').then(({ connect }) =>
      connect({ path: socket, client: 'a pod', deadlineMs: 2_000, signal: AbortSignal.timeout(CONNECT_MS) }),
    );
    opening.catch(ignore); // told to whoever waits for it
    const way: Way = { socket, opening, usedAtMs: performance.now(), openCount: 0 };
    this.#ways.set(job, way);
    return way;
  }

  #drop(job: EntityId, { opening }: Way): void {
    this.#ways.delete(job);
    opening.then((client) => client[Symbol.asyncDispose](), ignore).then(ignore, ignore);
  }

  #closeIdle(): void {
    for (const [job, way] of this.#ways) {
      const isIdle = way.openCount === 0 && performance.now() - way.usedAtMs > IDLE_MS;
      if (isIdle) this.#drop(job, way);
    }
  }
}

const ignore = (): void => undefined;
