/** Owns what this home knows of rows of the queue, and the queue does not: a review that is open, a pod whose worker died. */
import { hostname } from 'node:os';
import type { Home } from '../../config/home.ts';
import { isOver } from '../../pod/registry/pod-status.ts';
import { readRecords } from '../../pod/registry/record-file.ts';
import type { QueueRow, QueueState } from '../../swarm/queue/work-queue.ts';
import { readWorkers } from '../../swarm/worker/worker-record.ts';

/** As it is shown. `stalled`: nobody works on it until a worker is given it. */
export type ShownState = QueueState | 'awaiting_review' | 'stalled';

export interface ShownRow extends QueueRow {
  readonly shown: ShownState;
  readonly note: string | undefined;
}

export const showRows = (rows: readonly QueueRow[], { runDir }: Home): readonly ShownRow[] => {
  const pods = new Map(readRecords(runDir).map((record) => [record.entity as string, record]));
  const alive = new Set(readWorkers(runDir).map(({ session }) => `${hostname()}/${session}`));
  return rows.map((row) => {
    const { state, worker, isStalled } = row;
    const pod = pods.get(row.job.entity);
    if (state === 'completed' && pod?.end?.status === 'awaiting_review')
      return { ...row, shown: 'awaiting_review', note: `nika review show ${row.job.entity}` };
    const isOurs = pod !== undefined && worker?.startsWith(`${hostname()}/`) === true;
    const isAlone = isStalled === true || (isOurs && worker !== undefined && !alive.has(worker));
    if (state !== 'active' || !isAlone) return { ...row, shown: state, note: undefined };
    if (pod !== undefined && !isOver(pod))
      return { ...row, shown: state, note: 'its worker is gone; its pod works on' };
    return { ...row, shown: 'stalled', note: 'its worker is gone; the next one is given it' };
  });
};
