/**
 * Owns the check of blobs: each that a line refers to is there, and its bytes have the hash that is its name (G8).
 *
 * O1. A blob is synced in a group, as lines are: a power cut before may leave it short, or empty. One that is shorter than
 *     its line says, and begins as its line says, is torn: a warning. Any other difference is tampering.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { errnoOf } from '../../../model/error.ts';
import { blobPath } from '../../blob.ts';
import { tryParseLine } from '../../line.ts';
import { FingerprintIndex } from './fingerprint-index.ts';
import type { FindingLog, Place } from './finding.ts';
import type { Redactions } from './redactions.ts';

interface BlobRef {
  readonly sha256: string;
  /** Size of the whole. */
  readonly bytes: number;
  /** How it begins. */
  readonly head: Buffer;
}

interface BlobUse extends BlobRef {
  readonly place: Place;
  readonly writer: string;
}

/** In a line that refers to a blob; inside a JSON string its quotes would be escaped. */
export const BLOB_MARK = '"$blob":"';

const SHA256 = /^[0-9a-f]{64}$/;
const STEP_BYTES = 256 * 1024;

/** The blob that a body is a reference to; an empty one was never kept. Tool input of the same form is passed over. */
const blobOf = (body: unknown): BlobRef | undefined => {
  if (typeof body !== 'object' || body === null || Object.keys(body).length !== 3) return undefined;
  if (!('$blob' in body && 'bytes' in body && 'head' in body)) return undefined;
  const { $blob: sha256, bytes, head } = body;
  if (typeof sha256 !== 'string' || !SHA256.test(sha256)) return undefined;
  if (typeof bytes !== 'number' || typeof head !== 'string') return undefined;
  return { sha256, bytes, head: Buffer.from(head.slice(0, -1), 'utf8') }; // its last character may be half of a pair
};

export class BlobCheck {
  readonly #busDir: string;
  readonly #log: FindingLog;
  readonly #redactions: Redactions;
  readonly #seen = new FingerprintIndex();
  readonly #step = Buffer.allocUnsafeSlow(STEP_BYTES);
  #pending: BlobUse[] = [];
  #bytes = 0;

  constructor(busDir: string, log: FindingLog, redactions: Redactions) {
    this.#redactions = redactions;
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
      const blob = blobOf(body);
      if (blob === undefined || this.#seen.has(blob.sha256)) continue;
      this.#seen.add(blob.sha256);
      this.#pending.push({ ...blob, place, writer: line.writer });
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

  async #check(use: BlobUse): Promise<void> {
    const { sha256, bytes, place, writer } = use;
    try {
      await using file = await open(blobPath(this.#busDir, sha256), 'r');
      if ((await this.#hash(file)) === sha256) return;
      const { size } = await file.stat();
      if (size < bytes && (await this.#beginsWell(file, size, use))) {
        const message = `the blob ${sha256} has ${size} of its ${bytes} bytes: it was cut, or not on the disk yet when the power failed`;
        this.#log.warn('blob-torn', place, message, writer); // O1
        return;
      }
      this.#log.accuse('blob-changed', place, `the blob ${sha256} was changed: its bytes have another hash`, writer);
    } catch (thrown) {
      if (errnoOf(thrown) === undefined) throw thrown;
      const message = `the blob ${sha256} cannot be read (${errnoOf(thrown)})`;
      const finding = this.#log.accuse('blob-missing', place, message, writer);
      if (errnoOf(thrown) === 'ENOENT') this.#redactions.onMissingBlob(sha256, finding);
    }
  }

  async #beginsWell(file: FileHandle, size: number, { head }: BlobUse): Promise<boolean> {
    const wanted = head.subarray(0, size);
    const { bytesRead } = await file.read(this.#step, 0, wanted.byteLength, 0);
    return this.#step.subarray(0, bytesRead).equals(wanted);
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
