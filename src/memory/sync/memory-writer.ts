/**
 * Owns the bringing of what a bus has for memory, for as long as something comes: catch up, wait, again; and how Qdrant
 * stands meanwhile (G3, G9).
 *
 * W1. An outage is told once when it is over, whoever noticed its beginning: that stands in `run/memory/state.json`. Where
 *     its end cannot be written there, it is told by who can: else each would tell it again.
 * W2. With nothing to do it ends after a while; in an outage after a longer one. The bus keeps what waits.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { AlphaWake } from '../../bus/query/alpha-wake.ts';
import { endOf } from '../../bus/query/read-types.ts';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import { Breaker } from '../../failopen/breaker.ts';
import { errorMessage } from '../../model/error.ts';
import type { PointStore, StoreFailure } from '../point-store.ts';
import { type MemoryState, readMemoryState, writeMemoryState } from './memory-files.ts';
import type { KeepMs } from './retention.ts';
import type { MemorySync } from './memory-sync.ts';
import type { Caught } from './sync-options.ts';

export interface MemoryOutage {
  readonly since: string;
  readonly cause: string;
  /** Points that were brought afterwards. */
  readonly replayed: number;
}

export interface MemoryWriterOptions {
  readonly sync: MemorySync;
  readonly store: PointStore;
  readonly busDir: string;
  readonly runDir: string;
  readonly about: Pick<MemoryState, 'target' | 'url' | 'collection'>;
  readonly keepMs: KeepMs;
  /** Whether dense vectors are to be made of what has none yet. */
  readonly isDense: boolean;
  readonly onOutageStart: (why: string) => void;
  readonly onOutageEnd: (outage: MemoryOutage) => Promise<void>;
  readonly lingerMs: number;
  readonly awayLingerMs: number;
}

const PAUSES = { firstPauseMs: 250, maxPauseMs: 10_000 };
const LOOK_EVERY_MS = 2_000;
/** Of a busy bus several changes are looked at together: each look asks Qdrant something. */
const REST_MS = 150;
const RETAIN_EVERY_MS = 24 * 3_600_000;
/** What comes on the bus waits for as long as the endpoint takes for so many. */
const DENSE_BATCH = 64;

/** `undefined`: it was ended by the signal. */
const unlessAborted = async <T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> => {
  try {
    return await work;
  } catch (thrown) {
    if (signal.aborted) return undefined;
    throw thrown;
  }
};

export class MemoryWriter {
  readonly #options: MemoryWriterOptions;
  readonly #breaker = new Breaker(PAUSES);
  #state: MemoryState | undefined;
  #wake = Promise.withResolvers<void>();
  #isDue = true;
  #dense: 'due' | 'complete' | 'failed' = 'due';
  #broughtEnd: string | undefined;

  constructor(options: MemoryWriterOptions) {
    this.#options = options;
    const state = readMemoryState(options.runDir);
    this.#state = state?.target === options.about.target ? state : undefined;
  }

  /** Where the bus ended when it was last brought, as {@link endOf} has it; `undefined`: that could not be. */
  get broughtEnd(): string | undefined {
    return this.#broughtEnd;
  }

  /** Until nothing has come for a while, Qdrant was away for a while, or the signal. */
  async run(signal: AbortSignal): Promise<void> {
    await using _wake = new AlphaWake(this.#options.busDir, () => {
      this.#isDue = true;
      this.#wake.resolve();
    });
    let idleSinceMs = performance.now();
    let isUp = true;
    let restUntilMs = -Infinity;
    while (!signal.aborted) {
      if (this.#isDue && this.#breaker.pauseMs === 0 && performance.now() >= restUntilMs) {
        this.#isDue = false;
        const caught = await this.bring(signal);
        if (caught === undefined) return;
        restUntilMs = performance.now() + REST_MS;
        isUp = caught.kind === 'done';
        if (isUp && caught.kind === 'done' && caught.writtenCount > 0) idleSinceMs = performance.now();
      }
      if (isUp && !this.#isDue && (await this.completeDense(signal))) continue;
      const { lingerMs, awayLingerMs } = this.#options;
      const leftMs = idleSinceMs + (isUp ? lingerMs : awayLingerMs) - performance.now();
      if (leftMs <= 0) return;
      const restMs = this.#isDue ? Math.max(1, restUntilMs - performance.now()) : LOOK_EVERY_MS;
      await this.#sleep(Math.min(leftMs, LOOK_EVERY_MS, this.#breaker.pauseMs || restMs), signal);
      if (!isUp) this.#isDue = true;
    }
  }

  /** Once. `undefined`: it was ended meanwhile. */
  async bring(signal: AbortSignal): Promise<Caught | undefined> {
    let caught: Caught;
    let end: string;
    try {
      end = JSON.stringify(await endOf(this.#options.busDir, signal));
      caught = await this.#options.sync.catchUp();
    } catch (thrown) {
      if (signal.aborted) return undefined;
      this.#breaker.failed(); // the bus cannot be read now
      this.#note({ standing: this.#state?.standing ?? 'up', why: errorMessage(thrown) }, false);
      return { kind: 'away', why: errorMessage(thrown) };
    }
    this.#broughtEnd = caught.kind === 'done' ? end : undefined;
    if (caught.kind !== 'done') {
      this.#fail(caught);
      return caught;
    }
    await this.#succeed(caught.writtenCount);
    await unlessAborted(this.#retain(signal), signal);
    return caught;
  }

  /** Makes some of the dense vectors that are missing; whether there may be more. After a failure the next writer tries again. */
  async completeDense(signal: AbortSignal): Promise<boolean> {
    if (!this.#options.isDense || this.#dense !== 'due') return false;
    const outcome = await unlessAborted(this.#options.store.completeDense(DENSE_BATCH, signal), signal);
    if (outcome?.kind !== 'done') this.#dense = 'failed';
    else if (outcome.value === 0) this.#dense = 'complete';
    return this.#dense === 'due';
  }

  #fail({ kind, why }: StoreFailure): void {
    this.#breaker.failed();
    if (this.#state?.standing !== kind) this.#options.onOutageStart(why);
    this.#note({ standing: kind, why }, false);
  }

  async #succeed(writtenCount: number): Promise<void> {
    this.#breaker.succeeded();
    const before = this.#state;
    const isKept = this.#note({ standing: 'up', why: null }, true);
    if (isKept && before !== undefined && before.standing !== 'up')
      await this.#options.onOutageEnd({ since: before.since, cause: before.why ?? '', replayed: writtenCount }); // W1
    if (writtenCount > 0 && this.#dense === 'complete') this.#dense = 'due';
  }

  #note({ standing, why }: Pick<MemoryState, 'standing' | 'why'>, isWhole: boolean): boolean {
    const { about, runDir } = this.#options;
    const now = new Date().toISOString();
    const before = this.#state;
    this.#state = {
      v: 1,
      ...about,
      standing,
      since: before !== undefined && (before.standing === 'up') === (standing === 'up') ? before.since : now,
      why,
      at: now,
      whole_at: isWhole ? now : (before?.whole_at ?? null),
      retained_at: before?.retained_at ?? null,
    };
    return this.#keepState(runDir);
  }

  /** Whether the next one will know it. */
  #keepState(runDir: string): boolean {
    const state = this.#state;
    const write = (): boolean => {
      if (state !== undefined) writeMemoryState(runDir, state);
      return true;
    };
    return bestEffortSync('memory.state', write) === true;
  }

  async #retain(signal: AbortSignal): Promise<void> {
    const { keepMs, store, sync, runDir } = this.#options;
    const lastMs = Date.parse(this.#state?.retained_at ?? '') || -Infinity;
    const kinds = Object.entries(keepMs);
    if (kinds.length === 0 || Math.abs(Date.now() - lastMs) < RETAIN_EVERY_MS || this.#state === undefined) return;
    for (const [kind, ms] of kinds) {
      const outcome = await store.removeBefore(kind, Date.now() - ms, signal);
      if (outcome.kind !== 'done') return;
    }
    await sync.forgetSamples();
    this.#state = { ...this.#state, retained_at: new Date().toISOString() };
    this.#keepState(runDir);
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    const slept = delay(ms, undefined, { signal: AbortSignal.any([signal, woken.signal]) }).catch(() => undefined);
    await Promise.race([slept, this.#wake.promise]);
    woken.abort();
    await slept;
    this.#wake = Promise.withResolvers();
  }
}
