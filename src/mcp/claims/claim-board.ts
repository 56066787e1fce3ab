/**
 * Owns the claims of a home: `run/claims/<uuid>.json`, one file each.
 *
 * B1. Of two that claim overlapping paths at the same time at most one gets it: each makes its claim known first, then
 *     looks at all others, and takes its own back where it meets one.
 * B2. A file appears whole, by a rename, and its name never comes again: what is removed is nobody else's.
 */
import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeFolder } from '../../failopen/make-folder.ts';
import { errnoOf } from '../../model/error.ts';
import { type Claim, claimSchema, type Holder, isPast, overlaps } from './claim.ts';

export interface ClaimWish {
  /** Absolute, without links. */
  readonly path: string;
  readonly ttlMs: number;
  readonly why: string;
  readonly holder: Holder;
}

export type ClaimOutcome =
  | { readonly kind: 'claimed'; readonly claim: Claim }
  /** By others, the oldest first. */
  | { readonly kind: 'held'; readonly by: readonly Claim[] }
  | { readonly kind: 'full'; readonly count: number };

const DIR_MODE = 0o700;
const FILE_MODE = 0o600;
const ENDING = '.json';
const BESIDE = '.tmp';
/** More in a home are a mistake (G6). */
const MAX_CLAIMS = 1_000;
/** Who makes a claim and does not say within this time what came of it has it, or was killed: its time will be up. */
const SETTLES_WITHIN_MS = 1_000;
/** Of two who take theirs back because of each other, one will be first the next time. */
const MAX_TRIES = 8;
const AGAIN_MS = 5;
/** What a writer that was killed has left. */
const LEFT_AFTER_MS = 60_000;
/** A listing while others come and go is made again. */
const MAX_LISTINGS = 20;

const bySince = (a: Claim, b: Claim): number => (a.since < b.since ? -1 : a.since > b.since ? 1 : a.id < b.id ? -1 : 1);

type Read =
  | { readonly kind: 'claim'; readonly claim: Claim }
  | { readonly kind: 'gone' }
  | { readonly kind: 'foreign' };

const tryRead = (path: string): Read => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return { kind: 'gone' };
    throw thrown;
  }
  try {
    return { kind: 'claim', claim: claimSchema.parse(JSON.parse(text)) };
  } catch {
    return { kind: 'foreign' }; // of another version of nika, or no claim: left alone
  }
};

export class ClaimBoard {
  readonly #runDir: string;
  readonly #dir: string;

  constructor(runDir: string) {
    this.#runDir = runDir;
    this.#dir = join(runDir, 'claims');
  }

  /** Those that hold, the oldest first; what is over is removed. @throws a system error */
  list(): readonly Claim[] {
    for (let listing = 1; ; listing += 1) {
      const reads = this.#names().map((name) => tryRead(join(this.#dir, name)));
      // One that went between listing and reading may have been renewed under another name meanwhile.
      if (listing < MAX_LISTINGS && reads.some(({ kind }) => kind === 'gone')) continue;
      const claims = reads.flatMap((read) => (read.kind === 'claim' ? [read.claim] : []));
      const past = claims.filter((claim) => isPast(claim, this.#runDir));
      for (const claim of past) this.#remove(claim);
      return claims.filter((claim) => !past.includes(claim)).sort(bySince);
    }
  }

  /** Claims a path, or renews one's own claim. @throws a system error */
  async claim(wish: ClaimWish, signal: AbortSignal): Promise<ClaimOutcome> {
    for (let tries = 1; ; tries += 1) {
      const known = this.list();
      if (known.length >= MAX_CLAIMS) return { kind: 'full', count: known.length };
      const { key } = wish.holder;
      const before = known.find((claim) => claim.holder.key === key && claim.path === wish.path);
      const mine = this.#publish(wish, before?.since);
      const all = this.list();
      const others = all.filter((claim) => claim.holder.key !== key && overlaps(claim, mine));
      if (others.length === 0) {
        const older = all.filter(({ id, path, holder }) => holder.key === key && path === mine.path && id !== mine.id);
        const settled = { ...mine, settled: true };
        this.#write(settled);
        for (const claim of older) this.#remove(claim);
        return { kind: 'claimed', claim: settled };
      }
      this.#remove(mine); // B1
      const isSettled = others.some(
        ({ settled, since }) => settled || Date.now() - Date.parse(since) > SETTLES_WITHIN_MS,
      );
      if (isSettled || tries >= MAX_TRIES) return { kind: 'held', by: others };
      await delay(AGAIN_MS * Math.random() * 2 ** Math.min(tries, 4), undefined, { signal });
    }
  }

  /** Gives back what the holder claimed: the path itself. Those that were given back. @throws a system error */
  release(path: string, { key }: Holder): readonly Claim[] {
    const own = this.list().filter((claim) => claim.holder.key === key && claim.path === path);
    for (const claim of own) this.#remove(claim);
    return own;
  }

  #names(): readonly string[] {
    let names: readonly string[];
    try {
      names = readdirSync(this.#dir);
    } catch (thrown) {
      if (errnoOf(thrown) === 'ENOENT') return []; // nobody has claimed anything yet
      throw thrown;
    }
    for (const name of names) if (name.endsWith(BESIDE)) this.#removeLeft(name);
    return names.filter((name) => name.endsWith(ENDING));
  }

  #publish({ path, ttlMs, why, holder }: ClaimWish, heldSince: string | undefined): Claim {
    const nowMs = Date.now();
    const times = { since: heldSince ?? new Date(nowMs).toISOString(), until: new Date(nowMs + ttlMs).toISOString() };
    const claim: Claim = { v: 1, id: crypto.randomUUID(), path, why, holder, ...times, settled: false };
    makeFolder(this.#dir, DIR_MODE);
    this.#write(claim);
    return claim;
  }

  /** Its file is there from then on, whole, until somebody removes it (B2). */
  #write(claim: Claim): void {
    const file = this.#pathOf(claim);
    writeFileSync(`${file}${BESIDE}`, `${JSON.stringify(claim)}\n`, { mode: FILE_MODE });
    renameSync(`${file}${BESIDE}`, file);
  }

  #pathOf({ id }: Claim): string {
    return join(this.#dir, `${id}${ENDING}`);
  }

  #remove(claim: Claim): void {
    rmSync(this.#pathOf(claim), { force: true });
  }

  #removeLeft(name: string): void {
    const path = join(this.#dir, name);
    const atMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (atMs !== undefined && Date.now() - atMs > LEFT_AFTER_MS) rmSync(path, { force: true });
  }
}
