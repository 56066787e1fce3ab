/** Owns the line on standard error that tells how far a long reading of the bus is. */
import { formatBytes } from './format.ts';
import type { Terminal } from './terminal.ts';

export interface ByteProgress {
  readonly readBytes: number;
  readonly totalBytes: number;
}

export interface Progress extends Disposable {
  readonly onProgress: (progress: ByteProgress) => void;
  /** Takes the line away; it comes back with the next progress. */
  readonly clear: () => void;
}

const PATIENCE_MS = 1000;
const REDRAW_MS = 200;

/** `doing: 42 % of 1.3 GB`, where a person looks on and it takes more than a second. */
export const startProgress = ({ stderr, isInteractive, paint }: Terminal, doing: string): Progress => {
  const isShown = isInteractive && stderr.isTTY;
  let drawnAtMs = performance.now() + PATIENCE_MS - REDRAW_MS;
  let isDrawn = false;
  const clear = (): void => {
    if (isDrawn) stderr.write('\r\u001B[K');
    isDrawn = false;
  };
  return {
    onProgress: ({ readBytes, totalBytes }) => {
      const nowMs = performance.now();
      if (!isShown || nowMs - drawnAtMs < REDRAW_MS) return;
      drawnAtMs = nowMs;
      isDrawn = true;
      const percent = totalBytes === 0 ? 100 : Math.min(100, Math.floor((readBytes / totalBytes) * 100));
      stderr.write(`\r\u001B[K${paint('dim', `${doing}: ${percent} % of ${formatBytes(totalBytes)}`)}`);
    },
    clear,
    [Symbol.dispose]: clear,
  };
};
