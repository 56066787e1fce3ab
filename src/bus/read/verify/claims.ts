/**
 * Owns what is told of heads and cannot be settled at once: each names a file, a writer, a number and a hash, and the line
 * must be there (G8). Nearly all are settled when they are told; how many are open at a time is bounded (G6).
 */
import type { ChainHash } from '../../chain.ts';
import type { Head } from '../../../model/message.ts';
import type { Place } from './finding.ts';
import { FingerprintIndex } from './fingerprint-index.ts';

export interface Claim {
  readonly seq: number;
  readonly h: ChainHash;
  /** Who tells it. */
  readonly toldAt: Place;
}

/** At a time; about 250 bytes each. */
export const MAX_OPEN_CLAIMS = 50_000;
const NEVER = -1;

/** What is told of one writer's lines in one file and not settled yet. */
export class ClaimList {
  /** The lowest number last, once it is sorted. */
  #open: Claim[] = [];
  #isSorted = true;
  /** The number of the next line that something is told of; -1: none. */
  nextSeq = NEVER;
  readonly #onSettled: (count: number) => void;

  constructor(onSettled: (count: number) => void) {
    this.#onSettled = onSettled;
  }

  get open(): readonly Claim[] {
    return this.#open;
  }

  /** `lastSeq`: the last line of the writer that was read already. */
  add(claim: Claim, lastSeq: number): void {
    this.#open.push(claim);
    this.#isSorted = false;
    if (claim.seq > lastSeq && (this.nextSeq === NEVER || claim.seq < this.nextSeq)) this.nextSeq = claim.seq;
  }

  /** The line of that number has that hash: the claims that this breaks. Claims of lines before it stay open. */
  settle(seq: number, h: ChainHash): readonly Claim[] {
    if (!this.#isSorted) this.#open.sort((a, b) => b.seq - a.seq);
    this.#isSorted = true;
    let from = this.#open.length;
    while ((this.#open[from - 1]?.seq ?? Infinity) < seq) from -= 1;
    const to = from;
    while (this.#open[from - 1]?.seq === seq) from -= 1;
    const about = this.#open.splice(from, to - from);
    this.nextSeq = this.#open[from - 1]?.seq ?? NEVER;
    this.#onSettled(about.length);
    return about.filter((claim) => claim.h !== h);
  }
}

export class Claims {
  readonly #lists = new Map<string, Map<string, ClaimList>>();
  /** A session tells the same in its channel and on the alpha bus. */
  readonly #told = new FingerprintIndex();
  #openCount = 0;
  #unchecked = 0;

  get openCount(): number {
    return this.#openCount;
  }

  /** How many were told beyond what is kept in memory. */
  get unchecked(): number {
    return this.#unchecked;
  }

  of(file: string, writer: string): ClaimList | undefined {
    return this.#lists.get(file)?.get(writer);
  }

  /** False: it was told before. */
  isNew({ file, writer, seq, h }: Head): boolean {
    const before = this.#told.count;
    this.#told.add(`${file}\n${writer}\n${seq}\n${h}`);
    return this.#told.count > before;
  }

  /** `lastSeq`: the last line of that writer that was read already. */
  add({ file, writer, seq, h }: Head, toldAt: Place, lastSeq: number): ClaimList {
    const writers = this.#lists.get(file) ?? new Map<string, ClaimList>();
    this.#lists.set(file, writers);
    const list = writers.get(writer) ?? new ClaimList((count) => (this.#openCount -= count));
    writers.set(writer, list);
    if (this.#openCount >= MAX_OPEN_CLAIMS) {
      this.#unchecked += 1;
      return list;
    }
    this.#openCount += 1;
    list.add({ seq, h, toldAt }, lastSeq);
    return list;
  }

  /** Frees what is settled of a file that was read. */
  forgetSettled(file: string): void {
    const writers = this.#lists.get(file);
    for (const [writer, { open }] of writers ?? []) if (open.length === 0) writers?.delete(writer);
    if (writers?.size === 0) this.#lists.delete(file);
  }

  /** Frees all, once each was looked up. */
  clear(): void {
    this.#lists.clear();
    this.#openCount = 0;
  }

  /** All that are not settled. */
  *open(): Generator<{ readonly file: string; readonly writer: string; readonly claims: readonly Claim[] }> {
    for (const [file, writers] of this.#lists) {
      for (const [writer, list] of writers) {
        if (list.open.length > 0) yield { file, writer, claims: list.open };
      }
    }
  }
}
