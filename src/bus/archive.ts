/**
 * Owns which files of the bus are compressed, and when (design, section 5): full segments that every registered writer
 * has left, and channels of entities that have been over for days. One process at a time does it.
 *
 * R1. A segment that a registered writer may still hold is left alone. A process of this host that is gone holds nothing;
 *     of another host's nothing is known but when it registered.
 * R2. It runs beside a pod's work: asynchronous, one file after the other, ended at once by the signal (G1).
 */
import { readdirSync, rmSync, type Stats } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isTerminal, transitionOfBusType } from '../model/entity.ts';
import { errnoOf, errorMessage } from '../model/error.ts';
import { livenessOf } from '../failopen/process-identity.ts';
import { channelsDir, segmentNumber } from './layout.ts';
import { tryParseLine } from './line.ts';
import { isPackTemp, packFile } from './pack-file.ts';
import { readRegistrations, registeredAtMs, type Registration, removeRegistration } from './registration.ts';
import { tryLock } from './segments.ts';

export interface ArchiveOptions {
  readonly busDir: string;
  readonly runDir: string;
  /** For so many days nothing was written to a channel before it is compressed. */
  readonly olderThanDays: number;
  readonly signal: AbortSignal;
}

/** How many files were compressed. `busy`: another process is at it. */
export type ArchiveOutcome =
  | { readonly kind: 'done'; readonly segments: number; readonly channels: number }
  | { readonly kind: 'busy' };

const DAY_MS = 86_400_000;
/** A registration of another host counts for so long. */
const ELSEWHERE_COUNTS_MS = 7 * DAY_MS;
/** A writer registers just after its first line: a segment full only now may have one that has not yet. */
const SETTLED_MS = 10_000;
/** The last lines of a channel: its end, and what comes after it. */
const TAIL_BYTES = 256 * 1024;

const PLAIN_SUFFIX = '.jsonl';

/** Whether the writer may still hold its file (R1). Registrations of processes that are gone are removed. */
const mayHold = (runDir: string, registration: Registration): boolean => {
  const { writer, host, boot_id: bootId, pid, pid_ns: pidNamespace, start_ticks: startTicks } = registration;
  const liveness = livenessOf({ host, bootId, pid, pidNamespace, startTicks });
  if (liveness === 'gone') removeRegistration(runDir, writer);
  if (liveness !== 'elsewhere') return liveness === 'alive';
  return Date.now() - registeredAtMs(runDir, writer) < ELSEWHERE_COUNTS_MS;
};

const heldInodes = (runDir: string): ReadonlySet<number> => {
  const held = readRegistrations(runDir).filter((registration) => mayHold(runDir, registration));
  return new Set(held.flatMap(({ alpha_ino: ino }) => ino ?? []));
};

const namesIn = async (dir: string): Promise<readonly string[]> => {
  try {
    return await readdir(dir);
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return []; // nothing was written yet
    throw thrown;
  }
};

/** What a run that was killed left (the lock is ours, so nobody is at it). */
export const removeLeftovers = (dir: string): void => {
  try {
    for (const name of readdirSync(dir).filter(isPackTemp)) rmSync(join(dir, name), { force: true });
  } catch (thrown) {
    if (errnoOf(thrown) !== 'ENOENT') throw thrown;
  }
};

/** Every full segment that its writers have left (R1). */
const isLeftSegment = (path: string, { mtimeMs, ino }: Stats, { runDir }: ArchiveOptions): boolean =>
  segmentNumber(basename(path)) !== undefined && Date.now() - mtimeMs >= SETTLED_MS && !heldInodes(runDir).has(ino);

/** Whether the entity's end stands among the last lines of its channel. */
const hasEnded = async (path: string, sizeBytes: number, entity: string): Promise<boolean> => {
  const from = Math.max(0, sizeBytes - TAIL_BYTES);
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(sizeBytes - from), 0, sizeBytes - from, from);
    const lines = buffer.toString('utf8', 0, bytesRead).split('\n');
    return lines.some((text) => {
      const line = text.includes('"type":"job_') ? tryParseLine(text) : undefined;
      if (line === undefined || !isTerminal(transitionOfBusType(line.type)?.to)) return false;
      return (line.meta['entity_id'] ?? line.entity) === entity; // a SUB's end stands in the channel of its parent
    });
  } finally {
    await handle.close();
  }
};

/** The channel of an entity that is over, and quiet for days. */
const isClosedChannel = async (path: string, { mtimeMs, size }: Stats, options: ArchiveOptions): Promise<boolean> => {
  if (Date.now() - mtimeMs < options.olderThanDays * DAY_MS) return false;
  return hasEnded(path, size, basename(path, PLAIN_SUFFIX));
};

type MayPack = (path: string, stats: Stats, options: ArchiveOptions) => boolean | Promise<boolean>;

/** Compresses what may be in the folder; what fails is noted and the others go on, unless the disk is full. */
const packFolder = async (
  dir: string,
  mayPack: MayPack,
  options: ArchiveOptions,
  failures: string[],
): Promise<number> => {
  const { signal } = options;
  let count = 0;
  for (const name of (await namesIn(dir)).toSorted()) {
    if (signal.aborted) break;
    if (!name.endsWith(PLAIN_SUFFIX)) continue;
    const path = join(dir, name);
    try {
      const stats = await stat(path);
      if ((await mayPack(path, stats, options)) && (await packFile(path, signal)) === 'packed') count += 1;
    } catch (thrown) {
      if (signal.aborted) break;
      if (errnoOf(thrown) === 'ENOENT') continue; // removed or renamed meanwhile
      failures.push(`${path}: ${errorMessage(thrown)}`);
      if (errnoOf(thrown) === 'ENOSPC') break;
    }
  }
  return count;
};

/**
 * Compresses what may be (R1) and clears away what a run that was killed has left. Ends early, and well, when the signal
 * is aborted.
 * @throws an error that names each file that could not be compressed: to be called through `bestEffort`.
 */
export const archiveBus = async (options: ArchiveOptions): Promise<ArchiveOutcome> => {
  const { busDir } = options;
  await using lock = await tryLock(busDir, 'archive');
  if (lock === undefined) return { kind: 'busy' };
  for (const dir of [busDir, channelsDir(busDir)]) removeLeftovers(dir);
  const failures: string[] = [];
  const segments = await packFolder(busDir, isLeftSegment, options, failures);
  const channels = await packFolder(channelsDir(busDir), isClosedChannel, options, failures);
  if (failures.length > 0) throw new Error(`${failures.length} files were not compressed; ${failures.join('; ')}`);
  return { kind: 'done', segments, channels };
};
