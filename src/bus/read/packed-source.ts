/**
 * Owns the bytes of a compressed part, unpacked step by step: what is held of it stays small however long nobody asks,
 * so that hundreds can be open at once (G6). Going on costs nothing; beginning again would mean unpacking all before.
 */
import { close, open, read } from 'node:fs';
import { promisify } from 'node:util';
import { createGunzip, type Gunzip } from 'node:zlib';

const openAsync = promisify(open);
const readAsync = promisify(read);
const closeAsync = promisify(close);

const PACKED_STEP_MIN_BYTES = 16 * 1024;
const PACKED_STEP_MAX_BYTES = 128 * 1024;

export class PackedSource implements AsyncDisposable {
  readonly #fd: number;
  readonly #gunzip: Gunzip;
  readonly #packed: Buffer;
  readonly #stepBytes: number;
  /** Unpacked, and not asked for yet. */
  #rest: Buffer | undefined;
  #state: { readonly kind: 'reading' | 'ended' } | { readonly kind: 'failed'; readonly error: unknown } = {
    kind: 'reading',
  };
  #wake: (() => void) | undefined;
  /** Never rejects. */
  #reading: Promise<void>;
  #position = 0;

  private constructor(fd: number, stepBytes: number) {
    this.#fd = fd;
    this.#stepBytes = stepBytes;
    const packedBytes = Math.min(PACKED_STEP_MAX_BYTES, Math.max(PACKED_STEP_MIN_BYTES, stepBytes / 4));
    this.#packed = Buffer.allocUnsafeSlow(packedBytes);
    this.#gunzip = createGunzip({ chunkSize: stepBytes });
    this.#gunzip.on('readable', () => this.#onChange());
    this.#gunzip.on('end', () => this.#onChange({ kind: 'ended' }));
    this.#gunzip.on('error', (error) => this.#onChange({ kind: 'failed', error }));
    this.#reading = this.#feed();
  }

  /** @throws a system error. */
  static async open(path: string, stepBytes: number): Promise<PackedSource> {
    return new PackedSource(await openAsync(path, 'r'), stepBytes);
  }

  /** Up to `stepBytes` into `into` at `offset`; 0 at the end. @throws what the disk or the unpacking says. */
  async read(into: Buffer, offset: number): Promise<number> {
    const chunk = await this.#next();
    if (chunk === undefined) return 0;
    const count = chunk.copy(into, offset, 0, this.#stepBytes);
    this.#rest = count < chunk.byteLength ? chunk.subarray(count) : undefined;
    return count;
  }

  /** Passes over so many unpacked bytes. */
  async skip(bytes: number): Promise<void> {
    for (let left = bytes; left > 0;) {
      const chunk = await this.#next();
      if (chunk === undefined) return;
      this.#rest = left < chunk.byteLength ? chunk.subarray(left) : undefined;
      left -= chunk.byteLength;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#gunzip.destroy();
    this.#onChange({ kind: 'ended' });
    await this.#reading; // its descriptor may be another file's at once
    await closeAsync(this.#fd);
  }

  async #next(): Promise<Buffer | undefined> {
    const rest = this.#rest;
    this.#rest = undefined;
    if (rest !== undefined) return rest;
    for (;;) {
      const chunk: unknown = this.#gunzip.read();
      if (Buffer.isBuffer(chunk)) return chunk;
      if (this.#state.kind === 'failed') throw this.#state.error;
      if (this.#state.kind === 'ended') return undefined;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }

  #onChange(state = this.#state): void {
    if (this.#state.kind === 'reading') this.#state = state;
    this.#wake?.();
    this.#wake = undefined;
  }

  /** One packed step at a time: the next is read once this one was unpacked, which waits for whoever reads. */
  async #feed(): Promise<void> {
    try {
      const { bytesRead } = await readAsync(this.#fd, this.#packed, 0, this.#packed.byteLength, this.#position);
      this.#position += bytesRead;
      if (this.#gunzip.destroyed) return;
      if (bytesRead === 0) this.#gunzip.end();
      else this.#gunzip.write(this.#packed.subarray(0, bytesRead), (failed) => this.#onFed(failed));
    } catch (error) {
      this.#onChange({ kind: 'failed', error });
    }
  }

  #onFed(failed: Error | null | undefined): void {
    if (!failed && !this.#gunzip.destroyed) this.#reading = this.#feed();
  }
}
