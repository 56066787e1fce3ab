/** Owns how what a pod's program writes is read on from where it was left, through all attempts of the pod. */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as delay } from 'node:timers/promises';
import { readEntity } from '../../bus/query/entities.ts';
import { isTerminal } from '../../model/entity.ts';
import type { PodRecord } from '../../pod/registry/pod-record.ts';
import { readRecord, readRecords } from '../../pod/registry/record-file.ts';
import { closedPipe, interruption } from '../ending.ts';
import { printable } from '../format.ts';
import type { Terminal } from '../terminal.ts';
import type { PodContext } from './pod-context.ts';

export interface LogFlags {
  readonly follow?: true;
  readonly stderr?: true;
  readonly nika?: true;
  readonly home?: string;
}

const LOOK_EVERY_MS = 100;
/** The record of an attempt is there when the one before it has ended, but for the time to start a supervisor. */
const NEXT_ATTEMPT_MS = 10_000;
const CHUNK_BYTES = 64 * 1024;

/** Reads a file on from where it was left; begins anew where the file was turned over. */
export class FollowedText {
  readonly #path: string;
  readonly #decoder = new StringDecoder('utf8');
  #fd: number | undefined;
  #ino = 0;
  #at = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** What was added since the last time, piece by piece. */
  *read(): Generator<string> {
    yield* this.#drain();
    const ino = statSync(this.#path, { throwIfNoEntry: false })?.ino;
    if (ino === undefined || ino === this.#ino) return;
    this.close();
    this.#fd = openSync(this.#path, 'r');
    this.#ino = fstatSync(this.#fd).ino;
    this.#at = 0;
    yield* this.#drain();
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  *#drain(): Generator<string> {
    if (this.#fd === undefined) return;
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      const count = readSync(this.#fd, buffer, 0, CHUNK_BYTES, this.#at);
      if (count === 0) return;
      this.#at += count;
      yield this.#decoder.write(buffer.subarray(0, count));
    }
  }
}

export const pathOf = (record: PodRecord, flags: LogFlags): string | null => {
  if (flags.nika === true) return record.log;
  return flags.stderr === true ? record.stderr : record.stdout;
};

export const print = (text: string, terminal: Terminal): void =>
  terminal.print(terminal.isInteractive ? printable(text) : text);

/** The next attempt of the entity, once it has begun. */
const nextAttempt = ({ entity, session, started_at: startedAt }: PodRecord, { home }: PodContext) =>
  readRecords(home.runDir).find(
    (other) => other.entity === entity && other.session !== session && other.started_at >= startedAt,
  );

/** The attempt ended, and its entity did not. A lost one waits for a person to restart it. */
const mayGoOn = async ({ entity, end }: PodRecord, { home }: PodContext): Promise<boolean> => {
  if (end === null || ['completed', 'lost', 'awaiting_review'].includes(end.status)) return false;
  const view = await readEntity(home.busDir, entity);
  return view?.state !== undefined && !isTerminal(view.state);
};

export class Following {
  readonly #flags: LogFlags;
  readonly #context: PodContext;
  readonly #terminal: Terminal;
  readonly #signal: AbortSignal;

  constructor(flags: LogFlags, context: PodContext, terminal: Terminal) {
    this.#flags = flags;
    this.#context = context;
    this.#terminal = terminal;
    this.#signal = AbortSignal.any([closedPipe(terminal), interruption()]);
  }

  /** All attempts from this one on, one after the other. */
  async run(first: PodRecord): Promise<void> {
    let record: PodRecord | undefined = first;
    while (record !== undefined) {
      const last = await this.#attempt(record);
      record = last === undefined ? undefined : await this.#next(last);
    }
  }

  /** Until its end; `undefined`: nobody wants more. */
  async #attempt(record: PodRecord): Promise<PodRecord | undefined> {
    let text: FollowedText | undefined;
    try {
      for (;;) {
        const now = readRecord(this.#context.home.runDir, record.session);
        const path = now === undefined ? null : pathOf(now, this.#flags);
        if (path !== null) text ??= new FollowedText(path);
        for (const piece of text?.read() ?? []) print(piece, this.#terminal);
        if (now === undefined || now.end !== null) return now; // read once more after its end: nothing is missed
        if (!(await this.#wait())) return undefined;
      }
    } finally {
      text?.close();
    }
  }

  async #next(last: PodRecord): Promise<PodRecord | undefined> {
    if (!(await mayGoOn(last, this.#context))) return undefined;
    const untilMs = performance.now() + NEXT_ATTEMPT_MS;
    do {
      const next = nextAttempt(last, this.#context);
      if (next !== undefined) return next;
    } while (performance.now() < untilMs && (await this.#wait()));
    return undefined;
  }

  /** False: Ctrl-C, or the reader has seen enough. */
  async #wait(): Promise<boolean> {
    try {
      await delay(LOOK_EVERY_MS, undefined, { signal: this.#signal });
      return true;
    } catch {
      return false;
    }
  }
}
