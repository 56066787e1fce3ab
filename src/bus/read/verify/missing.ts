/**
 * Owns counting the messages of one writer that stand in their channel or on the alpha bus only, and telling which of
 * them are the last ones of their entity: after them nothing of it came to the other side.
 */
import { ownCopy } from '../own-copy.ts';
import type { Place } from './finding.ts';
import type { ReadMessage } from './messages.ts';

export interface Missing {
  readonly id: string;
  readonly type: string;
  readonly ts: string;
  readonly entity: string;
  readonly place: Place;
  /** Counts up in the order of reading. */
  readonly number: number;
}

/** Of one writer. */
const MAX_TOLD = 20;

/** How many, the first ones, and the last one. */
export class MissingTally {
  count = 0;
  readonly first: Missing[] = [];
  last: Missing | undefined;

  add({ count, first, last }: MissingTally): void {
    this.count += count;
    this.first.push(...first.slice(0, MAX_TOLD - this.first.length));
    this.last = last ?? this.last;
  }

  addOne(missing: Missing): void {
    this.count += 1;
    if (this.first.length < MAX_TOLD) this.first.push(missing);
    this.last = missing;
  }
}

/** Messages of one entity that are missing in a row, up to its last one. */
class Run {
  readonly tally = new MissingTally();
  readonly numbers: number[] = [];
  /** The last one that came to the other side while it was read. */
  lateNumber = -1;

  add(missing: Missing): void {
    this.numbers.push(missing.number);
    this.tally.addOne(missing);
  }

  /** What is missing before the last one that came late, and what is missing after it. */
  split(): { readonly before: MissingTally; readonly after: MissingTally } {
    const { tally, lateNumber } = this;
    const before = new MissingTally();
    const after = new MissingTally();
    for (const missing of tally.first) (missing.number <= lateNumber ? before : after).addOne(missing);
    after.count = this.numbers.filter((number) => number > lateNumber).length;
    before.count = tally.count - after.count;
    (after.count > 0 ? after : before).last = tally.last;
    return { before, after };
  }
}

export class MissingMessages {
  readonly #settled = new MissingTally();
  readonly #runs = new Map<string, Run>();
  /** The one that was read last. */
  last: Missing | undefined;

  add({ header: { id, type, ts, entity }, place }: ReadMessage, number: number): void {
    this.last = { id: ownCopy(id), type: ownCopy(type), ts: ownCopy(ts), entity: ownCopy(entity), place, number };
    let run = this.#runs.get(entity);
    if (run === undefined) {
      run = new Run();
      this.#runs.set(ownCopy(entity), run);
    }
    run.add(this.last);
  }

  /** A message of the entity stands on both sides: those before it are not its last ones. */
  onPresent(entity: string): void {
    const run = this.#runs.get(entity);
    if (run === undefined) return;
    this.#settled.add(run.tally);
    this.#runs.delete(entity);
  }

  /** The message of that number came to the other side after all. */
  onLate(entity: string, number: number): void {
    this.#settled.count -= 1;
    const run = this.#runs.get(entity);
    if (run !== undefined && number > run.lateNumber) run.lateNumber = number;
  }

  /** Takes away the last messages of the entities for which `isExcused`; those of each are told by themselves. */
  takeEnds(isExcused: (entity: string) => boolean): readonly MissingTally[] {
    const ends: MissingTally[] = [];
    for (const [entity, run] of this.#runs) {
      if (!isExcused(entity)) continue;
      const { before, after } = run.split();
      this.#settled.add(before);
      this.#runs.delete(entity);
      if (after.count > 0) ends.push(after);
    }
    return ends;
  }

  /** All that are left. */
  total(): MissingTally {
    for (const { tally } of this.#runs.values()) this.#settled.add(tally);
    this.#runs.clear();
    return this.#settled;
  }
}
