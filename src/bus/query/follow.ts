/**
 * Owns the following of a bus: its lines as they come, whatever happens to its files meanwhile.
 *
 * V1. Each event once, though it stands in two files, and though a torn end is read twice.
 * V2. The watcher only makes it quick. What it misses (no watches left, a network disk, a folder made anew) a look at
 *     all files finds, each second.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { FSWatcher } from 'chokidar';
import { errorMessage } from '../../model/error.ts';
import { ALPHA, busPath, channelName, channelsDir, segmentNumber } from '../layout.ts';
import { type BusLine, tryParseLine } from '../line.ts';
import { FollowedFile } from './followed-file.ts';
import { readLastLines } from './last-lines.ts';
import { createLineFilter, idOf, type LineQuery, tsOf, typeOf } from './line-filter.ts';
import { rankOf } from './parts.ts';
import { RecentIds } from './recent-ids.ts';

export interface FollowOptions {
  /** Need not be there yet. */
  readonly busDir: string;
  readonly query?: LineQuery;
  /** How many of the lines that are there already come first. Default: none. */
  readonly last?: number;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Told once when files cannot be watched; they are looked at each second then (G9). */
  readonly onWatchFailure?: (why: string) => void;
}

const LOOK_EVERY_MS = 1_000;
/** Both copies of an event, and what several pods write at the same time, come together. */
const GATHER_MS = 5;
/** A channel untouched for so long is not watched, only looked at (G6). */
const QUIET_MS = 10 * 60_000;
/** A file that changed a moment ago changes again: it is looked at, since a watcher leaves out what comes too fast. */
const LIVELY_MS = 2_000;
const LIVELY_LOOK_MS = 50;
const MAX_GATHERED = 2_000;

interface Gathered {
  readonly ts: string;
  readonly rank: number;
  readonly text: string;
}

const inOrder = (gathered: readonly Gathered[]): readonly string[] =>
  gathered.toSorted((a, b) => (a.ts < b.ts ? -1 : a.ts > b.ts ? 1 : a.rank - b.rank)).map(({ text }) => text);

/** What tells whether a file has changed since it was last looked at. */
const tryMark = (path: string): string | undefined => {
  try {
    const { ino, size, mtimeMs } = statSync(path);
    return `${ino} ${size} ${mtimeMs}`;
  } catch {
    return undefined; // gone
  }
};

const tryInode = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.ino;

class Follower implements AsyncDisposable {
  readonly #options: FollowOptions;
  readonly #files = new Map<string, FollowedFile>();
  readonly #marks = new Map<string, string>();
  readonly #changed = new Set<string>();
  readonly #changedAtMs = new Map<string, number>();
  readonly #seen = new RecentIds();
  readonly #timer: NodeJS.Timeout;
  #watcher: FSWatcher | undefined;
  #watchedInode: number | undefined;
  #hasWatchFailed = false;
  #mustLook = false;
  #wake = Promise.withResolvers<void>();

  constructor(options: FollowOptions) {
    this.#options = options;
    for (const path of this.#paths()) this.#follow(path, 'end');
    this.#timer = setInterval(() => this.#lookSoon(), LOOK_EVERY_MS);
    options.signal.addEventListener('abort', () => this.#wake.resolve(), { once: true });
  }

  /** What was there before: of which the newest lines are shown first. */
  async readLast(): Promise<readonly string[]> {
    const { busDir, query = {}, last = 0, signal } = this.#options;
    if (!existsSync(busDir)) return [];
    const texts = await readLastLines({ busDir, query, count: last, signal });
    return texts.filter((text) => this.#isNew(text));
  }

  async watch(): Promise<void> {
    const { busDir, onWatchFailure } = this.#options;
    const inode = tryInode(busDir);
    if (inode === undefined || inode === this.#watchedInode || this.#hasWatchFailed) return;
    await this.#watcher?.close();
    this.#watchedInode = inode;
    const { watch } = await import('chokidar');
    const ignored = (path: string): boolean => !this.#isWatched(path);
    const watcher = watch(busDir, { ignored, depth: 1, ignoreInitial: true, atomic: false, followSymlinks: false });
    watcher.on('all', (_event, path) => this.#note(path));
    watcher.on('ready', () => this.#lookSoon()); // what came while it was getting ready it does not tell
    watcher.on('error', (thrown) => {
      if (!this.#hasWatchFailed) onWatchFailure?.(errorMessage(thrown)); // V2
      this.#hasWatchFailed = true;
    });
    this.#watcher = watcher;
  }

  /** Resolves when something may have changed, or the signal is aborted. */
  async wait(): Promise<void> {
    const wake = this.#wake;
    const again = this.#changedAtMs.size === 0 ? undefined : setTimeout(() => wake.resolve(), LIVELY_LOOK_MS);
    await wake.promise;
    clearTimeout(again);
    this.#wake = Promise.withResolvers();
    const { signal } = this.#options;
    if (signal.aborted) return;
    const gathered = Promise.withResolvers<void>();
    setTimeout(gathered.resolve, GATHER_MS);
    await gathered.promise;
    for (const path of this.#lively()) this.#look(path);
    if (!this.#mustLook) return;
    this.#mustLook = false;
    await this.watch();
    for (const path of new Set([...this.#paths(), ...this.#files.keys()])) this.#look(path);
  }

  /** What came since, in order of time, each event once (V1). */
  async *readNew(): AsyncGenerator<readonly string[]> {
    const { query = {}, signal } = this.#options;
    const filter = createLineFilter(query);
    let gathered: Gathered[] = [];
    const paths = [...this.#changed].sort((a, b) => rankOf(a) - rankOf(b)); // of two copies that of the channel is told
    this.#changed.clear();
    for (const path of paths) {
      for await (const texts of this.#follow(path, 'beginning').readNew(signal)) {
        const found = texts.filter((text) => filter(text) && this.#isNew(text));
        gathered.push(...found.map((text) => ({ ts: tsOf(text), rank: rankOf(path), text })));
        if (gathered.length < MAX_GATHERED) continue;
        yield inOrder(gathered);
        gathered = [];
      }
      if (tryMark(path) === undefined) this.#forget(path);
    }
    if (gathered.length > 0) yield inOrder(gathered);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#watcher?.close();
  }

  #lookSoon(): void {
    this.#mustLook = true;
    this.#wake.resolve();
  }

  #isNew(text: string): boolean {
    const id = idOf(text);
    return id === undefined || this.#seen.add(id, typeOf(text));
  }

  /** The files that are there and may hold what is asked. */
  #paths(): readonly string[] {
    const { busDir, query = {} } = this.#options;
    const { entity } = query;
    if (entity !== undefined && !entity.startsWith('SUB-')) return [busPath(busDir, channelName(entity))];
    return [busPath(busDir, ALPHA), ...this.#channelPaths()];
  }

  #channelPaths(): readonly string[] {
    const dir = channelsDir(this.#options.busDir);
    try {
      return readdirSync(dir).flatMap((name) => (name.endsWith('.jsonl') ? [join(dir, name)] : []));
    } catch {
      return []; // not made yet
    }
  }

  #isWatched(path: string): boolean {
    const { busDir } = this.#options;
    if (path === busDir || path === channelsDir(busDir)) return true;
    if (!path.endsWith('.jsonl')) return false;
    const mtimeMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    return Date.now() - mtimeMs < QUIET_MS;
  }

  #follow(path: string, from: 'beginning' | 'end'): FollowedFile {
    const known = this.#files.get(path);
    if (known !== undefined) return known;
    const mark = tryMark(path);
    if (mark !== undefined && from === 'end') this.#marks.set(path, mark);
    const file = new FollowedFile(path, from);
    this.#files.set(path, file);
    return file;
  }

  #forget(path: string): void {
    this.#marks.delete(path);
    if (path !== busPath(this.#options.busDir, ALPHA)) this.#files.delete(path);
  }

  #note(path: string): void {
    const { entity } = this.#options.query ?? {};
    const isAsked = entity === undefined || this.#paths().includes(path);
    if (!isAsked || !path.endsWith('.jsonl')) return;
    if (segmentNumber(basename(path)) === undefined) this.#look(path);
    else this.#changed.add(busPath(this.#options.busDir, ALPHA));
    this.#wake.resolve();
  }

  /** Files that changed a moment ago. */
  #lively(): readonly string[] {
    const sinceMs = Date.now() - LIVELY_MS;
    for (const [path, atMs] of this.#changedAtMs) if (atMs < sinceMs) this.#changedAtMs.delete(path);
    return [...this.#changedAtMs.keys()];
  }

  #look(path: string): void {
    const mark = tryMark(path);
    if (mark === this.#marks.get(path)) return;
    if (mark !== undefined) this.#marks.set(path, mark);
    this.#changed.add(path);
    this.#changedAtMs.set(path, Date.now());
  }
}

/**
 * The raw lines asked for, as they come, in batches; those that are there already only as far as `last` says.
 * Ends when the signal is aborted.
 */
export async function* followLines(options: FollowOptions): AsyncGenerator<readonly string[]> {
  const { signal } = options;
  await using follower = new Follower({ ...options, busDir: resolve(options.busDir) });
  try {
    const last = await follower.readLast();
    if (last.length > 0) yield last;
    await follower.watch();
    while (!signal.aborted) {
      yield* follower.readNew();
      await follower.wait();
    }
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  }
}

/** {@link followLines} as messages, one by one. A line that does not parse is none. */
export async function* followBus(options: FollowOptions): AsyncGenerator<BusLine> {
  for await (const texts of followLines(options)) {
    for (const text of texts) {
      const line = tryParseLine(text);
      if (line !== undefined) yield line;
    }
  }
}
