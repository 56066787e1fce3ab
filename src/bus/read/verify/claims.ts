/**
 * Owns what is told of heads: in a session's first and last line, and in what `verify --against` is given. Each names a
 * file, a writer, a number and a hash; the line must be there (G8). Their number is bounded (G6).
 */
import type { ChainHash } from '../../chain.ts';
import type { Head } from '../../../model/message.ts';
import type { Place } from './finding.ts';

export interface Claim {
  readonly seq: number;
  readonly h: ChainHash;
  /** Who tells it. */
  readonly toldAt: Place;
  state: 'open' | 'kept' | 'broken';
}

const MAX_CLAIMS = 200_000;
const NEVER = -1;

/** What is told of one writer's lines in one file. */
export class ClaimList {
  readonly #bySeq = new Map<number, Claim[]>();
  /** Numbers of lines that are still to come, the lowest last; sorted when it is needed. */
  #ahead: number[] = [];
  #isSorted = true;
  /** The number of the next line that something is told of; -1: none. */
  nextSeq = NEVER;

  get open(): readonly Claim[] {
    return [...this.#bySeq.values()].flat().filter(({ state }) => state === 'open');
  }

  /** False: that is told already. `lastSeq`: the last line of the writer that was read. */
  add(claim: Claim, lastSeq: number): boolean {
    const { seq, h } = claim;
    const others = this.#bySeq.get(seq) ?? [];
    if (others.some((other) => other.h === h)) return false;
    this.#bySeq.set(seq, [...others, claim]);
    if (seq > lastSeq) {
      this.#ahead.push(seq);
      this.#isSorted = false;
      this.nextSeq = this.nextSeq === NEVER ? seq : Math.min(this.nextSeq, seq);
    }
    return true;
  }

  /** The line of that number has that hash: the claims that this breaks. */
  settle(seq: number, h: ChainHash): readonly Claim[] {
    const about = (this.#bySeq.get(seq) ?? []).filter(({ state }) => state === 'open');
    for (const claim of about) claim.state = claim.h === h ? 'kept' : 'broken';
    this.#lookAhead(seq);
    return about.filter(({ state }) => state === 'broken');
  }

  #lookAhead(lastSeq: number): void {
    if (!this.#isSorted) this.#ahead.sort((a, b) => b - a);
    this.#isSorted = true;
    while ((this.#ahead.at(-1) ?? Infinity) <= lastSeq) this.#ahead.pop();
    this.nextSeq = this.#ahead.at(-1) ?? NEVER;
  }
}

export class Claims {
  readonly #lists = new Map<string, Map<string, ClaimList>>();
  #count = 0;
  #unchecked = 0;

  /** How many were told beyond what is kept in memory. */
  get unchecked(): number {
    return this.#unchecked;
  }

  of(file: string, writer: string): ClaimList | undefined {
    return this.#lists.get(file)?.get(writer);
  }

  /** `lastSeq`: the last line of that writer that was read already. */
  add({ file, writer, seq, h }: Head, toldAt: Place, lastSeq: number): ClaimList {
    const writers = this.#lists.get(file) ?? new Map<string, ClaimList>();
    this.#lists.set(file, writers);
    const list = writers.get(writer) ?? new ClaimList();
    writers.set(writer, list);
    if (this.#count >= MAX_CLAIMS) this.#unchecked += 1;
    else if (list.add({ seq, h, toldAt, state: 'open' }, lastSeq)) this.#count += 1;
    return list;
  }

  /** All that have open claims. */
  *open(): Generator<{ readonly file: string; readonly writer: string; readonly claims: readonly Claim[] }> {
    for (const [file, writers] of this.#lists) {
      for (const [writer, list] of writers) {
        const claims = list.open;
        if (claims.length > 0) yield { file, writer, claims };
      }
    }
  }
}
