/**
 * Owns a pod's signs of life: its record in `run/pods/`, written again when something happened and otherwise every few
 * seconds, so that others see how it stands without asking it.
 *
 * B1. The tool-call path waits for nothing here: writes are asynchronous, one at a time, at most one a second (G1).
 */
import { bestEffort, bestEffortSync } from '../../failopen/best-effort.ts';
import type { PodBeat, PodEnd, PodRecord } from './pod-record.ts';
import { removeRecord, writeRecord, writeRecordSoon } from './record-file.ts';

export type BeatFacts = Omit<PodBeat, 'at' | 'mono_ms'>;

const EVERY_MS = 5_000;
const SOON_MS = 1_000;
const WRITE_BUDGET_MS = 4_000;
const LAST_BUDGET_MS = 500;

const stampOf = (facts: BeatFacts): PodBeat => ({
  ...facts,
  at: new Date().toISOString(),
  mono_ms: Number(process.hrtime.bigint() / 1_000_000n),
});

export class Heartbeat {
  readonly #runDir: string;
  readonly #look: () => BeatFacts;
  #record: PodRecord;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #isTouched = false;
  #writtenAtMs = -SOON_MS; // what comes right after the start is told at once

  private constructor(runDir: string, record: PodRecord, look: () => BeatFacts) {
    this.#runDir = runDir;
    this.#record = record;
    this.#look = look;
  }

  /** Registers the pod: the one write that is waited for, since nobody knows of the pod before it. */
  static start(runDir: string, record: Omit<PodRecord, 'beat' | 'end'>, look: () => BeatFacts): Heartbeat {
    const first: PodRecord = { ...record, beat: stampOf(look()), end: null };
    bestEffortSync('pod.record', () => writeRecord(runDir, first));
    const heartbeat = new Heartbeat(runDir, first, look);
    heartbeat.#plan(EVERY_MS);
    return heartbeat;
  }

  /** A write is under way. */
  get isWriting(): boolean {
    return this.#writing !== undefined;
  }

  get record(): PodRecord {
    return this.#record;
  }

  /** Something happened that others want to see soon. */
  touch(): void {
    if (this.#isTouched) return;
    this.#isTouched = true;
    this.#plan(Math.max(0, SOON_MS - (performance.now() - this.#writtenAtMs)));
  }

  /** What was not known at the start. */
  amend(
    fields: Partial<Pick<PodRecord, 'socket' | 'tree' | 'stdout' | 'stderr' | 'tmux' | 'agent' | 'worktree'>>,
  ): void {
    this.#record = { ...this.#record, ...fields };
    this.touch();
  }

  /** The last write: how it ended. `held up`: the disk hangs, and the process will not end by itself. */
  async end(end: PodEnd): Promise<'written' | 'held up'> {
    clearTimeout(this.#timer);
    this.#isTouched = true; // no further plan
    const last = await bestEffort('pod.record', { withinMs: LAST_BUDGET_MS }, async (signal) => {
      await this.#writing;
      if (signal.aborted) return;
      this.#record = { ...this.#record, beat: stampOf(this.#look()), end };
      await writeRecordSoon(this.#runDir, this.#record, signal);
    });
    return last.kind === 'late' ? 'held up' : 'written';
  }

  /** The pod never began: nothing is to be told of it. */
  async withdraw(): Promise<void> {
    clearTimeout(this.#timer);
    this.#isTouched = true;
    await this.#writing;
    bestEffortSync('pod.record', () => removeRecord(this.#runDir, this.#record.session));
  }

  /** Over when the write itself is, however late: a disk that hangs holds one thread, not one a beat (B1). */
  async #write(): Promise<void> {
    const done = Promise.withResolvers<void>();
    await bestEffort('pod.record', { withinMs: WRITE_BUDGET_MS }, async (signal) => {
      try {
        await writeRecordSoon(this.#runDir, this.#record, signal);
      } finally {
        done.resolve();
      }
    });
    await done.promise;
    this.#writing = undefined;
  }

  #plan(afterMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#beat(), afterMs).unref();
  }

  #beat(): void {
    this.#isTouched = false;
    this.#plan(EVERY_MS);
    if (this.#writing !== undefined) return; // a slow disk: the next one tells it all
    this.#writtenAtMs = performance.now();
    this.#record = { ...this.#record, beat: stampOf(this.#look()) };
    this.#writing = this.#write();
  }
}
