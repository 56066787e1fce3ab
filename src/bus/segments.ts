/**
 * Owns the rolling of the alpha bus: when `alpha_bus.jsonl` is full it becomes the next numbered segment.
 * One process at a time does it, under an abstract Unix socket as a lock: the kernel frees it, however its holder ends.
 */
import { hash } from 'node:crypto';
import { readdirSync, renameSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join, resolve } from 'node:path';
import { ALPHA, busPath, segmentFile, segmentNumber } from './layout.ts';

const lockName = (busDir: string, what: string): string =>
  `\0nika/${what}/${hash('sha256', resolve(busDir)).slice(0, 32)}`;

/** A lock of this machine that its process's end frees; `undefined`: somebody else has it. Linux only. */
export const tryLock = async (busDir: string, what: string): Promise<AsyncDisposable | undefined> => {
  const server: Server = createServer();
  const { promise, resolve: settle } = Promise.withResolvers<boolean>();
  server.once('error', () => settle(false));
  server.listen(lockName(busDir, what), () => settle(true));
  if (!(await promise)) return undefined;
  server.unref();
  return {
    [Symbol.asyncDispose]: async () => {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      await closed.promise;
    },
  };
};

/** Numbers of the full segments, compressed or not, in order. */
export const segmentNumbers = (busDir: string): readonly number[] => {
  const numbers = readdirSync(busDir).flatMap((name) => segmentNumber(name) ?? []);
  return [...new Set(numbers)].sort((a, b) => a - b);
};

/**
 * Renames `alpha_bus.jsonl` to the next segment if it has at least `segmentBytes`. Writers notice at their next line.
 * @returns whether this process did it. @throws a system error.
 */
export const rollSegment = async (busDir: string, segmentBytes: number): Promise<boolean> => {
  await using lock = await tryLock(busDir, 'roll');
  if (lock === undefined) return false;
  const path = busPath(busDir, ALPHA);
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) < segmentBytes) return false; // another one was faster
  const next = (segmentNumbers(busDir).at(-1) ?? 0) + 1;
  renameSync(path, join(busDir, segmentFile(next)));
  return true;
};
