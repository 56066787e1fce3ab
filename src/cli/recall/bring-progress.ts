/** Owns the bar on standard error while the bus is brought to Qdrant. */
import type { SyncCounts } from '../../memory/sync/sync-options.ts';
import { formatBytes } from '../format.ts';
import type { Terminal } from '../terminal.ts';

export interface BringProgress extends Disposable {
  readonly onProgress: (counts: SyncCounts) => void;
  /** A share of 1, and words behind it. */
  readonly onShare: (share: number, words: string) => void;
  readonly clear: () => void;
}

const PATIENCE_MS = 500;
const REDRAW_MS = 100;
const BAR_COLUMNS = 24;

/** `██████░░░░  42 % of 1.3 GB  310,000 looked at`; pure. */
export const barText = (share: number, words: string): string => {
  const full = Math.floor(Math.min(1, share) * BAR_COLUMNS);
  const bar = '█'.repeat(full) + '░'.repeat(BAR_COLUMNS - full);
  return `${bar} ${String(Math.floor(Math.min(1, share) * 100)).padStart(3)} % ${words}`;
};

const syncWords = ({ comparedCount, writtenCount, totalBytes }: SyncCounts): string =>
  `of ${formatBytes(totalBytes)}  ${comparedCount.toLocaleString('en-US')} looked at, ${writtenCount.toLocaleString('en-US')} written`;

/** Where a person looks on and it takes a while. */
export const startBringProgress = ({ stderr, paint, env }: Terminal): BringProgress => {
  const isShown = stderr.isTTY && env['TERM'] !== 'dumb';
  let drawnAtMs = performance.now() + PATIENCE_MS - REDRAW_MS;
  let isDrawn = false;
  const clear = (): void => {
    if (isDrawn) stderr.write('\r\u001B[K');
    isDrawn = false;
  };
  const onShare = (share: number, words: string): void => {
    const nowMs = performance.now();
    if (!isShown || nowMs - drawnAtMs < REDRAW_MS) return;
    drawnAtMs = nowMs;
    isDrawn = true;
    stderr.write(`\r\u001B[K${paint('dim', barText(share, words))}`);
  };
  return {
    onProgress: (counts) => onShare(counts.readBytes / Math.max(1, counts.totalBytes), syncWords(counts)),
    onShare,
    clear,
    [Symbol.dispose]: clear,
  };
};
