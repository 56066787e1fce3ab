/**
 * Owns what a module says without waiting, its notes and its result, on the way to its supervisor.
 *
 * T1. Whoever says something never waits and never sees an error; what cannot be told is counted by name (G3).
 * T2. It is sent in order, and so much at a time that there is room for calls and for the end of the run.
 * T3. What waits is bounded (G6): a loop that never lets go can say so much, and no more.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { BoundedQueue } from '../../failopen/bounded-queue.ts';
import { NikaError } from '../../model/error.ts';
import type { PodClient, ReportedUsage } from '../client/client.ts';
import { NOTE_MAX_CHARS, type RequestOf } from '../socket/protocol.ts';

/** Under way at once; one more may be longer. */
const SENT = { maxCount: 256, maxChars: 1024 * 1024 };
const WAITING = { maxCount: 200_000, maxBytes: 64 * 1024 * 1024 };
const BUSY_MS = 50;
/** About. */
const USAGE_CHARS = 300;

/** By name; only what is not zero. */
export type Untold = NonNullable<RequestOf<'run_end'>['untold']>;
type Loss = keyof Untold;

interface Said {
  readonly chars: number;
  readonly tell: () => Promise<void>;
  readonly loss: Loss;
}

export class Outbox {
  readonly #client: Pick<PodClient, 'note' | 'result' | 'usage'>;
  readonly #notes = new BoundedQueue<Said>(WAITING);
  readonly #losses = new Map<Loss, number>();
  /** The last one stands: only that is sent. */
  #result: Said | undefined;
  #sent = { count: 0, chars: 0 };
  #change = Promise.withResolvers<void>();

  constructor(client: Pick<PodClient, 'note' | 'result' | 'usage'>) {
    this.#client = client;
  }

  note(text: string, level: RequestOf<'note'>['level']): void {
    const isCut = text.length > NOTE_MAX_CHARS;
    const told = isCut ? `${text.slice(0, NOTE_MAX_CHARS - 1).toWellFormed()}…` : text;
    const note = level === undefined ? { text: told } : { text: told, level };
    const said: Said = { chars: told.length, tell: () => this.#client.note(note), loss: 'notes_lost' };
    if (isCut) this.#count('notes_cut');
    if (this.#notes.offer(said, told.length)) this.#pump();
    else this.#count('notes_lost');
  }

  usage(usage: ReportedUsage): void {
    const said: Said = { chars: USAGE_CHARS, tell: () => this.#client.usage(usage), loss: 'usage_lost' };
    if (this.#notes.offer(said, USAGE_CHARS)) this.#pump();
    else this.#count('usage_lost');
  }

  /** `value`: JSON that nobody changes any more. */
  result(value: unknown): void {
    this.#result = { chars: 0, tell: () => this.#client.result(value), loss: 'results_lost' };
    this.#pump();
  }

  untold(): Untold {
    return Object.fromEntries(this.#losses);
  }

  /** Resolves when all that was said has been sent: what is sent from then on comes after it. */
  async sent(): Promise<void> {
    while (this.#isWaiting) await this.#change.promise;
  }

  /** Resolves when all that was said was told, or counted. */
  async settled(): Promise<void> {
    while (this.#isWaiting || this.#sent.count > 0) await this.#change.promise;
  }

  get #isWaiting(): boolean {
    return this.#result !== undefined || this.#notes.count > 0;
  }

  #count(loss: Loss): void {
    this.#losses.set(loss, (this.#losses.get(loss) ?? 0) + 1);
  }

  #next(): Said | undefined {
    const result = this.#result;
    this.#result = undefined;
    return result ?? this.#notes.shift();
  }

  /** T2 */
  #pump(): void {
    while (this.#sent.count < SENT.maxCount && this.#sent.chars < SENT.maxChars) {
      const said = this.#next();
      if (said === undefined) return;
      this.#sent.count += 1;
      this.#sent.chars += said.chars;
      const settle = (): void => {
        this.#sent.count -= 1;
        this.#sent.chars -= said.chars;
        this.#pump();
        this.#change.resolve();
        this.#change = Promise.withResolvers();
      };
      this.#send(said).then(settle, settle); // it does not reject
    }
  }

  async #send({ tell, loss }: Said): Promise<void> {
    for (;;) {
      try {
        await tell();
        return;
      } catch (thrown) {
        if (!(thrown instanceof NikaError) || thrown.code !== 'NIKA_POD_BUSY') {
          this.#count(loss); // T1
          return;
        }
      }
      await delay(BUSY_MS);
    }
  }
}
