/**
 * Owns the rolling of the alpha bus: when `alpha_bus.jsonl` is full it becomes the next numbered segment.
 * One process at a time does it, under an abstract Unix socket as a lock: the kernel frees it, however its holder ends.
 */
import { closeSync, openSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { errnoOf } from '../model/error.ts';
import { ALPHA, busPath, FILE_MODE, segmentFile, segmentNumber } from './layout.ts';

/** Named by device and inode: a folder that is reached by two paths has one lock. */
const lockName = (busDir: string, what: string): string => {
  const { dev, ino } = statSync(busDir);
  return `\0nika/${what}/${dev}-${ino}`;
};

/** A lock of this machine that its process's end frees; `undefined`: somebody else has it. Linux only. @throws no `_bus/` */
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

/** Whether the file of that inode is a full segment of this bus. Never throws: where that cannot be told, it is none. */
export const isSegment = (busDir: string, ino: number): boolean => {
  try {
    const numbers = segmentNumbers(busDir).toReversed();
    return numbers.some(
      (number) => statSync(join(busDir, segmentFile(number)), { throwIfNoEntry: false })?.ino === ino,
    );
  } catch {
    return false; // there is no such folder any more
  }
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
  const claim = claimSegment(busDir);
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) < segmentBytes) {
    rmSync(claim); // one in another network namespace, where this lock does not reach, was faster
    return false;
  }
  renameSync(path, claim);
  return true;
};

/**
 * The next segment's file, made exclusively and empty: the rename that follows can put over nothing but this claim,
 * whoever else rolls. A crash in between leaves an empty segment, which is harmless.
 */
const claimSegment = (busDir: string): string => {
  for (let next = (segmentNumbers(busDir).at(-1) ?? 0) + 1; ; next += 1) {
    const path = join(busDir, segmentFile(next));
    try {
      closeSync(openSync(path, 'wx', FILE_MODE));
      return path;
    } catch (thrown) {
      if (errnoOf(thrown) !== 'EEXIST') throw thrown;
    }
  }
};
