/**
 * Owns putting what a writer has written on stable storage (G2): files of the bus, blobs, and the folders that name them.
 *
 * T1. Calls are grouped; each resolves once all that was written before it is synced, or was refused. None rejects.
 * T2. A refusal is counted and told (G3). It cannot be mended: the kernel has given up what it could not write.
 */
import { close, fdatasync, fsync, open } from 'node:fs';
import { errnoOf, errorMessage } from '../model/error.ts';
import { blobsDir, channelsDir } from './layout.ts';

/** Something was written to it that may not be on stable storage. */
export interface Dirty {
  readonly path: string;
  /** Where it is open. */
  readonly fd?: number | undefined;
}

export interface StableStorageOptions {
  readonly busDir: string;
  /** What the open files owe; asked once for each group. */
  readonly takeDirty: () => readonly Dirty[];
  /** Told of each file that could not be put on stable storage, and why (an errno code where there is one). */
  readonly onFailure: (path: string, why: string) => void;
}

const GROUP_MS = 2;
/** So many blobs are synced without being asked: a session of long bodies says `sync` at its end only. */
const BLOBS_PER_GROUP = 64;
const MAX_OWED_BLOBS = 10_000;
/** Whatever is not there any more cannot be lost by a power cut; that it was removed is told by others. */
const GONE = ['ENOENT', 'ENOTDIR'];

export class StableStorage {
  readonly #options: StableStorageOptions;
  readonly #blobs = new Set<string>();
  #group: Promise<void> | undefined;
  #failedCount = 0;

  constructor(options: StableStorageOptions) {
    this.#options = options;
  }

  /** Files that could not be put on stable storage, each time they could not. */
  get failedCount(): number {
    return this.#failedCount;
  }

  /** Notes a blob that was written: it is synced with the next group. */
  oweBlob(path: string): void {
    if (this.#blobs.size >= MAX_OWED_BLOBS) {
      this.onFailure(path, 'too many blobs wait for a disk that does not answer'); // G6
      return;
    }
    this.#blobs.add(path);
    if (this.#blobs.size % BLOBS_PER_GROUP !== 0) return;
    this.sync().then(
      () => undefined,
      () => undefined, // T1
    );
  }

  /** Resolves once all that was written so far is on stable storage, or could not be put there (T1). */
  sync(): Promise<void> {
    this.#group ??= this.#syncSoon();
    return this.#group;
  }

  /** Counts and tells a refusal (T2). */
  onFailure(path: string, why: string): void {
    this.#failedCount += 1;
    this.#options.onFailure(path, why);
  }

  async #syncSoon(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, GROUP_MS);
    await promise;
    this.#group = undefined;
    const { busDir, takeDirty } = this.#options;
    const blobs = Array.from(this.#blobs, (path) => ({ path }));
    this.#blobs.clear();
    const folders = blobs.length === 0 ? [channelsDir(busDir)] : [channelsDir(busDir), blobsDir(busDir)];
    await Promise.all([...takeDirty(), ...blobs].map((dirty) => this.#sync(dirty)));
    for (const path of folders) await this.#sync({ path }); // a new file is found again only if its folder is synced too
  }

  async #sync(dirty: Dirty): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<NodeJS.ErrnoException | null>();
    syncFile(dirty, resolve);
    const thrown = await promise;
    const code = errnoOf(thrown);
    if (thrown === null || (code !== undefined && GONE.includes(code))) return;
    this.onFailure(dirty.path, code ?? errorMessage(thrown));
  }
}

type Done = (thrown: NodeJS.ErrnoException | null) => void;

/** A descriptor that its owner closed meanwhile is no refusal: then the file is opened by its path. */
const syncFile = ({ path, fd }: Dirty, done: Done): void => {
  if (fd === undefined) syncPath(path, done);
  else
    fdatasync(fd, (thrown) => {
      if (thrown?.code === 'EBADF') syncPath(path, done);
      else done(thrown);
    });
};

const syncPath = (path: string, done: Done): void => {
  open(path, 'r', (refused, fd) => {
    if (refused === null) fsync(fd, (thrown) => close(fd, () => done(thrown)));
    else done(refused);
  });
};

/** Syncs a file that nobody writes to any more, and closes it; nobody waits. */
export const syncAndClose = (fd: number, onFailure: (why: string) => void): void => {
  fdatasync(fd, (thrown) => {
    if (thrown !== null) onFailure(thrown.code ?? thrown.message);
    close(fd, () => undefined); // a system error of close(2) changes nothing for us
  });
};
