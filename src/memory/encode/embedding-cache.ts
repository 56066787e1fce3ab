/**
 * Owns the dense vectors on disk, so that a text is paid for once: one file for each, by the hash of model and text.
 *
 * B1. Bounded: each of its 256 folders holds its share of {@link CACHE_BYTES}; the oldest files go first (G6).
 * B2. It never fails and never holds up for long: what it cannot read is made again, what it cannot write is not kept.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { bestEffort } from '../../failopen/best-effort.ts';
import { makeFolderSoon } from '../../failopen/make-folder.ts';

export type DenseVector = readonly number[];

export const CACHE_BYTES = 128 * 1024 * 1024;
const FOLDERS = 256;
/** After going over it, this much of a folder stays, so that not each file costs a look at all of them. */
const KEPT_SHARE = 0.75;
const NUMBER_BYTES = 4;
const CHECK_BYTES = 4;
const DISK_BUDGET_MS = 2_000;

export interface CacheOptions {
  readonly dir: string;
  /** Whose vectors: the endpoint and its model. */
  readonly of: string;
  readonly dimension: number;
  readonly maxBytes?: number;
}

const bytesOf = (vector: DenseVector): Buffer => {
  const bytes = Buffer.allocUnsafe(CHECK_BYTES + vector.length * NUMBER_BYTES);
  for (const [n, value] of vector.entries()) bytes.writeFloatLE(value, CHECK_BYTES + n * NUMBER_BYTES);
  bytes.writeUInt32LE(crc32(bytes.subarray(CHECK_BYTES)), 0);
  return bytes;
};

const isSystemError = (thrown: unknown): thrown is NodeJS.ErrnoException => thrown instanceof Error && 'code' in thrown;

export class EmbeddingCache {
  readonly #options: CacheOptions;
  readonly #maxFiles: number;

  constructor(options: CacheOptions) {
    this.#options = options;
    const { dimension, maxBytes = CACHE_BYTES } = options;
    this.#maxFiles = Math.max(1, Math.floor(maxBytes / FOLDERS / (CHECK_BYTES + dimension * NUMBER_BYTES)));
  }

  /** `undefined`: it is not there, or damaged. */
  async read(text: string): Promise<DenseVector | undefined> {
    const { path } = this.#placeOf(text);
    const outcome = await bestEffort('memory.embeddings.read', { withinMs: DISK_BUDGET_MS }, async (signal) => {
      try {
        return this.#vectorIn(await readFile(path, { signal }));
      } catch (thrown) {
        if (isSystemError(thrown) && thrown.code === 'ENOENT') return undefined;
        throw thrown;
      }
    });
    return outcome.kind === 'done' ? outcome.value : undefined;
  }

  async write(text: string, vector: DenseVector): Promise<void> {
    const { folder, path } = this.#placeOf(text);
    await bestEffort('memory.embeddings.write', { withinMs: DISK_BUDGET_MS }, async (signal) => {
      await makeFolderSoon(folder, 0o700);
      const halfway = `${path}.${randomUUID()}`; // counted and removed with the others, should it stay behind
      await writeFile(halfway, bytesOf(vector), { mode: 0o600, signal });
      await rename(halfway, path);
      await this.#bound(folder);
    });
  }

  /** B1. Files that another process removes at the same time are gone, which is what is wanted. */
  async #bound(folder: string): Promise<void> {
    const names = await readdir(folder);
    if (names.length <= this.#maxFiles) return;
    const files = await Promise.all(
      names.map(async (name) => {
        const path = join(folder, name);
        const found = await stat(path).catch(() => undefined);
        return { path, atMs: found?.mtimeMs ?? 0 };
      }),
    );
    const keep = Math.max(1, Math.floor(this.#maxFiles * KEPT_SHARE));
    const old = files.toSorted((a, b) => b.atMs - a.atMs).slice(keep);
    await Promise.all(old.map(({ path }) => unlink(path).catch(() => undefined)));
  }

  #placeOf(text: string): { readonly folder: string; readonly path: string } {
    const { dir, of, dimension } = this.#options;
    const hash = createHash('sha256')
      .update(JSON.stringify([of, dimension, text]))
      .digest('hex');
    const folder = join(dir, hash.slice(0, 2));
    return { folder, path: join(folder, hash.slice(2)) };
  }

  #vectorIn(bytes: Buffer): DenseVector | undefined {
    const { dimension } = this.#options;
    if (bytes.byteLength !== CHECK_BYTES + dimension * NUMBER_BYTES) return undefined;
    if (bytes.readUInt32LE(0) !== crc32(bytes.subarray(CHECK_BYTES))) return undefined;
    return Array.from({ length: dimension }, (_, n) => bytes.readFloatLE(CHECK_BYTES + n * NUMBER_BYTES));
  }
}
