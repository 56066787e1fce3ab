/**
 * Owns the form of what goes over a pod's socket: one JSON object a frame, behind its length in 4 bytes, big-endian.
 * Imports nothing, since every client loads it.
 *
 * F1. What a peer sends takes memory in proportion to what it really sent, and at most twice the longest frame (G6).
 * F2. A byte is copied a bounded number of times, however the stream is cut; a frame that came whole is not copied.
 */

export interface Versions {
  readonly oldest: number;
  readonly newest: number;
}

/** What this nika serves; it speaks the newest. */
export const VERSIONS: Versions = { oldest: 1, newest: 1 };

/** The version to speak with a client; `undefined`: it is newer than the pod, or too old. */
export const agreeOnVersion = (ofClient: number, { oldest, newest }: Versions): number | undefined =>
  ofClient >= oldest && ofClient <= newest ? ofClient : undefined;

/** Of the JSON text of one frame. */
export const FRAME_MAX_BYTES = 4 * 1024 * 1024;
const HEADER_BYTES = 4;
/** Room for a frame that came in parts: at first, and what is kept between two of them. */
const HELD_BYTES = 4 * 1024;

export type Decoded =
  | { readonly kind: 'frame'; readonly value: Readonly<Record<string, unknown>>; readonly bytes: number }
  /** All that came was taken; more is needed. */
  | { readonly kind: 'none' }
  /** No frame can be found from here on: the connection is to be closed. */
  | { readonly kind: 'bad'; readonly fault: 'oversized_frame' | 'bad_frame'; readonly why: string };

type Bad = Extract<Decoded, { kind: 'bad' }>;

const NONE: Decoded = { kind: 'none' };

const parseBody = (body: Buffer): Exclude<Decoded, { kind: 'none' }> => {
  const text = body.toString();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: 'bad', fault: 'bad_frame', why: `a frame of ${body.length} bytes is not JSON` };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { kind: 'bad', fault: 'bad_frame', why: 'a frame is not a JSON object' };
  }
  return { kind: 'frame', value: value as Record<string, unknown>, bytes: HEADER_BYTES + body.length };
};

/** What came over a stream, as frames. Chunks belong to the decoder until {@link next} says that there is none. */
export class FrameDecoder {
  #chunks: Buffer[] = [];
  /** Where in the first chunk to go on. */
  #at = 0;
  /** A frame that came in parts, with its header. */
  #held = Buffer.allocUnsafeSlow(HELD_BYTES);
  #heldBytes = 0;
  #bad: Bad | undefined;

  push(chunk: Buffer): void {
    if (chunk.length > 0) this.#chunks.push(chunk);
  }

  /** A part of a frame is there: its rest is waited for. */
  get isHalf(): boolean {
    return this.#heldBytes > 0;
  }

  next(): Decoded {
    if (this.#bad !== undefined) return this.#bad;
    const decoded = this.#heldBytes === 0 ? (this.#nextWhole() ?? this.#nextInParts()) : this.#nextInParts();
    if (decoded.kind === 'bad') this.#bad = decoded;
    return decoded;
  }

  /** F2: the frame at the head of the first chunk, in place; `undefined` where it is not all there. */
  #nextWhole(): Decoded | undefined {
    const chunk = this.#chunks[0];
    if (chunk === undefined) return NONE;
    const from = this.#at + HEADER_BYTES;
    if (chunk.length < from) return undefined;
    const size = chunk.readUInt32BE(this.#at);
    if (size > FRAME_MAX_BYTES) return this.#oversized(size);
    if (chunk.length < from + size) return undefined;
    this.#skip(HEADER_BYTES + size);
    return parseBody(chunk.subarray(from, from + size));
  }

  #nextInParts(): Decoded {
    if (!this.#hold(HEADER_BYTES)) return NONE;
    const size = this.#held.readUInt32BE(0);
    if (size > FRAME_MAX_BYTES) return this.#oversized(size);
    if (!this.#hold(HEADER_BYTES + size)) return NONE;
    const decoded = parseBody(this.#held.subarray(HEADER_BYTES, HEADER_BYTES + size));
    this.#heldBytes = 0;
    if (this.#held.length > HELD_BYTES) this.#held = Buffer.allocUnsafeSlow(HELD_BYTES);
    return decoded;
  }

  /** Moves from the chunks until `wanted` bytes are held; false: they are not there yet. */
  #hold(wanted: number): boolean {
    while (this.#heldBytes < wanted) {
      const chunk = this.#chunks[0];
      if (chunk === undefined) return false;
      const count = Math.min(wanted - this.#heldBytes, chunk.length - this.#at);
      this.#makeRoom(this.#heldBytes + count, wanted);
      chunk.copy(this.#held, this.#heldBytes, this.#at, this.#at + count);
      this.#heldBytes += count;
      this.#skip(count);
    }
    return true;
  }

  /** F1: twice as much each time and never more than the frame, whatever length its header claims. */
  #makeRoom(bytes: number, wanted: number): void {
    if (bytes <= this.#held.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.min(wanted, Math.max(bytes, 2 * this.#held.length)));
    this.#held.copy(grown, 0, 0, this.#heldBytes);
    this.#held = grown;
  }

  #skip(count: number): void {
    this.#at += count;
    if (this.#at < (this.#chunks[0]?.length ?? 0)) return;
    this.#chunks.shift();
    this.#at = 0;
  }

  #oversized(size: number): Bad {
    const why = `a frame says that it has ${size} bytes; ${FRAME_MAX_BYTES} are allowed (each frame begins with its length in 4 bytes, big-endian)`;
    return { kind: 'bad', fault: 'oversized_frame', why };
  }
}

/** @throws {TypeError} for what JSON has no word for (a cycle, a bigint) */
export const encodeFrame = (value: object): Buffer => encodeJsonFrame(JSON.stringify(value));

export const encodeJsonFrame = (json: string): Buffer => {
  const size = Buffer.byteLength(json);
  const frame = Buffer.allocUnsafe(HEADER_BYTES + size);
  frame.writeUInt32BE(size, 0);
  frame.write(json, HEADER_BYTES);
  return frame;
};
