/**
 * Owns one connection of a pod, over the socket or the pipe to its module: bytes in, bytes out, and when it ends.
 *
 * C1. Nothing that a peer sends, or does not send, throws into the pod, blocks it or fills its memory (G1, G6).
 * C2. What is wrong is answered and counted by name (G3); where no next frame can be found, that is the last word.
 * C3. What a peer said before it closed, or died, is heard; it need not wait for answers.
 */
import type { Duplex } from 'node:stream';
import { errorMessage } from '../../model/error.ts';
import type { ErrorCode } from '../../model/error-codes.ts';
import { Deadline } from './deadline.ts';
import { Dialogue } from './dialogue.ts';
import type { SocketFault, SocketFaults } from './faults.ts';
import { encodeFrame, FRAME_MAX_BYTES, FrameDecoder } from './frames.ts';
import type { PodDoor } from './protocol.ts';
import { Turns } from './turns.ts';

export interface Serving {
  readonly door: PodDoor;
  readonly faults: SocketFaults;
  /** The programs of the pod are stopped (`pod pause`): one that is silent in the middle of a frame is not at fault. */
  readonly isHeld?: () => boolean;
  /** How long a connection may be silent in the middle of a frame, or before its hello; 10 s by default. */
  readonly idleMs?: number;
}

/** What one connection gets in one turn, whichever comes first. */
const TURN_FRAMES = 16;
const TURN_BYTES = 64 * 1024;
const IDLE_MS = 10_000;
/** What waits for a peer that does not read; one frame more is taken. */
const OUTPUT_MAX_BYTES = 1024 * 1024;
/** After the last word, until the peer has read it and closed. */
const LINGER_MS = 500;

/** Whether more is read: `queued` for its next turn, or `blocked` by a peer that does not read the answers. */
type Reading = 'flowing' | 'queued' | 'blocked' | 'ended';

export class Connection {
  readonly #stream: Duplex;
  readonly #serving: Serving;
  readonly #turns: Turns;
  readonly #dialogue: Dialogue;
  readonly #decoder = new FrameDecoder();
  readonly #closed = Promise.withResolvers<void>();
  #reading: Reading = 'flowing';
  #isInputOver = false;
  /** Answers of the turn that is under way: they are written together. */
  #batch: Buffer[] | undefined;
  #idle: Deadline | undefined;

  constructor(stream: Duplex, serving: Serving, { turns, isOwn }: { readonly turns: Turns; readonly isOwn: boolean }) {
    this.#stream = stream;
    this.#serving = serving;
    this.#turns = turns;
    this.#dialogue = new Dialogue({
      door: serving.door,
      faults: serving.faults,
      isOwn,
      send: (message) => this.#send(message),
      hasRead: () => stream.writableLength === 0,
    });
  }

  /** Resolves when the stream is closed and all that came over it was served. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  start(): this {
    const stream = this.#stream;
    stream.on('data', (chunk: Buffer) => this.#take(chunk));
    stream.on('drain', () => {
      if (this.#reading === 'blocked') this.#queue();
    });
    stream.once('end', () => this.#endInput());
    stream.on('error', (thrown) => this.#fault('broken_connection', errorMessage(thrown)));
    stream.once('close', () => this.#endInput());
    this.#watchIdle();
    return this;
  }

  /** C3: `end` comes while frames still wait for their turn, and `close` as soon as an answer cannot be written. */
  #endInput(): void {
    this.#isInputOver = true;
    if (this.#reading === 'flowing') this.#finish();
    else if (this.#reading === 'blocked') this.#queue();
    this.#settleClosed();
  }

  #finish(): void {
    if (this.#decoder.isHalf) this.#fault('half_frame', 'the peer closed the connection in the middle of a frame');
    this.end();
  }

  #settleClosed(): void {
    if (this.#reading === 'ended' && this.#stream.closed) this.#closed.resolve();
  }

  /** Writes what is to be said last, if anything, and closes; destroyed where the peer does not close soon. */
  end(lastWord?: object): void {
    if (this.#reading === 'ended') return;
    this.#flush();
    this.#leave();
    this.#settleClosed();
    if (this.#stream.destroyed) return;
    this.#stream.resume(); // what still comes is not looked at; unread, it would take the last word from the peer
    if (lastWord !== undefined) this.#stream.write(encodeFrame(lastWord));
    this.#stream.end();
    const timer = setTimeout(() => this.#stream.destroy(), LINGER_MS);
    this.#stream.once('close', () => clearTimeout(timer));
  }

  #leave(): void {
    this.#reading = 'ended';
    this.#idle?.stop();
    this.#dialogue.close();
  }

  #fault(fault: SocketFault, why: string): void {
    this.#serving.faults.count(fault, why);
  }

  #take(chunk: Buffer): void {
    if (this.#reading === 'ended') return;
    this.#decoder.push(chunk);
    if (this.#reading === 'flowing' && !this.serve()) this.#queue();
  }

  #queue(): void {
    this.#reading = 'queued';
    this.#stream.pause();
    this.#turns.add(this);
  }

  /** One turn; false: there are more frames. */
  serve(): boolean {
    this.#batch = [];
    const isDone = this.#serveFrames();
    this.#flush();
    return isDone;
  }

  #serveFrames(): boolean {
    let bytes = 0;
    for (let frames = 0; frames < TURN_FRAMES && bytes < TURN_BYTES; frames += 1) {
      if (this.#reading === 'ended') return true;
      if (this.#stream.writableNeedDrain) {
        this.#reading = 'blocked';
        this.#stream.pause();
        return true;
      }
      const decoded = this.#decoder.next();
      if (decoded.kind === 'none' && this.#isInputOver) {
        this.#finish();
        return true;
      }
      if (decoded.kind === 'none') {
        if (this.#reading !== 'flowing') this.#stream.resume();
        this.#reading = 'flowing';
        this.#watchIdle();
        return true;
      }
      if (decoded.kind === 'bad') {
        this.#fail(decoded.fault, decoded.why);
        return true;
      }
      bytes += decoded.bytes;
      const problem = this.#dialogue.take(decoded.value, decoded.bytes);
      if (problem !== undefined) this.#fail('bad_frame', problem);
    }
    return false;
  }

  #watchIdle(): void {
    if (this.#dialogue.isGreeted && !this.#decoder.isHalf) {
      this.#idle?.stop();
      this.#idle = undefined;
    } else if (this.#idle === undefined) {
      this.#idle = new Deadline(this.#serving.idleMs ?? IDLE_MS, () => this.#endIdle());
    } else {
      this.#idle.restart();
    }
  }

  #endIdle(): void {
    if (this.#reading !== 'flowing' || this.#serving.isHeld?.() === true) this.#idle?.restart();
    else if (this.#decoder.isHalf) this.#fail('half_frame', 'the rest of a frame did not come');
    else this.#fail('no_hello', 'no hello came');
  }

  /** C2: the last word. */
  #fail(fault: SocketFault, message: string): void {
    this.#fault(fault, message);
    this.end({ re: 0, ok: false, code: 'NIKA_POD_PROTOCOL' satisfies ErrorCode, message });
  }

  #send(message: object): void {
    const frame = encodeFrame(message);
    if (frame.length > FRAME_MAX_BYTES)
      throw new RangeError(`a message of ${frame.length} bytes is longer than a frame`);
    if (this.#stream.destroyed) return;
    if (this.#stream.writableLength > OUTPUT_MAX_BYTES) {
      this.#fault('slow_reader', `${this.#stream.writableLength} bytes wait for a peer that does not read`);
      this.#leave();
      this.#stream.destroy();
    } else if (this.#batch === undefined) {
      this.#stream.write(frame);
    } else {
      this.#batch.push(frame);
    }
  }

  #flush(): void {
    const batch = this.#batch ?? [];
    this.#batch = undefined;
    const [first] = batch;
    if (first === undefined || !this.#stream.writable) return;
    this.#stream.write(batch.length === 1 ? first : Buffer.concat(batch));
  }
}

/** Serves the module that the pod runs over the pipe between them: a connection of its own kind (`isOwn`). */
export const serveOwn = (stream: Duplex, serving: Serving): Connection =>
  new Connection(stream, serving, { turns: new Turns(), isOwn: true }).start();
