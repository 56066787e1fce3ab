/**
 * Owns that Qdrant has what the bus of a home has for memory (G4): what was written since the last time, or all of it.
 *
 * M1. Written by event id, so that a repeat is harmless: who is killed between a batch and the note of it writes it again.
 * M2. What was lost there is noticed by samples (C2 of `memory-files.ts`), which are looked for at first, after each failure
 *     and now and then (Qdrant may come back with an older state of its data): then all of the bus is compared.
 * M3. A writer that has not noticed yet that its segment is full writes on into it: its end is read again for a while.
 */
import type { BusPlace } from '../../bus/query/bus-place.ts';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import { MEMORY_SCHEMA } from '../../model/memory.ts';
import type { MemoryPoint } from '../point.ts';
import type { StoreFailure } from '../point-store.ts';
import { CarefulWriter } from './careful-writer.ts';
import { FreshWriter } from './fresh-writer.ts';
import {
  isAtBeginning,
  type MemoryCursor,
  readMemoryCursor,
  removeMemoryCursor,
  writeMemoryCursor,
} from './memory-files.ts';
import { areAllThere, done, missingOf } from './present-points.ts';
import { isKept } from './retention.ts';
import { readRemembered } from './remembered-lines.ts';
import { SamplePicker } from './sample-picker.ts';
import type { Caught, MemorySyncOptions, SyncCounts } from './sync-options.ts';

const BATCH = 500;
const COMPARE_BATCH = 1_000;
const KEEP_CURSOR_EVERY_MS = 1_000;
/** While all is written anew: to settle costs a wait for what is under way. */
const SETTLE_EVERY_MS = 3_000;
const TURN_MS = 2_000;
const SURE_MS = 10_000;

/** `write`: from the place on, none of it is there; `compare`: from the beginning, most is; `rewrite`: all of it again. */
type Way = 'write' | 'compare' | 'rewrite';

export class MemorySync {
  readonly #options: MemorySyncOptions;
  readonly #samples = new SamplePicker();
  readonly #careful: CarefulWriter;
  #place: BusPlace | undefined;
  #isPartial = false;
  #turn: { readonly place: BusPlace; readonly untilMs: number } | undefined;
  #way: Way = 'write';
  /** While all is written again from the beginning, and nothing of it failed. */
  #fresh: FreshWriter | undefined;
  #isReady = false;
  /** That nothing was lost there (M2). */
  #sureUntilMs = -Infinity;
  #keptAtMs = -Infinity;
  #counts = { comparedCount: 0, writtenCount: 0, refusedCount: 0, readBytes: 0, totalBytes: 0 };
  /** When the place was reached. */
  #settled = { comparedCount: 0, writtenCount: 0 };
  /** Of the batch at hand (M4 of `careful-writer.ts`). */
  readonly #refused = new Set<string>();

  constructor(options: MemorySyncOptions) {
    const { store, signal, onRefused } = options;
    this.#options = options;
    this.#careful = new CarefulWriter({
      store,
      signal,
      onWritten: (count) => this.#count([], count),
      onRefused: (id, why) => {
        this.#counts.refusedCount += 1;
        this.#refused.add(id);
        onRefused?.(id, why);
      },
    });
  }

  get counts(): SyncCounts {
    return this.#counts;
  }

  /** All of the bus is written again; one that was broken off is gone on with, and then it says so. */
  rebuild(): boolean {
    const { runDir, target } = this.#options;
    const cursor = readMemoryCursor(runDir);
    this.#isReady = false;
    if (cursor?.target === target && cursor.is_partial && cursor.is_rewrite) return true;
    removeMemoryCursor(runDir);
    this.#begin('rewrite');
    return false;
  }

  /** All of the bus is compared. */
  compareAll(): void {
    removeMemoryCursor(this.#options.runDir);
    this.#begin('compare');
    this.#isReady = false;
  }

  /** Some of them were taken out: others are picked. */
  async forgetSamples(): Promise<void> {
    const found = await this.#options.store.present(this.#samples.ids, this.#options.signal);
    if (found.kind !== 'done') return;
    this.#samples.keep((id) => found.value.has(id));
    this.#keep(true);
  }

  /** Up to where the bus ends now. Call it again for what came meanwhile. @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason */
  async catchUp(): Promise<Caught> {
    const before = this.#counts.writtenCount;
    const failure = (await this.#makeReady()) ?? (await this.#readOn());
    this.#fresh = undefined; // it would see lines twice
    if (failure !== undefined) {
      this.#sureUntilMs = -Infinity;
      return failure;
    }
    const isFull = this.#way !== 'write';
    this.#isPartial = false;
    this.#way = 'write';
    this.#keep(true);
    return { kind: 'done', isFull, writtenCount: this.#counts.writtenCount - before };
  }

  #begin(way: Way): void {
    this.#way = way;
    this.#place = undefined;
    this.#turn = undefined;
    this.#isPartial = way !== 'write';
    this.#samples.restore([]); // one that is not to be brought again would be missing for ever
    this.#fresh = way === 'rewrite' ? new FreshWriter(this.#options.store, this.#options.signal) : undefined;
  }

  /** Where to go on (M2). */
  async #makeReady(): Promise<StoreFailure | undefined> {
    const { store, runDir, target, signal } = this.#options;
    const prepared = await store.prepare(signal);
    if (prepared.kind !== 'done') return prepared;
    const isReady = this.#isReady && prepared.value === 'there';
    if (isReady && performance.now() < this.#sureUntilMs) return undefined;
    const cursor = readMemoryCursor(runDir);
    if (isReady && cursor?.target !== target) return undefined; // the disk took none
    const isKnown = cursor?.target === target && prepared.value === 'there';
    const isThere = isKnown ? await areAllThere(store, cursor.samples, signal) : done(false);
    if (isThere.kind !== 'done') return isThere;
    this.#sureUntilMs = performance.now() + SURE_MS;
    if (isKnown && isThere.value && !isAtBeginning(cursor)) {
      if (!isReady) this.#goOn(cursor);
    } else if ((isKnown && isThere.value) || prepared.value === 'made') this.#begin('rewrite');
    else if (isReady || this.#way === 'write') this.#begin(this.#way === 'write' ? 'compare' : this.#way);
    this.#isReady = true;
    return undefined;
  }

  #goOn({ place, turn, samples, is_partial: isPartial, is_rewrite: isRewrite }: MemoryCursor): void {
    this.#place = place;
    this.#turn = turn === null ? undefined : { place: turn, untilMs: performance.now() + TURN_MS };
    this.#fresh = undefined;
    this.#isPartial = isPartial;
    this.#way = isPartial && !isRewrite ? 'compare' : isPartial ? 'rewrite' : 'write';
    this.#samples.restore(samples);
  }

  async #readOn(): Promise<StoreFailure | undefined> {
    const turn = this.#turn;
    if (turn !== undefined) {
      const isLast = performance.now() > turn.untilMs;
      const failure = await this.#readFrom(turn.place, turn.place.begins);
      if (failure !== undefined) return failure;
      if (isLast) this.#turn = undefined;
    }
    return this.#readFrom(this.#place);
  }

  /** `only`: how the segment begins behind which nothing is read (M3). */
  async #readFrom(from: BusPlace | undefined, only?: string): Promise<StoreFailure | undefined> {
    const { busDir, runDir, signal } = this.#options;
    const batch: MemoryPoint[] = [];
    let place = from;
    let changedAtMs = Date.now();
    const onRead = (...bytes: readonly [number, number]): void => this.#tell(...bytes);
    for await (const piece of readRemembered({ busDir, runDir, from, signal, onRead })) {
      if (piece === 'lost') {
        if (only !== undefined) return undefined; // it was compressed: nobody writes to it any more
        this.#begin('compare'); // the bus was moved or cut
        return this.#readFrom(undefined);
      }
      if (only !== undefined && piece.end.begins !== only) break;
      if (this.#place === undefined && this.#fresh !== undefined) this.#beginAt(piece.end);
      for (const point of piece.points) {
        const failure = await this.#take(point, batch);
        if (failure !== undefined) return this.#goOnSlowly(failure);
      }
      if (only !== undefined) continue;
      if (place !== undefined && place.begins !== piece.end.begins && Date.now() - changedAtMs < TURN_MS)
        this.#turn = { place, untilMs: performance.now() + TURN_MS }; // M3
      ({ changedAtMs } = piece);
      place = piece.end;
      const failure = await this.#settle(batch);
      if (failure !== undefined) return this.#goOnSlowly(failure);
      if (batch.length === 0 && this.#fresh?.isSettled !== false) this.#reach(place);
    }
    const failure = (await this.#fresh?.settle()) ?? (await this.#flush(batch));
    if (failure !== undefined) return this.#goOnSlowly(failure);
    if (only === undefined && place !== undefined) this.#reach(place);
    return undefined;
  }

  /** Now and then, so that a place can be kept; else one would be by chance alone. */
  async #settle(batch: MemoryPoint[]): Promise<StoreFailure | undefined> {
    const keptForMs = performance.now() - this.#keptAtMs;
    if (this.#fresh === undefined) return keptForMs < KEEP_CURSOR_EVERY_MS ? undefined : this.#flush(batch);
    return this.#fresh.isDue || keptForMs >= SETTLE_EVERY_MS ? this.#fresh.settle() : undefined;
  }

  /** One of many points at once is not taken (M4 of `careful-writer.ts`): which it is is found out from where all was written. */
  async #goOnSlowly(failure: StoreFailure): Promise<StoreFailure | undefined> {
    if (failure.kind !== 'other-shape' || this.#fresh === undefined) return failure;
    this.#fresh = undefined;
    this.#samples.keep(() => false);
    this.#counts = { ...this.#counts, ...this.#settled };
    return this.#readFrom(this.#place);
  }

  /** Before anything of it is written (F3 of `fresh-writer.ts`). */
  #beginAt({ begins }: BusPlace): void {
    this.#place = { begins, byte: 0 };
    this.#keep(true);
  }

  async #take(point: MemoryPoint, batch: MemoryPoint[]): Promise<StoreFailure | undefined> {
    if (this.#fresh === undefined) {
      batch.push(point);
      return batch.length < (this.#way === 'compare' ? COMPARE_BATCH : BATCH) ? undefined : this.#flush(batch);
    }
    const isWanted = isKept(point, this.#options.keepMs);
    if (isWanted) this.#count([point], 1);
    if (this.#counts.comparedCount % BATCH === 0) this.#options.onProgress?.(this.#counts);
    return this.#fresh.add(point, isWanted);
  }

  #count(compared: readonly MemoryPoint[], writtenCount: number): void {
    for (const { id } of compared) if (!this.#refused.has(id)) this.#samples.add(id);
    this.#counts.comparedCount += compared.length;
    this.#counts.writtenCount += writtenCount;
  }

  /** Writes what has to be, and empties the batch. */
  async #flush(batch: MemoryPoint[]): Promise<StoreFailure | undefined> {
    const wanted = batch.filter((point) => isKept(point, this.#options.keepMs));
    const { store, signal } = this.#options;
    const missing = this.#way === 'compare' ? await missingOf(store, wanted, signal) : done(wanted);
    if (missing.kind !== 'done') return missing;
    for (let at = 0; at < missing.value.length; at += BATCH) {
      const some = missing.value.slice(at, at + BATCH);
      const failure = await this.#careful.write(some);
      if (failure !== undefined) return failure;
    }
    this.#count(wanted, 0);
    this.#refused.clear();
    batch.length = 0;
    this.#options.onProgress?.(this.#counts);
    return undefined;
  }

  #tell(readBytes: number, totalBytes: number): void {
    this.#counts = { ...this.#counts, readBytes, totalBytes };
    this.#options.onProgress?.(this.#counts);
  }

  #reach(place: BusPlace): void {
    this.#place = place;
    const { comparedCount, writtenCount } = this.#counts;
    this.#settled = { comparedCount, writtenCount };
    this.#keep(false);
  }

  /** A disk that takes nothing costs the next one a comparison, and nothing else (G1). */
  #keep(isEnd: boolean): void {
    const place = this.#place;
    if (place === undefined || (!isEnd && performance.now() - this.#keptAtMs < KEEP_CURSOR_EVERY_MS)) return;
    this.#keptAtMs = performance.now();
    const { runDir, target } = this.#options;
    bestEffortSync('memory.cursor', () =>
      writeMemoryCursor(runDir, {
        v: 1,
        schema: MEMORY_SCHEMA,
        target,
        place,
        turn: this.#turn?.place ?? null,
        samples: [...this.#samples.ids],
        is_partial: this.#isPartial,
        is_rewrite: this.#isPartial && this.#way === 'rewrite',
        at: new Date().toISOString(),
      }),
    );
  }
}
