/**
 * Owns what everybody who looks at pods begins with: their records, once those that died are closed. What a sender of
 * notifications left that was killed is sent besides.
 */
import { resumeSender } from '../notify/start-sender.ts';
import type { LostOptions } from './lost.ts';
import type { PodRecord } from './pod-record.ts';
import { statusOf } from './pod-status.ts';
import { readRecords } from './record-file.ts';

export interface CurrentRecords {
  /** The oldest first. */
  readonly records: readonly PodRecord[];
  /** Those that were found dead, and closed now. */
  readonly closed: readonly PodRecord[];
}

/** Best effort: a bus that cannot be read closes none. */
export const readCurrentRecords = async (options: LostOptions): Promise<CurrentRecords> => {
  const { runDir } = options.home;
  await resumeSender(options.home, process.env);
  const records = readRecords(runDir);
  const hasLost = records.some((record) => record.end === null && statusOf(record) === 'lost');
  if (!hasLost) return { records, closed: [] };
  const { closeAllLost } = await import('./lost.ts');
  const closed = await closeAllLost(options);
  return { records: readRecords(runDir), closed };
};
