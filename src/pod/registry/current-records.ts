/**
 * Owns what everybody who looks at pods begins with: their records, once those that died are closed. What a sender of
 * notifications left that was killed is sent besides.
 */
import type { Home } from '../../config/home.ts';
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

/** What was decided elsewhere, or by somebody who did not come to tell the record. */
const settleReviewed = async (home: Home, records: readonly PodRecord[]): Promise<readonly PodRecord[]> => {
  if (!records.some(({ end }) => end?.status === 'awaiting_review')) return records;
  const { settleDecided } = await import('../review/settle-decided.ts');
  return settleDecided(home, records);
};

/** Best effort: a bus that cannot be read closes none. */
export const readCurrentRecords = async (options: LostOptions): Promise<CurrentRecords> => {
  const { runDir } = options.home;
  await resumeSender(options.home, process.env);
  const records = await settleReviewed(options.home, readRecords(runDir));
  const hasLost = records.some((record) => record.end === null && statusOf(record) === 'lost');
  if (!hasLost) return { records, closed: [] };
  const { closeAllLost } = await import('./lost.ts');
  const closed = await closeAllLost(options);
  return { records: readRecords(runDir), closed };
};
