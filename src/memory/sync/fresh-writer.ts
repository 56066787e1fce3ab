/**
 * Owns the writing of a whole bus from its beginning: several batches under way at once, and Qdrant is not asked of each
 * what stands already.
 *
 * F1. What stands is told by the lines of the bus (`standing-fold.ts`).
 * F2. But for what other homes have to do with: a root that began here may have been ended there, too, which is looked up
 *     when a stretch is settled; a root that ends here and began there is written the careful way.
 * F3. A stretch counts when it is settled: until then the cursor says that all from before it is to be written again, not
 *     only what is missing. Who is killed leaves ends of which the beginning stands.
 */
import type { MemoryPoint } from '../point.ts';
import type { PointStore, StoreFailure, StoreOutcome } from '../point-store.ts';
import { StandingFold } from './standing-fold.ts';

const BATCH = 500;
const UNDER_WAY = 3;
/** Points between two settlements. */
const STRETCH = 10_000;
const CLEARED_AT_ONCE = 1_000;

const isStandingRoot = ({ payload: { kind, root_id: root, entity_id: entity, standing } }: MemoryPoint): boolean =>
  kind !== 'session' && standing && (root ?? entity) === entity;

const cutInto = <T>(all: readonly T[], count: number): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(all.length / count) }, (_, nth) => all.slice(nth * count, (nth + 1) * count));

export class FreshWriter {
  readonly #store: PointStore;
  readonly #signal: AbortSignal;
  readonly #fold = new StandingFold();
  readonly #underWay = new Set<Promise<void>>();
  #batch = new Map<string, MemoryPoint>();
  /** Points of before that stand no more. */
  #cleared: string[] = [];
  #careful: MemoryPoint[] = [];
  /** Roots of this stretch of which a point was written as standing. */
  readonly #standing = new Set<string>();
  #count = 0;
  #failure: StoreFailure | undefined;

  constructor(store: PointStore, signal: AbortSignal) {
    this.#store = store;
    this.#signal = signal;
  }

  /** Whether it is time to settle. */
  get isDue(): boolean {
    return this.#count >= STRETCH;
  }

  /** Whether nothing waits to be (F3). */
  get isSettled(): boolean {
    return this.#count === 0 && this.#cleared.length === 0;
  }

  /** `isWanted`: else it is only seen, as is what is not kept any more. @throws the signal's reason */
  async add(line: MemoryPoint, isWanted: boolean): Promise<StoreFailure | undefined> {
    const { point, cleared } = this.#fold.add(line);
    if (cleared !== undefined) this.#clear(cleared);
    if (!isWanted) return undefined;
    this.#count += 1;
    if (cleared === undefined && point.payload.status !== 'created' && isStandingRoot(point)) this.#careful.push(point); // F2
    else {
      this.#batch.set(point.id, point);
      if (isStandingRoot(point)) this.#standing.add(point.payload.entity_id);
    }
    return this.#batch.size < BATCH ? this.#failure : this.#send();
  }

  /** All of it is applied, and stands as it should (F3). @throws the signal's reason */
  async settle(): Promise<StoreFailure | undefined> {
    await this.#send();
    await Promise.all(this.#underWay);
    this.#signal.throwIfAborted();
    const steps: (() => Promise<StoreOutcome<undefined>>)[] = [
      ...cutInto(this.#careful, BATCH).map((points) => () => this.#store.write(points, this.#signal)),
      ...cutInto(this.#cleared, CLEARED_AT_ONCE).map((ids) => () => this.#store.clearStanding(ids, this.#signal)),
      () => this.#store.clearOthers([...this.#standing], this.#signal),
    ];
    for (const step of steps) {
      if (this.#failure !== undefined) return this.#failure;
      const outcome = await step();
      if (outcome.kind !== 'done') return outcome;
    }
    this.#careful = [];
    this.#cleared = [];
    this.#standing.clear();
    this.#count = 0;
    return this.#failure;
  }

  #clear(id: string): void {
    const waiting = this.#batch.get(id);
    if (waiting === undefined) this.#cleared.push(id);
    else this.#batch.set(id, { id, payload: { ...waiting.payload, standing: false } });
  }

  async #send(): Promise<StoreFailure | undefined> {
    while (this.#underWay.size >= UNDER_WAY) await Promise.race(this.#underWay);
    this.#signal.throwIfAborted();
    if (this.#failure !== undefined || this.#batch.size === 0) return this.#failure;
    const written = this.#write([...this.#batch.values()]).finally(() => this.#underWay.delete(written));
    this.#underWay.add(written);
    this.#batch = new Map();
    return undefined;
  }

  async #write(points: readonly MemoryPoint[]): Promise<void> {
    try {
      const outcome = await this.#store.writeFresh(points, true, this.#signal);
      if (outcome.kind !== 'done') this.#failure ??= outcome;
    } catch (thrown) {
      if (!this.#signal.aborted) throw thrown; // else whoever waits for it is told
    }
  }
}
