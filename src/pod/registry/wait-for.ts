/** Owns the waiting for pods to end, through all their attempts; one that died meanwhile is closed. */
import { setTimeout as delay } from 'node:timers/promises';
import type { PodRecord } from './pod-record.ts';
import { isOver, statusOf } from './pod-status.ts';
import { readRecord, readRecords } from './record-file.ts';
import { latestOfEach } from './resolve-pod.ts';
import type { LostOptions } from './lost.ts';

export interface WaitWish {
  /** Until one of them has ended, not all. */
  readonly isAny: boolean;
  /** As `performance.now()` has it; may be infinite. */
  readonly untilMs: number;
  readonly lookEveryMs?: number;
  /** What is waited for; default: the end. */
  readonly isDone?: (record: PodRecord) => boolean;
  /** Told how they stand, at each look. */
  readonly onLook?: (pods: readonly PodRecord[]) => void;
}

export interface Waited {
  /** With `isAny`, and where it was in time: those of which it is true. */
  readonly pods: readonly PodRecord[];
  readonly isInTime: boolean;
}

const LOOK_EVERY_MS = 100;

/** How the pods stand now: each followed by its entity through its attempts. */
const look = (pods: readonly PodRecord[], runDir: string): readonly PodRecord[] => {
  const now = pods.map((record) => (isOver(record) ? record : (readRecord(runDir, record.session) ?? record)));
  if (!now.some((record) => record.end !== null && !isOver(record))) return now;
  const latest = new Map(latestOfEach(readRecords(runDir)).map((record) => [record.entity, record]));
  return now.map((record) => (isOver(record) ? record : (latest.get(record.entity) ?? record)));
};

const closeLost = async (pods: readonly PodRecord[], options: LostOptions): Promise<void> => {
  const gone = pods.filter((record) => record.end === null && statusOf(record) === 'lost');
  if (gone.length === 0) return;
  const { closeDead } = await import('./lost.ts');
  for (const { session } of gone) await closeDead(options, session);
};

/** It waits for something itself, or has ended. */
export const waitsOrIsOver = (record: PodRecord): boolean => isOver(record) || statusOf(record) === 'waiting';

/** Waits until all have ended, or one; until the time is up; or by the signal. Never rejects for those. */
export const waitFor = async (
  pods: readonly PodRecord[],
  options: LostOptions,
  { isAny, untilMs, lookEveryMs = LOOK_EVERY_MS, isDone = isOver, onLook }: WaitWish,
  signal: AbortSignal,
): Promise<Waited> => {
  let now = pods;
  for (;;) {
    now = look(now, options.home.runDir);
    onLook?.(now);
    const done = now.filter(isDone);
    if (done.length === now.length || (isAny && done.length > 0)) return { pods: isAny ? done : now, isInTime: true };
    if (performance.now() >= untilMs || signal.aborted) return { pods: now, isInTime: false };
    await closeLost(now, options);
    try {
      await delay(Math.min(lookEveryMs, Math.max(1, untilMs - performance.now())), undefined, { signal });
    } catch {
      return { pods: now, isInTime: false }; // by the signal
    }
  }
};
