/**
 * Owns the writing of a session to Redis: what its sources have to say, in batches, one at a time, and how Redis stands.
 *
 * K1. Whoever has something to say only says so (`want`); nothing is waited for, nothing throws (G1).
 * K2. At most one batch is under way. What was sent is settled by its source before the next one is made.
 * K3. No timer and no socket holds the process; `drain` does, for as long as it was told.
 * K4. What Redis refuses is tried again after a pause that doubles, up to a second. Entries that it takes do not wait for
 *     what it refuses, and those of one source not for another that fails.
 */
import { Breaker } from '../failopen/breaker.ts';
import { bestEffort, bestEffortSync } from '../failopen/best-effort.ts';
import type { ServiceWatch } from '../failopen/service-watch.ts';
import { errorMessage } from '../model/error.ts';
import type { CallOutcome } from './call-outcome.ts';
import type { Link } from './link.ts';
import { runScripts, type ScriptCall } from './scripts/script.ts';

/** A call of a batch, and who wants to know what came of it. */
export interface Part {
  readonly call: ScriptCall<unknown>;
  readonly settle: (outcome: CallOutcome) => void;
  /** Of those that waited. */
  readonly entryCount: number;
}

/** A call with its own kind of answer, as a part. */
export const partOf = <T>(call: ScriptCall<T>, settle: (outcome: CallOutcome<T>) => void, entryCount = 0): Part => ({
  call,
  settle: settle as Part['settle'],
  entryCount,
});

export interface BatchSource {
  /** Entries that wait to be sent: while there are any, batches go on. */
  readonly waitingCount: number;
  /** Between full batches of it there is this much time at least; none by default. */
  readonly fullPauseMs?: number;
  /** The next calls; none: it has nothing to say. `heartbeat`: also what has not changed, so that losses are noticed. */
  nextParts(kind: BatchKind, signal: AbortSignal): Promise<readonly Part[]>;
  /** Nobody asks any more. */
  close?(): void;
}

export type BatchKind = 'due' | 'heartbeat';

export interface BatchWriterOptions {
  readonly openLink: () => Promise<Link>;
  readonly sources: readonly BatchSource[];
  readonly watch: ServiceWatch;
}

/** What came of a batch. */
interface Sent {
  /** Redis took all of it. */
  readonly isWhole: boolean;
  /** There was nothing to send. */
  readonly isEmpty: boolean;
}

/** So long the first entry waits for others. */
const FIRST_WAIT_MS = 10;
/** And so long those that come after a batch: the cost of a batch is spread over them. */
const BETWEEN_MS = 100;
/** As many waiting entries make a batch at once. */
const FULL_COUNT = 512;
const HEARTBEAT_MS = 10_000;
const BATCH_WITHIN_MS = 2_500;
const PREPARE_WITHIN_MS = 5_000;
const LINK_TRIES_MS = 1_000;
/** A link that has been connecting for so long is down; one that was taken says so itself before. */
const CONNECTING_MS = 1_500;

const isDone = ({ kind }: CallOutcome): boolean => kind === 'done';
const whyOf = (outcome: CallOutcome): string => (outcome.kind === 'done' ? '' : outcome.why);

export class BatchWriter implements AsyncDisposable {
  readonly #options: BatchWriterOptions;
  readonly #breaker = new Breaker({ firstPauseMs: 50, maxPauseMs: 1_000 });
  readonly #end = new AbortController();
  #link: Link | undefined;
  #opening: Promise<void> | undefined;
  #batch: Promise<Sent> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #dueAtMs = Infinity;
  /** Whether what is due is a full batch: nothing that comes makes that sooner. */
  #isFullDue = false;
  #heartbeat: NodeJS.Timeout | undefined;
  #isHeartbeatDue = true; // the first batch tells everything
  #sentAtMs = -Infinity;

  constructor(options: BatchWriterOptions) {
    this.#options = options;
  }

  /** Begins to connect. */
  start(): void {
    if (this.#opening !== undefined || this.#end.signal.aborted) return;
    this.#opening = this.#open();
    this.#heartbeat = setInterval(() => {
      this.#isHeartbeatDue = true;
      this.#wantWithin(0);
    }, HEARTBEAT_MS).unref();
  }

  /** There is something to say, which may wait for more (K1): so many entries of one source. This is done for each tool call. */
  want(waitingCount = this.#waitingCount()): void {
    if (this.#batch !== undefined || this.#link?.status.kind !== 'ready') return; // both ask again when they are over
    if (this.#dueAtMs < Infinity && (waitingCount < FULL_COUNT || this.#isFullDue)) return;
    const sinceMs = performance.now() - this.#sentAtMs;
    const fullPauseMs = this.#fullPauseMs();
    this.#isFullDue = fullPauseMs !== undefined;
    this.#wantWithin(fullPauseMs === undefined ? Math.max(FIRST_WAIT_MS, BETWEEN_MS - sinceMs) : fullPauseMs - sinceMs);
  }

  /** There is something to say that somebody waits for (K1). */
  wantSoon(): void {
    this.#wantWithin(FIRST_WAIT_MS);
  }

  /** Sends what waits, if Redis takes it, for so long at most. A Redis that is away is not waited for. Never rejects (K3). */
  async drain(withinMs: number): Promise<void> {
    const end = new AbortController();
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, withinMs);
    await Promise.race([this.#drainUntil(withinMs, end.signal), late]);
    clearTimeout(timer);
    end.abort();
    const { watch } = this.#options;
    if (this.#waitingCount() > 0 && watch.state.kind === 'up') watch.fail('down', `no answer within ${withinMs} ms`);
  }

  async #drainUntil(withinMs: number, signal: AbortSignal): Promise<void> {
    this.start();
    await this.#opening;
    await this.#link?.untilKnown(withinMs, signal);
    this.#isHeartbeatDue = true;
    let leftCount = Infinity;
    while (!signal.aborted && this.#link?.status.kind === 'ready') {
      const { isWhole, isEmpty } = await (this.#batch ?? this.#send());
      const waitingCount = this.#waitingCount();
      // What is refused for good, or cannot be told now, does not keep the rest from being brought.
      if (isWhole && !isEmpty ? waitingCount === 0 && !this.#isHeartbeatDue : waitingCount >= leftCount) return;
      leftCount = waitingCount;
    }
  }

  async close(): Promise<void> {
    this.#end.abort();
    clearTimeout(this.#timer);
    clearInterval(this.#heartbeat);
    for (const source of this.#options.sources) bestEffortSync('redis.close', () => source.close?.());
    await this.#link?.close();
    await this.#batch;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #open(): Promise<void> {
    try {
      const link = await this.#options.openLink();
      if (this.#end.signal.aborted) return await link.close();
      this.#link = link;
      link.onStatus(({ kind }) => {
        if (kind === 'ready') this.#cameBack();
        else this.#lookAtLink();
      });
      this.#lookAtLink();
      setTimeout(() => this.#lookAtLink(), CONNECTING_MS).unref();
    } catch (thrown) {
      // a certificate that cannot be read any more, no file descriptor left …
      if (this.#end.signal.aborted) return;
      this.#options.watch.fail('down', errorMessage(thrown));
      setTimeout(() => {
        this.#opening = this.#open();
      }, LINK_TRIES_MS).unref();
    }
  }

  /** The pause stays: a read-only server is left and found again with each batch that it refuses. */
  #cameBack(): void {
    this.#isHeartbeatDue = true;
    this.#wantWithin(0);
  }

  #lookAtLink(): void {
    const status = this.#link?.status;
    if (status?.kind === 'down') this.#options.watch.fail('down', status.why);
    else if (status?.kind === 'connecting' && Date.now() - status.sinceAtMs >= CONNECTING_MS)
      this.#options.watch.fail('down', 'it does not take the connection');
  }

  #waitingCount(): number {
    let count = 0;
    for (const source of this.#options.sources) count += source.waitingCount;
    return count;
  }

  /** After the batch before, so long at least; `undefined`: no source has a full batch. */
  #fullPauseMs(): number | undefined {
    let pauseMs: number | undefined;
    for (const { waitingCount, fullPauseMs = 0 } of this.#options.sources)
      if (waitingCount >= FULL_COUNT) pauseMs = Math.min(pauseMs ?? Infinity, fullPauseMs);
    return pauseMs;
  }

  #wantWithin(ms: number): void {
    const atMs = performance.now() + Math.max(ms, this.#breaker.pauseMs);
    if (this.#end.signal.aborted || this.#dueAtMs <= atMs) return;
    clearTimeout(this.#timer);
    this.#dueAtMs = atMs;
    this.#timer = setTimeout(() => this.#due(), Math.max(0, atMs - performance.now())).unref();
  }

  #due(): void {
    this.#dueAtMs = Infinity;
    this.#isFullDue = false;
    if (this.#batch !== undefined || this.#link?.status.kind !== 'ready') return; // both ask again when they are over (K2)
    this.#send().then(
      () => undefined,
      () => undefined, // it never rejects
    );
  }

  #send(): Promise<Sent> {
    const batch = this.#sendBatch().finally(() => {
      this.#batch = undefined;
      if (this.#waitingCount() > 0 || this.#isHeartbeatDue) this.want();
    });
    this.#batch = batch;
    return batch;
  }

  /** K2, K4 */
  async #sendBatch(): Promise<Sent> {
    const kind: BatchKind = this.#isHeartbeatDue ? 'heartbeat' : 'due';
    this.#isHeartbeatDue = false; // one that becomes due meanwhile tells of later things
    const prepared = await Promise.all(this.#options.sources.map((source) => this.#partsOf(source, kind)));
    const parts = prepared.flat();
    const link = this.#link;
    const isEmpty = parts.length === 0;
    if (link === undefined) {
      this.#isHeartbeatDue ||= kind === 'heartbeat';
      return { isWhole: false, isEmpty };
    }
    this.#sentAtMs = performance.now();
    const outcomes = isEmpty ? [] : await this.#run(link, parts);
    const isMoving = parts.some(({ entryCount }, at) => entryCount > 0 && outcomes[at]?.kind === 'done');
    const isWhole = this.#judge(outcomes, isMoving);
    if (!isWhole || (kind === 'heartbeat' && isEmpty)) this.#isHeartbeatDue = true;
    return { isWhole, isEmpty };
  }

  async #partsOf(source: BatchSource, kind: BatchKind): Promise<readonly Part[]> {
    const prepared = await bestEffort('redis.prepare', { withinMs: PREPARE_WITHIN_MS }, (late) =>
      source.nextParts(kind, AbortSignal.any([late, this.#end.signal])),
    );
    return prepared.kind === 'done' ? prepared.value : [];
  }

  async #run(link: Link, parts: readonly Part[]): Promise<readonly CallOutcome[]> {
    const calls = parts.map(({ call }) => call);
    const outcomes = await runScripts(link, calls, { withinMs: BATCH_WITHIN_MS });
    for (const [at, outcome] of outcomes.entries()) bestEffortSync('redis.settle', () => parts[at]?.settle(outcome));
    return outcomes;
  }

  #judge(outcomes: readonly CallOutcome[], isMoving: boolean): boolean {
    const { watch } = this.#options;
    const failed = outcomes.find((outcome) => !isDone(outcome));
    if (failed === undefined || isMoving) this.#breaker.succeeded();
    else this.#breaker.failed();
    if (failed !== undefined) {
      if (!this.#end.signal.aborted) watch.fail(outcomes.some(isDone) ? 'degraded' : 'down', whyOf(failed));
      return false; // what was cut off by the end itself is no outage
    }
    const isUp = (): boolean => watch.state.kind === 'up';
    const wasUp = isUp();
    if (outcomes.length > 0) watch.succeed();
    if (!wasUp && isUp()) this.#isHeartbeatDue = true; // what was told is that Redis is away
    return true;
  }
}
