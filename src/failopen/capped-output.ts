/**
 * Owns what is kept of a stream of bytes that may never end: its head and its tail; what lies between is counted (G3, G6).
 * Memory is bounded by the cap, whatever comes and in however small pieces.
 */

export interface KeptText {
  readonly text: string;
  /** Bytes between head and tail that are not in `text`; 0: it is whole. */
  readonly leftOutBytes: number;
}

const FIRST_BYTES = 4096;

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;

/** Where the last whole UTF-8 character before `end` ends; `end` itself where the bytes are no UTF-8. */
const lastWholeCharacter = (bytes: Buffer, end: number): number => {
  for (let start = end - 1; start >= Math.max(0, end - 4); start -= 1) {
    const byte = bytes[start] ?? 0;
    if (isContinuation(byte)) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return start + length > end ? start : end;
  }
  return end;
};

/** Where the first whole character begins. */
const firstWholeCharacter = (bytes: Buffer): number => {
  let start = 0;
  while (start < 3 && isContinuation(bytes[start])) start += 1;
  return start;
};

export class CappedOutput {
  readonly #headCap: number;
  readonly #tailCap: number;
  #head: Buffer;
  #headBytes = 0;
  /** A ring, made when the head is full; `#tailAt` is where the next byte goes. */
  #tail: Buffer | undefined;
  #tailAt = 0;
  #totalBytes = 0;

  /** Half of `maxBytes` is for the head, half for the tail. */
  constructor(maxBytes: number) {
    this.#headCap = Math.ceil(maxBytes / 2);
    this.#tailCap = Math.floor(maxBytes / 2);
    this.#head = Buffer.allocUnsafe(Math.min(FIRST_BYTES, this.#headCap));
  }

  get totalBytes(): number {
    return this.#totalBytes;
  }

  push(chunk: Buffer): void {
    this.#totalBytes += chunk.length;
    const toHead = Math.min(chunk.length, this.#headCap - this.#headBytes);
    if (toHead > 0) this.#pushHead(chunk.subarray(0, toHead));
    if (toHead < chunk.length) this.#pushTail(chunk.subarray(toHead));
  }

  /** What was kept, as text; bytes that are no UTF-8 become U+FFFD. Head and tail are joined by a line that says what is missing. */
  read(): KeptText {
    const tail = this.#tailInOrder();
    const leftOutBytes = this.#totalBytes - this.#headBytes - tail.length;
    const head = this.#head.subarray(0, this.#headBytes);
    if (leftOutBytes === 0) return { text: Buffer.concat([head, tail]).toString('utf8'), leftOutBytes };
    const headEnd = lastWholeCharacter(head, head.length);
    const tailStart = firstWholeCharacter(tail);
    const missing = leftOutBytes + (head.length - headEnd) + tailStart;
    const text = `${head.toString('utf8', 0, headEnd)}\n[… ${missing} ${missing === 1 ? 'byte' : 'bytes'} left out …]\n${tail.toString('utf8', tailStart)}`;
    return { text, leftOutBytes: missing };
  }

  #pushHead(bytes: Buffer): void {
    const wanted = this.#headBytes + bytes.length;
    if (wanted > this.#head.length) {
      const grown = Buffer.allocUnsafe(Math.min(this.#headCap, Math.max(wanted, this.#head.length * 2)));
      this.#head.copy(grown, 0, 0, this.#headBytes);
      this.#head = grown;
    }
    bytes.copy(this.#head, this.#headBytes);
    this.#headBytes = wanted;
  }

  #pushTail(bytes: Buffer): void {
    this.#tail ??= Buffer.allocUnsafe(this.#tailCap);
    const last = bytes.subarray(Math.max(0, bytes.length - this.#tailCap));
    const first = last.copy(this.#tail, this.#tailAt);
    last.copy(this.#tail, 0, first);
    this.#tailAt = this.#tailCap === 0 ? 0 : (this.#tailAt + last.length) % this.#tailCap;
  }

  #tailInOrder(): Buffer {
    const tail = this.#tail;
    const pastHead = this.#totalBytes - this.#headBytes;
    if (tail === undefined) return Buffer.alloc(0);
    if (pastHead < this.#tailCap) return tail.subarray(0, pastHead);
    return Buffer.concat([tail.subarray(this.#tailAt), tail.subarray(0, this.#tailAt)]);
  }
}
