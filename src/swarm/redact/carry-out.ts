/**
 * Owns carrying out a redaction, from wherever it stands: told on the bus first, then files, Redis, Qdrant.
 *
 * C1. It stands in `run/redactions/` before anything is changed, and until all of it is done: a kill, a full disk or a
 *     service that is away leaves what the next run goes on with. Each step may be repeated.
 * C2. The `redaction` lines are on stable storage before the first line is overwritten: at no moment does a line stand
 *     blanked that `verify` would not accept (G8).
 * C3. No memory writer begins meanwhile; one that is at work already may have read a line before, so what it may still
 *     write is taken out once more.
 */
import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { removeLeftovers } from '../../bus/archive.ts';
import { channelsDir } from '../../bus/layout.ts';
import { tryParseLine } from '../../bus/line.ts';
import { readTypes } from '../../bus/query/read-types.ts';
import { applyTargets } from '../../bus/redact/apply-targets.ts';
import { removeBlobs } from '../../bus/redact/line-blobs.ts';
import type { LineTarget } from '../../bus/redact/target.ts';
import { tryLock } from '../../bus/segments.ts';
import type { Home } from '../../config/home.ts';
import type { Settings } from '../../config/settings.ts';
import { errorMessage } from '../../model/error.ts';
import { MEMORY_LOCK } from '../../pod/remember/memory-lock.ts';
import { SwarmSession } from '../session/swarm-session.ts';
import { statePath } from '../state/state-file.ts';
import { type Redaction, type RedactionStep, removeRedaction, writeRedaction } from '../../bus/redact/redaction.ts';
import { blankRecords } from './session-records.ts';

/** What came of it at one place. */
export type StepOutcome =
  | { readonly kind: 'done'; readonly told: string }
  /** To be gone on with. */
  | { readonly kind: 'open'; readonly why: string };

/** Takes what was redacted out of a service; never throws. */
export type RedactCopies = (redaction: Redaction, signal: AbortSignal) => Promise<StepOutcome>;

export interface CarryOutOptions {
  readonly home: Home;
  readonly settings: Settings;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Services that hold copies; one that is not configured is left out. */
  readonly services: Readonly<Partial<Record<Exclude<RedactionStep, 'files'>, RedactCopies>>>;
  readonly signal: AbortSignal;
}

export interface CarriedOut {
  readonly redaction: Redaction;
  readonly steps: readonly { readonly step: RedactionStep | 'bus'; readonly outcome: StepOutcome }[];
}

/** Of 380 bytes each, in a line. */
const LINES_PER_LINE = 100;
const LOCK_WAIT_MS = 20_000;
/** From reading a line to its being written. */
const WRITER_IN_FLIGHT_MS = 3_000;
const LOCK_EVERY_MS = 100;
const SINCE_SLACK_MS = 3_600_000;

/** Whether its lines came to stand before it was killed. */
const isAnnounced = async (
  busDir: string,
  { redaction, at, lines }: Redaction,
  signal: AbortSignal,
): Promise<boolean> => {
  const told = new Set<string>();
  let isThere = false;
  const sinceMs = Date.parse(at) - SINCE_SLACK_MS;
  for await (const found of readTypes({ busDir, types: ['redaction'], sinceMs, signal })) {
    if (found === 'lost') continue;
    for (const text of found.texts) {
      const data = tryParseLine(text)?.data;
      if (data?.['redaction'] !== redaction) continue;
      isThere = true;
      const some: unknown = data['lines'];
      for (const line of Array.isArray(some) ? (some as readonly { tombstone?: unknown }[]) : [])
        told.add(String(line.tombstone));
    }
  }
  return isThere && lines.every(({ tombstone }) => told.has(tombstone));
};

const lineOf = ({ file, writer, seq, id, h, previous, tombstone, fits }: LineTarget) => ({
  file,
  writer,
  seq,
  id,
  h,
  previous,
  tombstone,
  ...(fits ? {} : { fits: false as const }),
});

/** Writes the `redaction` lines (C2). */
const announce = async (
  redaction: Redaction,
  { home, settings, env, signal }: CarryOutOptions,
): Promise<StepOutcome> => {
  if (await isAnnounced(home.busDir, redaction, signal)) return { kind: 'done', told: '' };
  const { reason, by, lines, blobs } = redaction;
  await using swarm = SwarmSession.open({ home, settings, env, kind: 'command', job: 'nika-redact' });
  const named = { redaction: redaction.redaction, reason, by };
  for (let from = 0; from === 0 || from < lines.length; from += LINES_PER_LINE) {
    const some = lines.slice(from, from + LINES_PER_LINE).map(lineOf);
    swarm.self.record('redaction', { ...named, lines: some, ...(from === 0 && blobs.length > 0 ? { blobs } : {}) });
  }
  swarm.session.bus.retryNow();
  await swarm.session.bus.sync();
  if (swarm.session.bus.isFailing) return { kind: 'open', why: 'the bus cannot be written: nothing was taken out' };
  return { kind: 'done', told: '' };
};

/** No file is compressed meanwhile. */
const lockArchive = async (busDir: string, signal: AbortSignal): Promise<AsyncDisposable | undefined> => {
  const untilMs = performance.now() + LOCK_WAIT_MS;
  for (;;) {
    const lock = await tryLock(busDir, 'archive');
    if (lock !== undefined || performance.now() > untilMs) return lock;
    signal.throwIfAborted();
    await delay(LOCK_EVERY_MS, undefined, { signal });
  }
};

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

const redactFiles = async ({ lines, blobs }: Redaction, { home, signal }: CarryOutOptions): Promise<StepOutcome> => {
  const { busDir, runDir } = home;
  await using lock = await lockArchive(busDir, signal);
  if (lock === undefined) return { kind: 'open', why: 'files of the bus are being compressed just now' };
  try {
    for (const dir of [busDir, channelsDir(busDir)]) removeLeftovers(dir); // what was being compressed at a kill holds the lines, too
    const { stand, missing, failures } = await applyTargets({ busDir, targets: lines, signal });
    const removed = await removeBlobs(busDir, blobs);
    blankRecords(runDir, lines);
    rmSync(statePath(runDir), { force: true }); // texts of lines stand there; it is made again from the bus
    if (failures.length > 0)
      return { kind: 'open', why: failures.map(({ path, why }) => `${path}: ${why}`).join('; ') };
    const gone = missing.length === 0 ? '' : `; ${counted(missing.length, 'line')} not there any more`;
    return { kind: 'done', told: `${counted(stand, 'line')}, ${counted(removed, 'blob')}${gone}` };
  } catch (thrown) {
    signal.throwIfAborted();
    return { kind: 'open', why: errorMessage(thrown) };
  }
};

/**
 * Does what is not done of it yet.
 * @throws a system error where it cannot be kept in `run/redactions/`: then nothing was changed. The signal's reason.
 */
export const carryOut = async (wanted: Redaction, options: CarryOutOptions): Promise<CarriedOut> => {
  const { home, services, signal } = options;
  const steps: CarriedOut['steps'][number][] = [];
  await using memory = await tryLock(home.busDir, MEMORY_LOCK); // C3
  let redaction = wanted;
  const keep = async (next: Redaction): Promise<void> => {
    redaction = next;
    await writeRedaction(home.runDir, next); // C1
  };
  await keep({ ...wanted, open: wanted.open.filter((step) => step === 'files' || services[step] !== undefined) });
  if (!redaction.announced) {
    const outcome = await announce(redaction, options);
    if (outcome.kind === 'open') return { redaction, steps: [{ step: 'bus', outcome }] };
    await keep({ ...redaction, announced: true });
  }
  for (const step of redaction.open) {
    let outcome = step === 'files' ? await redactFiles(redaction, options) : await services[step]?.(redaction, signal);
    if (step === 'qdrant' && outcome?.kind === 'done' && memory === undefined) {
      await delay(WRITER_IN_FLIGHT_MS, undefined, { signal });
      outcome = await services[step]?.(redaction, signal); // C3
    }
    if (outcome === undefined) continue;
    steps.push({ step, outcome });
    if (outcome.kind === 'done') await keep({ ...redaction, open: redaction.open.filter((other) => other !== step) });
  }
  if (redaction.open.length === 0) removeRedaction(home.runDir, redaction.redaction);
  return { redaction, steps };
};
