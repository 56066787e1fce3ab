/**
 * Owns who answers what is asked of memory: Qdrant, where it has all that the bus of this home has; else that bus.
 *
 * A1. No answer lacks what the bus of this home has: what waits is brought first, for {@link BRING_MS}; then the bus is asked.
 * A2. It is noticed that Qdrant lost what was brought to it, by samples; they are looked for beside the question.
 * A3. That the bus answered is said, and why.
 */
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { QdrantTarget } from '../config/memory/qdrant-settings.ts';
import type {
  CountAnswer,
  CountQuestion,
  MemoryOrigin,
  MemorySource,
  SearchHit,
  SearchQuestion,
} from './memory-source.ts';
import type { PointStore } from './point-store.ts';
import type { DenseEncoder } from './qdrant/dense-encoder.ts';
import { openStore } from './qdrant/open-store.ts';
import { openQdrantSource } from './qdrant/qdrant-source.ts';
import { SourceAway } from './source-away.ts';
import { memoryTargetName, readMemoryCursor, readMemoryState } from './sync/memory-files.ts';
import { areAllThere } from './sync/present-points.ts';
import { readWaiting, type Waiting } from './sync/waiting.ts';

export interface MemoryAskOptions {
  readonly busDir: string;
  readonly runDir: string;
  /** `off`: there is none, and why. */
  readonly qdrant: QdrantTarget | { readonly kind: 'off'; readonly why: string };
  readonly dense?: DenseEncoder;
  /** What waits is brought, in the background. Never rejects. */
  readonly startWriter: () => Promise<void>;
  /** Told of bytes of the bus as they were read. */
  readonly onRead?: (bytes: number, totalBytes: number) => void;
}

export interface MemoryAnswer<T> {
  readonly value: T;
  readonly source: MemoryOrigin;
  /** Why it was not Qdrant. */
  readonly why?: string;
}

type Question<T> = (source: MemorySource, signal: AbortSignal) => Promise<T>;
type Asked<T> = { readonly kind: 'done'; readonly value: T } | { readonly kind: 'away'; readonly thrown: SourceAway };

/** As long as a person waits without wondering. */
export const BRING_MS = 1_200;
const LOOK_EVERY_MS = 25;
const LAST_LOOK_MS = 250;

const isNothing = (waiting: Waiting): boolean => waiting.kind === 'counted' && waiting.count === 0;

/** Of a home in which nothing has run. */
const NOTHING_YET: MemorySource = {
  origin: 'bus',
  count: ({ by }) => Promise.resolve(by === undefined ? { count: 0 } : { count: 0, groups: [] }),
  search: () => Promise.resolve([]),
  similar: () => Promise.resolve([]),
};

const lacksText = (url: string, waiting: Waiting): string => {
  const what =
    waiting.kind === 'all' ? 'not all that this home has' : `not yet the newest ${waiting.count} of what this home has`;
  return `Qdrant at ${url} has ${what}; it is being brought`;
};

class QdrantMemory implements AsyncDisposable {
  readonly #target: QdrantTarget;
  readonly #options: MemoryAskOptions;
  readonly #source: MemorySource & AsyncDisposable;
  readonly #store: PointStore;

  constructor(target: QdrantTarget, options: MemoryAskOptions, { source, store }: Opened) {
    this.#target = target;
    this.#options = options;
    this.#source = source;
    this.#store = store;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source[Symbol.asyncDispose]();
    await this.#store[Symbol.asyncDispose]();
  }

  /** Its answer, or why the bus is to be asked. */
  async ask<T>(question: Question<T>, signal: AbortSignal): Promise<Asked<T> | { kind: 'lacking'; waiting: Waiting }> {
    const startedAtMs = Date.now();
    const untilMs = performance.now() + BRING_MS;
    const [asked, lacking] = await Promise.all([this.#try(question, signal), this.#lacking(BRING_MS, signal)]);
    if (asked.kind === 'away' && !asked.thrown.isUnmade) return asked;
    if (isNothing(lacking)) return asked; // where the collection is missing: there is nothing to make one of
    await this.#options.startWriter();
    const waiting = await this.#untilBrought(startedAtMs, untilMs, signal);
    return isNothing(waiting) ? this.#try(question, signal) : { kind: 'lacking', waiting };
  }

  async #try<T>(question: Question<T>, signal: AbortSignal): Promise<Asked<T>> {
    try {
      return { kind: 'done', value: await question(this.#source, signal) };
    } catch (thrown) {
      signal.throwIfAborted();
      if (thrown instanceof SourceAway) return { kind: 'away', thrown };
      throw thrown;
    }
  }

  /** What waits; `all` also where samples are gone (A2). A Qdrant that does not say lacks nothing: the question tells. */
  async #lacking(withinMs: number, signal: AbortSignal): Promise<Waiting> {
    const samples = readMemoryCursor(this.#options.runDir)?.samples ?? [];
    const [waiting, there] = await Promise.all([
      this.#waiting(withinMs, signal),
      areAllThere(this.#store, samples, signal),
    ]);
    return there.kind === 'done' && !there.value ? { kind: 'all' } : waiting;
  }

  async #waiting(withinMs: number, signal: AbortSignal): Promise<Waiting> {
    const { busDir, runDir } = this.#options;
    const late = AbortSignal.timeout(Math.ceil(withinMs));
    try {
      const about = { busDir, runDir, target: memoryTargetName(this.#target) };
      return await readWaiting(about, AbortSignal.any([signal, late]));
    } catch (thrown) {
      signal.throwIfAborted();
      if (late.aborted) return { kind: 'all' };
      throw thrown;
    }
  }

  /** A1 */
  async #untilBrought(startedAtMs: number, untilMs: number, signal: AbortSignal): Promise<Waiting> {
    const { runDir } = this.#options;
    let lookedAt = '';
    let waiting: Waiting = { kind: 'all' };
    for (;;) {
      const leftMs = untilMs - performance.now();
      const cursor = readMemoryCursor(runDir);
      const at = `${cursor?.at} ${cursor?.place.byte}`;
      if (at !== lookedAt || leftMs <= 0) waiting = await this.#lacking(Math.max(leftMs, LAST_LOOK_MS), signal);
      lookedAt = at;
      const state = readMemoryState(runDir);
      const hasFailed = state !== undefined && state.standing !== 'up' && Date.parse(state.at) >= startedAtMs;
      if (isNothing(waiting) || leftMs <= 0 || hasFailed) return waiting;
      await delay(Math.min(LOOK_EVERY_MS, leftMs), undefined, { signal });
    }
  }
}

interface Opened {
  readonly source: MemorySource & AsyncDisposable;
  readonly store: PointStore;
}

export class MemoryAsk implements AsyncDisposable {
  readonly #options: MemoryAskOptions;
  #qdrant: QdrantMemory | undefined;

  constructor(options: MemoryAskOptions) {
    this.#options = options;
  }

  /** @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason */
  count(question: CountQuestion, signal: AbortSignal): Promise<MemoryAnswer<CountAnswer>> {
    return this.#ask((source, until) => source.count(question, until), signal);
  }

  /** @throws as {@link count} */
  search(question: SearchQuestion, signal: AbortSignal): Promise<MemoryAnswer<readonly SearchHit[]>> {
    return this.#ask((source, until) => source.search(question, until), signal);
  }

  /** @throws as {@link count} */
  similar(
    entity: string,
    question: Omit<SearchQuestion, 'words'>,
    signal: AbortSignal,
  ): Promise<MemoryAnswer<readonly SearchHit[]>> {
    return this.#ask((source, until) => source.similar(entity, question, until), signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#qdrant?.[Symbol.asyncDispose]();
  }

  async #ask<T>(question: Question<T>, signal: AbortSignal): Promise<MemoryAnswer<T>> {
    signal.throwIfAborted();
    const { qdrant } = this.#options;
    if (qdrant.kind === 'off') return this.#askBus(question, qdrant.why, signal);
    this.#qdrant ??= await this.#open(qdrant);
    const asked = await this.#qdrant.ask(question, signal);
    if (asked.kind === 'done') return { value: asked.value, source: 'qdrant' };
    const why =
      asked.kind === 'lacking'
        ? lacksText(qdrant.url, asked.waiting)
        : `Qdrant at ${qdrant.url} cannot answer: ${asked.thrown.failure.why}`;
    return this.#askBus(question, why, signal);
  }

  async #open(target: QdrantTarget): Promise<QdrantMemory> {
    const { dense } = this.#options;
    const given = dense === undefined ? { target } : { target, dense };
    const [source, store] = await Promise.all([openQdrantSource(given), openStore(given)]);
    return new QdrantMemory(target, this.#options, { source, store });
  }

  async #askBus<T>(question: Question<T>, why: string, signal: AbortSignal): Promise<MemoryAnswer<T>> {
    const { busDir, runDir, onRead } = this.#options;
    if (!existsSync(busDir)) return { value: await question(NOTHING_YET, signal), source: 'bus', why };
    const { BusSource } = await import('./bus/bus-source.ts');
    const bus = new BusSource(onRead === undefined ? { busDir, runDir } : { busDir, runDir, onRead });
    return { value: await question(bus, signal), source: 'bus', why }; // A3
  }
}
