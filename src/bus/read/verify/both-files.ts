/**
 * Owns the rule that a message stands in its channel and on the alpha bus, with the same id (W1 of the writer): summed up
 * while the lines go by, so that memory does not grow with their number; looked at closely only where the sums differ.
 */
import type { Head } from '../../../model/message.ts';
import { fingerprint } from './fingerprint-index.ts';

export type Side = 'alpha' | 'channel';

const NONE = -1;

/** What is known of one writer, over all files. */
export class WriterRecord {
  /** Messages on the alpha bus less those in channels, and the same of their ids: zero if both sides are the same. */
  #count = 0;
  #sumHigh = 0;
  #sumLow = 0;
  /** The same of the heads that they tell. */
  #toldHigh = 0;
  #toldLow = 0;
  #firstChannel = NONE;
  #lastChannel = NONE;
  #hasMoreChannels = false;
  /** Named by a `session_end_summary`, its own or one that another wrote for it. */
  isSealed = false;
  /** It wrote a `session_start`, which something that only gives an order does not. */
  hasSession = false;

  get isEven(): boolean {
    return this.#count === 0 && this.#sumHigh === 0 && this.#sumLow === 0;
  }

  /** Whether it tells the same heads on both sides. */
  get tellsAlike(): boolean {
    return this.#toldHigh === 0 && this.#toldLow === 0;
  }

  /** Numbers of the channels it wrote messages to; `undefined`: more than are remembered. */
  get channels(): readonly number[] | undefined {
    if (this.#hasMoreChannels) return undefined;
    return [this.#firstChannel, this.#lastChannel].filter((number) => number !== NONE);
  }

  addMessage(id: string, side: Side): void {
    const { high, low } = fingerprint(id);
    const sign = side === 'alpha' ? 1 : -1;
    this.#count += sign;
    this.#sumHigh = (this.#sumHigh + sign * high) | 0;
    this.#sumLow = (this.#sumLow + sign * low) | 0;
  }

  /** A head that a message of this writer tells: both sides tell the same, if the message is the same on both. */
  addTold({ file, writer, seq, h }: Head, side: Side): void {
    const { high, low } = fingerprint(`${file}\n${writer}\n${seq}\n${h}`);
    const sign = side === 'alpha' ? 1 : -1;
    this.#toldHigh = (this.#toldHigh + sign * high) | 0;
    this.#toldLow = (this.#toldLow + sign * low) | 0;
  }

  addChannel(number: number): void {
    if (this.#firstChannel === NONE) this.#firstChannel = number;
    if (this.#lastChannel !== number && this.#lastChannel !== this.#firstChannel) this.#hasMoreChannels = true;
    this.#lastChannel = number;
  }
}

export class WriterRecords {
  readonly #records = new Map<string, WriterRecord>();

  get count(): number {
    return this.#records.size;
  }

  get unsealedCount(): number {
    let count = 0;
    for (const { isSealed } of this.#records.values()) if (!isSealed) count += 1;
    return count;
  }

  /** Of the unsealed: those that began no session. */
  get sessionlessCount(): number {
    let count = 0;
    for (const { isSealed, hasSession } of this.#records.values()) if (!isSealed && !hasSession) count += 1;
    return count;
  }

  of(writer: string): WriterRecord {
    const known = this.#records.get(writer);
    if (known !== undefined) return known;
    const record = new WriterRecord();
    this.#records.set(writer, record);
    return record;
  }

  seal(writer: string): void {
    const record = this.#records.get(writer);
    if (record !== undefined) record.isSealed = true;
  }

  /** Writers that do not tell the same heads on both sides. */
  tellingUnlike(): ReadonlyMap<string, WriterRecord> {
    return new Map([...this.#records].filter(([, record]) => !record.tellsAlike));
  }

  /** Writers whose two sides are not the same. */
  uneven(): ReadonlyMap<string, WriterRecord> {
    return new Map([...this.#records].filter(([, record]) => !record.isEven));
  }
}
