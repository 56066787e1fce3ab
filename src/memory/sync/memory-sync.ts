/**
 * Owns that Qdrant has what the bus of a home has for memory (G4): what was written since the last time, or all of it.
 *
 * M1. Written by event id, so that a repeat is harmless: who is killed between a batch and the note of it writes it again.
 * M2. What was lost there is noticed by samples (C2 of `memory-files.ts`): then all of the bus is compared.
 * M3. A writer that has not noticed yet that its segment is full writes on into it: its end is read again for a while.
 */
import type { BusPlace } from '../../bus/query/bus-place.ts';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import { MEMORY_SCHEMA, type MemoryKind } from '../../model/memory.ts';
import type { MemoryPoint } from '../point.ts';
import type { PointStore, StoreFailure, StoreOutcome } from '../point-store.ts';
import { FreshWriter } from './fresh-writer.ts';
import { type MemoryCursor, readMemoryCursor, removeMemoryCursor, writeMemoryCursor } from './memory-files.ts';
import { readRemembered } from './remembered-lines.ts';
import { SamplePicker } from './sample-picker.ts';

export interface SyncCounts {
  /** Points that were looked at, and of them those that were written. */
  readonly comparedCount: number;
  readonly writtenCount: number;
  /** Of the bus, on disk. */
  readonly readBytes: number;
  readonly totalBytes: number;
}

export interface MemorySyncOptions {
  readonly store: PointStore;
  readonly busDir: string;
  readonly runDir: string;
  /** {@link memoryTargetName} */
  readonly target: string;
  /** How long each kind is kept in Qdrant; missing: for ever. */
  readonly keepMs: Readonly<Partial<Record<MemoryKind, number>>>;
  readonly onProgress?: (counts: SyncCounts) => void;
  readonly signal: AbortSignal;
}

export type Caught = { readonly kind: 'done'; readonly isFull: boolean; readonly writtenCount: number } | StoreFailure;

const BATCH = 500;
const COMPARE_BATCH = 1_000;
const KEEP_CURSOR_EVERY_MS = 1_000;
const TURN_MS = 2_000;

type Way =
  /** From the place on: none of it is there. */
  | 'write'
  /** From the beginning: most of it is there. */
  | 'compare'
  /** From the beginning, all of it again. */
  | 'rewrite';

/** Of a rebuild nothing was settled. */
const isAtBeginning = ({ is_partial: isPartial, is_rewrite: isRewrite, place }: MemoryCursor): boolean =>
  isPartial && isRewrite && place.byte === 0;

export class MemorySync {
  readonly #options: MemorySyncOptions;
  readonly #samples = new SamplePicker();
  #place: BusPlace | undefined;
  #isPartial = false;
  #turn: { readonly place: BusPlace; readonly untilMs: number } | undefined;
  #way: Way = 'write';
  /** While all is written again from the beginning, and nothing of it failed. */
  #fresh: FreshWriter | undefined;
  #isReady = false;
  #keptAtMs = -Infinity;
  #counts = { comparedCount: 0, writtenCount: 0, readBytes: 0, totalBytes: 0 };
  /** Of all times, as the cursor has it. */
  #everWritten = 0;

  constructor(options: MemorySyncOptions) {
    this.#options = options;
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
    const failure = await this.#makeReady();
    if (failure !== undefined) return failure;
    const isFull = this.#way !== 'write';
    const failed = await this.#readOn();
    this.#fresh = undefined; // it would see lines twice
    if (failed !== undefined) return failed;
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
    const { store, signal } = this.#options;
    this.#fresh = way === 'rewrite' ? new FreshWriter(store, signal) : undefined;
  }

  /** Where to go on (M2). */
  async #makeReady(): Promise<StoreFailure | undefined> {
    const { store, runDir, target, signal } = this.#options;
    const prepared = await store.prepare(signal);
    if (prepared.kind !== 'done') return prepared;
    if (this.#isReady && prepared.value === 'there') return undefined;
    const cursor = readMemoryCursor(runDir);
    const isKnown = cursor?.target === target && prepared.value === 'there';
    const isThere = isKnown ? await this.#hasSamples(cursor) : { kind: 'done' as const, value: false };
    if (isThere.kind !== 'done') return isThere;
    if (isKnown && isThere.value && !isAtBeginning(cursor)) this.#goOn(cursor);
    else if (isKnown && isThere.value) this.#begin('rewrite');
    else if (prepared.value === 'made') this.#begin('rewrite');
    else if (this.#way === 'write') this.#begin('compare');
    this.#isReady = true;
    return undefined;
  }

  #goOn({ place, samples, is_partial: isPartial, is_rewrite: isRewrite, written }: MemoryCursor): void {
    this.#place = place;
    this.#fresh = undefined;
    this.#isPartial = isPartial;
    this.#way = isPartial && !isRewrite ? 'compare' : isPartial ? 'rewrite' : 'write';
    this.#samples.restore(samples);
    this.#everWritten = written;
  }

  async #hasSamples({ samples }: MemoryCursor): Promise<StoreOutcome<boolean>> {
    if (samples.length === 0) return { kind: 'done', value: true };
    const found = await this.#options.store.present(samples, this.#options.signal);
    return found.kind === 'done' ? { kind: 'done', value: samples.every((id) => found.value.has(id)) } : found;
  }

  async #readOn(): Promise<StoreFailure | undefined> {
    const { busDir, runDir, signal } = this.#options;
    const from = this.#from();
    const batch: MemoryPoint[] = [];
    let place = from;
    const onRead = (...bytes: readonly [number, number]): void => this.#tell(...bytes);
    for await (const piece of readRemembered({ busDir, runDir, from, signal, onRead })) {
      if (piece === 'lost') {
        this.#begin('compare'); // the bus was moved or cut
        return this.#readOn();
      }
      if (this.#place === undefined && this.#fresh !== undefined) this.#reach({ begins: piece.end.begins, byte: 0 }); // F3
      for (const point of piece.points) {
        const failure = await this.#take(point, batch);
        if (failure !== undefined) return failure;
      }
      if (place !== undefined && place.begins !== piece.end.begins)
        this.#turn = { place, untilMs: Date.now() + TURN_MS }; // M3
      place = piece.end;
      const failure = this.#fresh?.isDue === true ? await this.#fresh.settle() : undefined;
      if (failure !== undefined) return failure;
      if (batch.length === 0 && this.#fresh?.isSettled !== false) this.#reach(place);
    }
    const failure = (await this.#fresh?.settle()) ?? (await this.#flush(batch));
    if (failure === undefined && place !== undefined) this.#reach(place);
    return failure;
  }

  #from(): BusPlace | undefined {
    const turn = this.#turn;
    if (turn === undefined) return this.#place;
    if (Date.now() > turn.untilMs) this.#turn = undefined; // once more, and then no more
    return turn.place;
  }

  async #take(point: MemoryPoint, batch: MemoryPoint[]): Promise<StoreFailure | undefined> {
    if (this.#fresh === undefined) {
      batch.push(point);
      return batch.length < (this.#way === 'compare' ? COMPARE_BATCH : BATCH) ? undefined : this.#flush(batch);
    }
    const isWanted = !this.#isTooOld(point);
    if (isWanted) this.#count([point], 1);
    if (this.#counts.comparedCount % BATCH === 0) this.#options.onProgress?.(this.#counts);
    return this.#fresh.add(point, isWanted);
  }

  #count(compared: readonly MemoryPoint[], writtenCount: number): void {
    for (const { id } of compared) this.#samples.add(id);
    this.#counts.comparedCount += compared.length;
    this.#counts.writtenCount += writtenCount;
    this.#everWritten += writtenCount;
  }

  /** Writes what has to be, and empties the batch. */
  async #flush(batch: MemoryPoint[]): Promise<StoreFailure | undefined> {
    const { store, signal } = this.#options;
    const wanted = batch.filter((point) => !this.#isTooOld(point));
    const missing = await this.#missingOf(wanted);
    if (missing.kind !== 'done') return missing;
    for (let at = 0; at < missing.value.length; at += BATCH) {
      const some = missing.value.slice(at, at + BATCH);
      const outcome = await store.write(some, signal);
      if (outcome.kind !== 'done') return outcome;
      this.#count([], some.length);
    }
    this.#count(wanted, 0);
    batch.length = 0;
    this.#options.onProgress?.(this.#counts);
    return undefined;
  }

  async #missingOf(points: readonly MemoryPoint[]): Promise<StoreOutcome<readonly MemoryPoint[]>> {
    if (this.#way !== 'compare' || points.length === 0) return { kind: 'done', value: points };
    const ids = points.map(({ id }) => id);
    const present = await this.#options.store.present(ids, this.#options.signal);
    if (present.kind !== 'done') return present;
    return { kind: 'done', value: points.filter(({ id }) => !present.value.has(id)) };
  }

  #isTooOld({ payload: { kind, ts } }: MemoryPoint): boolean {
    const keepMs = this.#options.keepMs[kind];
    return keepMs !== undefined && Date.parse(ts) < Date.now() - keepMs;
  }

  #tell(readBytes: number, totalBytes: number): void {
    this.#counts = { ...this.#counts, readBytes, totalBytes };
    this.#options.onProgress?.(this.#counts);
  }

  #reach(place: BusPlace): void {
    this.#place = place;
    this.#keep(false);
  }

  /** A disk that takes nothing costs the next one a comparison, and nothing else (G1). */
  #keep(isEnd: boolean): void {
    const place = this.#turn?.place ?? this.#place;
    if (place === undefined || (!isEnd && performance.now() - this.#keptAtMs < KEEP_CURSOR_EVERY_MS)) return;
    this.#keptAtMs = performance.now();
    const { runDir, target } = this.#options;
    bestEffortSync('memory.cursor', () =>
      writeMemoryCursor(runDir, {
        v: 1,
        schema: MEMORY_SCHEMA,
        target,
        place,
        samples: [...this.#samples.ids],
        written: this.#everWritten,
        is_partial: this.#isPartial,
        is_rewrite: this.#isPartial && this.#way === 'rewrite',
        at: new Date().toISOString(),
      }),
    );
  }
}
