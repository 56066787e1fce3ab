/** Owns the removal of what ended pods leave beside the bus: records, launch specs, output, sockets. The bus stays. */
import { rmSync } from 'node:fs';
import { turnedPath } from '../../log/turned-path.ts';
import { removeSpec, removeStart } from '../launch/launch-spec.ts';
import type { PodRecord } from './pod-record.ts';
import { readRecords, removeRecord } from './record-file.ts';

export interface PruneOptions {
  readonly runDir: string;
  /** How many of the newest ended pods stay. */
  readonly keep: number;
  /** Only those that ended before this time; default: any. */
  readonly endedBeforeMs?: number;
  readonly isDryRun?: boolean;
}

const isOld = ({ end }: PodRecord, beforeMs: number): boolean => end !== null && Date.parse(end.at) < beforeMs;

const remove = (runDir: string, record: PodRecord): void => {
  const files = [record.stdout, record.stderr, record.log].flatMap((path) => (path === null ? [] : [path]));
  for (const path of files) for (const each of [path, turnedPath(path)]) rmSync(each, { force: true });
  if (record.socket !== null) rmSync(record.socket, { force: true });
  removeStart(runDir, record.session);
  removeRecord(runDir, record.session);
};

/** Removes what is left of ended pods; those that were, or would be, removed. @throws a system error */
export const prunePods = ({
  runDir,
  keep,
  endedBeforeMs = Infinity,
  isDryRun = false,
}: PruneOptions): readonly PodRecord[] => {
  const ended = readRecords(runDir).filter(({ end }) => end !== null);
  const spare = keep === 0 ? ended : ended.slice(0, -keep);
  const chosen = spare.filter((record) => isOld(record, endedBeforeMs));
  if (isDryRun) return chosen;
  for (const record of chosen) remove(runDir, record);
  const left = new Set(readRecords(runDir).map(({ entity }) => entity));
  for (const { entity } of chosen) if (!left.has(entity)) removeSpec(runDir, entity);
  return chosen;
};
