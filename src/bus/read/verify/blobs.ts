/** Owns the check of blobs: each that a line refers to is there, and its bytes have the hash that is its name (G8). */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../../model/error.ts';
import { blobsDir } from '../../layout.ts';
import { tryParseLine } from '../../line.ts';
import { FingerprintIndex } from './fingerprint-index.ts';
import type { FindingLog, Place } from './finding.ts';

interface BlobUse {
  readonly sha256: string;
  readonly place: Place;
  readonly writer: string;
}

/** In a line that refers to a blob; inside a JSON string its quotes would be escaped. */
export const BLOB_MARK = '"$blob":"';

const SHA256 = /^[0-9a-f]{64}$/;
const STEP_BYTES = 256 * 1024;

/** The blob that a body is a reference to; an empty one was never kept. Tool input of the same form is passed over. */
const blobOf = (body: unknown): string | undefined => {
  if (typeof body !== 'object' || body === null || Object.keys(body).length !== 3) return undefined;
  if (!('$blob' in body && 'bytes' in body && 'head' in body)) return undefined;
  return typeof body.$blob === 'string' && SHA256.test(body.$blob) ? body.$blob : undefined;
};

export class BlobCheck {
  readonly #busDir: string;
  readonly #log: FindingLog;
  readonly #seen = new FingerprintIndex();
  readonly #step = Buffer.allocUnsafeSlow(STEP_BYTES);
  #pending: BlobUse[] = [];
  #bytes = 0;

  constructor(busDir: string, log: FindingLog) {
    this.#busDir = busDir;
    this.#log = log;
  }

  get count(): number {
    return this.#seen.count;
  }

  /** Bytes of blobs that were read. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Notes the blobs that the line refers to, each once. */
  note(text: string, place: Place): void {
    const line = tryParseLine(text);
    if (line === undefined) return;
    for (const body of Object.values(line.data)) {
      const sha256 = blobOf(body);
      if (sha256 === undefined || this.#seen.has(sha256)) continue;
      this.#seen.add(sha256);
      this.#pending.push({ sha256, place, writer: line.writer });
    }
  }

  /** Reads the blobs that were noted since the last time. */
  async settle(signal: AbortSignal | undefined): Promise<void> {
    const pending = this.#pending;
    if (pending.length === 0) return;
    this.#pending = [];
    for (const use of pending) {
      signal?.throwIfAborted();
      await this.#check(use);
    }
  }

  async #check({ sha256, place, writer }: BlobUse): Promise<void> {
    try {
      await using file = await open(join(blobsDir(this.#busDir), sha256), 'r');
      if ((await this.#hash(file)) === sha256) return;
      this.#log.accuse('blob-changed', place, `the blob ${sha256} was changed: its bytes have another hash`, writer);
    } catch (thrown) {
      if (errnoOf(thrown) === undefined) throw thrown;
      this.#log.accuse('blob-missing', place, `the blob ${sha256} cannot be read (${errnoOf(thrown)})`, writer);
    }
  }

  async #hash(file: FileHandle): Promise<string> {
    const digest = createHash('sha256');
    for (;;) {
      const { bytesRead } = await file.read(this.#step, 0, STEP_BYTES, null);
      if (bytesRead === 0) return digest.digest('hex');
      this.#bytes += bytesRead;
      digest.update(this.#step.subarray(0, bytesRead));
    }
  }
}
