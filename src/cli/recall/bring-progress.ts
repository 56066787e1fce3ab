/** Owns the bar on standard error while the bus is brought to Qdrant. */
import type { SyncCounts } from '../../memory/sync/memory-sync.ts';
import { formatBytes } from '../format.ts';
import type { Terminal } from '../terminal.ts';

export interface BringProgress extends Disposable {
  readonly onProgress: (counts: SyncCounts) => void;
  readonly clear: () => void;
}

const PATIENCE_MS = 500;
const REDRAW_MS = 100;
const BAR_COLUMNS = 24;

/** `[██████░░░░]  42 % of 1.3 GB  310,000 looked at, 12,000 written`; pure. */
export const barText = ({ comparedCount, writtenCount, readBytes, totalBytes }: SyncCounts): string => {
  const share = totalBytes === 0 ? 0 : Math.min(1, readBytes / totalBytes);
  const full = Math.floor(share * BAR_COLUMNS);
  const bar = '█'.repeat(full) + '░'.repeat(BAR_COLUMNS - full);
  const percent = String(Math.floor(share * 100)).padStart(3);
  const counts = `${comparedCount.toLocaleString('en-US')} looked at, ${writtenCount.toLocaleString('en-US')} written`;
  return `${bar} ${percent} % of ${formatBytes(totalBytes)}  ${counts}`;
};

/** Where a person looks on and it takes a while. */
export const startBringProgress = ({ stderr, paint, env }: Terminal): BringProgress => {
  const isShown = stderr.isTTY && env['TERM'] !== 'dumb';
  let drawnAtMs = performance.now() + PATIENCE_MS - REDRAW_MS;
  let isDrawn = false;
  const clear = (): void => {
    if (isDrawn) stderr.write('\r\u001B[K');
    isDrawn = false;
  };
  return {
    onProgress: (counts) => {
      const nowMs = performance.now();
      if (!isShown || nowMs - drawnAtMs < REDRAW_MS) return;
      drawnAtMs = nowMs;
      isDrawn = true;
      stderr.write(`\r\u001B[K${paint('dim', barText(counts))}`);
    },
    clear,
    [Symbol.dispose]: clear,
  };
};
