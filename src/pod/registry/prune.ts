/** Owns the removal of what ended pods leave beside the bus: records, launch specs, output, sockets. The bus stays. */
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { turnedPath } from '../../log/turned-path.ts';
import { removeSpec, removeStart } from '../launch/launch-spec.ts';
import type { PodRecord } from './pod-record.ts';
import { readRecord, readRecords, removeRecord } from './record-file.ts';

export interface PruneOptions {
  readonly runDir: string;
  /** How many of the newest ended pods stay. */
  readonly keep: number;
  /** Only those that ended before this time; default: any. */
  readonly endedBeforeMs?: number;
  readonly isDryRun?: boolean;
  /** Entities whose records stay all the same. */
  readonly except?: ReadonlySet<string>;
}

const isOld = ({ end }: PodRecord, beforeMs: number): boolean => end !== null && Date.parse(end.at) < beforeMs;

const remove = (runDir: string, record: PodRecord): void => {
  const files = [record.stdout, record.stderr, record.log].flatMap((path) => (path === null ? [] : [path]));
  for (const path of files) for (const each of [path, turnedPath(path)]) rmSync(each, { force: true });
  if (record.socket !== null) rmSync(record.socket, { force: true });
  removeStart(runDir, record.session);
  removeRecord(runDir, record.session);
};

/** A pod that lives writes every few seconds, also one of a newer nika, whose record this one may not understand. */
const UNREADABLE_AFTER_MS = 24 * 3_600_000;
const RECORD_FILE = /^(?<session>[^.]+)\.json(?:\.(?:new|tmp))?$/;

/** When a file of each session was last written, in ms. */
const writtenAtMs = (dir: string): ReadonlyMap<string, number> => {
  const newest = new Map<string, number>();
  for (const name of existsSync(dir) ? readdirSync(dir) : []) {
    const session = RECORD_FILE.exec(name)?.groups?.['session'];
    const atMs = statSync(join(dir, name), { throwIfNoEntry: false })?.mtimeMs;
    if (session === undefined || atMs === undefined) continue;
    newest.set(session, Math.max(atMs, newest.get(session) ?? 0));
  }
  return newest;
};

/**
 * Removes records that nobody can read (the power failed, a disk was full) and nobody wrote to for a day; the sessions
 * whose record was, or would be, removed. What stands on the bus stays.
 * @throws a system error
 */
export const pruneUnreadable = (runDir: string, isDryRun: boolean): readonly string[] => {
  const beforeMs = Date.now() - UNREADABLE_AFTER_MS;
  const old = Array.from(writtenAtMs(join(runDir, 'pods'))).filter(([, atMs]) => atMs < beforeMs);
  const unreadable = old.flatMap(([session]) => (readRecord(runDir, session) === undefined ? [session] : []));
  for (const session of isDryRun ? [] : unreadable) {
    removeStart(runDir, session);
    removeRecord(runDir, session);
  }
  return unreadable;
};

/** Records of ended pods that may be removed. */
export const prunable = ({ runDir, keep, endedBeforeMs = Infinity, except }: PruneOptions): readonly PodRecord[] => {
  const ended = readRecords(runDir).filter(({ end }) => end !== null);
  const spare = keep === 0 ? ended : ended.slice(0, -keep);
  const awaiting = ended.flatMap(({ entity, end }) => (end?.status === 'awaiting_review' ? [entity] : []));
  const kept = new Set<string>([...awaiting, ...(except ?? [])]); // it may be rejected, and goes on
  return spare.filter((record) => isOld(record, endedBeforeMs) && !kept.has(record.entity));
};

/** Removes what is left of ended pods; those that were, or would be, removed. @throws a system error */
export const prunePods = (options: PruneOptions): readonly PodRecord[] => {
  const { runDir, isDryRun = false } = options;
  const chosen = prunable(options);
  if (isDryRun) return chosen;
  for (const record of chosen) remove(runDir, record);
  const left = new Set(readRecords(runDir).map(({ entity }) => entity));
  for (const { entity } of chosen) if (!left.has(entity)) removeSpec(runDir, entity);
  return chosen;
};
