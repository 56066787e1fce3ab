/** Owns the bringing of a home's bus to Qdrant while somebody waits for it: `nika memory sync` and `rebuild`. */
import { endOf } from '../../bus/query/read-types.ts';
import { absentQdrant } from '../../config/services/absent-qdrant.ts';
import type { Home } from '../../config/home.ts';
import type { Settings } from '../../config/settings.ts';
import type { StoreFailure } from '../../memory/point-store.ts';
import type { SyncCounts } from '../../memory/sync/sync-options.ts';
import { createBodyEncoder } from '../../recorder/body.ts';
import { openHomeMemory } from './home-memory.ts';
import { takeMemoryLock } from './memory-lock.ts';
import { startMemoryWriter } from './start-memory-writer.ts';

/** `sync`: what is new, or all where something was lost; `full`: all is compared; `rebuild`: all is written again. */
export type BringWay = 'sync' | 'full' | 'rebuild';

export interface BringOptions {
  readonly home: Home;
  readonly settings: Settings;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly way: BringWay;
  readonly onProgress: (counts: SyncCounts) => void;
  /** Another process of the home is at it, and is waited for. */
  readonly onWait: () => void;
  /** A rebuild that was broken off is gone on with. */
  readonly onResume: () => void;
}

interface Brought {
  readonly comparedCount: number;
  readonly writtenCount: number;
  /** Those that Qdrant does not take. */
  readonly refusedCount: number;
  readonly durationMs: number;
}

export type BringOutcome =
  | { readonly kind: 'off'; readonly why: string }
  | ({ readonly kind: 'done'; readonly isFull: boolean } & Brought)
  | ({ readonly kind: 'failed'; readonly failure: StoreFailure } & Brought)
  | ({ readonly kind: 'interrupted' } & Brought);

const begin = (sync: { rebuild(): boolean; compareAll(): void }, { way, onResume }: BringOptions): void => {
  if (way === 'full') sync.compareAll();
  if (way === 'rebuild' && sync.rebuild()) onResume();
};

const bring = async (
  options: BringOptions,
  target: Settings['qdrant'] & { readonly kind: 'on' },
  signal: AbortSignal,
): Promise<BringOutcome> => {
  const { home, settings, onProgress } = options;
  const { maxBodyBytes, redact: patterns } = settings.recorder;
  const encoder = createBodyEncoder({ maxBodyBytes, patterns });
  const clean = (text: string): string => encoder.encodeText(text).text;
  const startedAtMs = performance.now();
  await using memory = await openHomeMemory({ home, settings, target, clean, onProgress, signal });
  begin(memory.sync, options);
  const writer = memory.writer({ lingerMs: 0, awayLingerMs: 0 });
  const caught = await writer.bring(signal);
  if (caught?.kind === 'done') while (await writer.completeDense(signal));
  const { comparedCount, writtenCount, refusedCount } = memory.sync.counts;
  const counts = { comparedCount, writtenCount, refusedCount, durationMs: performance.now() - startedAtMs };
  if (caught === undefined) return { kind: 'interrupted', ...counts };
  if (caught.kind !== 'done') return { kind: 'failed', failure: caught, ...counts };
  return { kind: 'done', isFull: caught.isFull, ...counts };
};

/** There is a bus. @throws the signal's reason while it waits for others; a system error */
export const bringMemory = async (options: BringOptions, signal: AbortSignal): Promise<BringOutcome> => {
  const { home, settings, env, onWait } = options;
  const target = settings.qdrant;
  if (target.kind === 'off') return { kind: 'off', why: absentQdrant(home.runDir).why };
  const never = new AbortController().signal;
  const endText = async (): Promise<string> => JSON.stringify(await endOf(home.busDir, never));
  let outcome: BringOutcome;
  let before: string;
  {
    await using _lock = await takeMemoryLock(home, onWait, signal);
    before = await endText();
    outcome = await bring(options, target, signal);
  }
  // Who found the lock taken relied on this one (S2 of `start-memory-writer.ts`).
  if (outcome.kind !== 'interrupted' && before !== (await endText())) await startMemoryWriter(home, env);
  return outcome;
};
