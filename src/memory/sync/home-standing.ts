/** Owns how the bus of a home stands towards its Qdrant, as it is known here: nothing is asked of Qdrant for it. */
import type { QdrantTarget } from '../../config/memory/qdrant-settings.ts';
import { type MemoryState, memoryTargetName, readMemoryState } from './memory-files.ts';
import { countBehind, readWaiting } from './waiting.ts';

export interface HomeStanding {
  /** All of it was brought there; that it is there still is not looked at. */
  readonly isWhole: boolean;
  /** How much waits on the bus; `undefined`: more than could be counted in time. */
  readonly waitingCount: number | undefined;
  /** As the one who brings things found Qdrant the last time; `undefined`: nobody has tried yet. */
  readonly state: MemoryState | undefined;
}

export interface HomeStandingOptions {
  readonly busDir: string;
  readonly runDir: string;
  readonly target: QdrantTarget;
  /** Of counting what waits. */
  readonly withinMs: number;
}

/** @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason */
export const readHomeStanding = async (
  { busDir, runDir, target: to, withinMs }: HomeStandingOptions,
  signal: AbortSignal,
): Promise<HomeStanding> => {
  const target = memoryTargetName(to);
  const found = readMemoryState(runDir);
  const state = found?.target === target ? found : undefined;
  const late = AbortSignal.timeout(withinMs);
  const until = AbortSignal.any([signal, late]);
  try {
    const waiting = await readWaiting({ busDir, runDir, target }, until);
    if (waiting.kind === 'counted') return { isWhole: waiting.count === 0, waitingCount: waiting.count, state };
    return { isWhole: false, waitingCount: await countBehind({ busDir, runDir, target }, until), state };
  } catch (thrown) {
    signal.throwIfAborted();
    if (late.aborted) return { isWhole: false, waitingCount: undefined, state };
    throw thrown;
  }
};
