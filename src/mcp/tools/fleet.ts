/** Owns the tool `fleet`: the pods of the home, as they stand. */
import { z } from 'zod';
import type { PodRecord } from '../../pod/registry/pod-record.ts';
import { isOver } from '../../pod/registry/pod-status.ts';
import { latestOfEach } from '../../pod/registry/resolve-pod.ts';
import { readWorkers } from '../../swarm/worker/worker-record.ts';
import { clipList } from '../clip.ts';
import type { Caller } from '../caller.ts';
import { isOwn, type Place } from '../place.ts';
import { podLine } from '../pod-line.ts';
import { createTool, said } from '../tool.ts';

const input = z.strictObject({
  all: z.boolean().default(false).describe('Ended ones too, the newest first.'),
  mine: z.boolean().default(false).describe('Only those that you started.'),
  job: z.string().min(1).max(100).optional().describe('Only those of this job.'),
});

interface Row {
  readonly line: string;
  readonly rank: number;
}

/** Those that run before those that ended, own ones first. */
const rowOf = (record: PodRecord, place: Place, caller: Caller): Row => {
  const isSelf = record.entity === place.self;
  const isMine = isOwn(record, place, caller);
  const rank = (isOver(record) ? 4 : 0) + (isMine ? 0 : isSelf ? 2 : 1);
  return { line: podLine(record, isSelf ? 'you' : isMine ? 'yours' : ''), rank };
};

/** Nothing where none runs. */
const workersText = ({ home }: Place): string => {
  const { length } = readWorkers(home.runDir);
  return length === 0
    ? ''
    : length === 1
      ? ' 1 worker takes dispatched jobs.'
      : ` ${length} workers take dispatched jobs.`;
};

const headOf = (living: number, ended: number, place: Place): string => {
  const { self } = place;
  const you = self === undefined ? 'You run outside of pods.' : `You run in ${self}.`;
  const hidden = ended === 0 ? '' : `, ${ended} ended`;
  const running = living === 0 ? 'No pod runs' : living === 1 ? '1 pod runs' : `${living} pods run`;
  return `${you} ${running} here${hidden}.${workersText(place)}`;
};

export const fleet = createTool({
  name: 'fleet',
  title: 'Pods and how they stand',
  description: 'Lists the pods that run here: id, job, how each stands, what it does now. Says which pod you are.',
  isReadOnly: true,
  input,
  call: async ({ all, mine, job }, { caller, openPlace }) => {
    const place = await openPlace();
    const pods = latestOfEach(place.records)
      .toReversed()
      .filter((record) => (job === undefined || record.job === job) && (!mine || isOwn(record, place, caller)));
    const living = pods.filter((record) => !isOver(record));
    const rows = (all ? pods : living).map((record) => rowOf(record, place, caller)).sort((a, b) => a.rank - b.rank);
    const head = headOf(living.length, pods.length - living.length, place);
    const rest = (count: number): string => `… and ${count} more; narrow it with {"mine": true} or {"job": "…"}.`;
    const lines = [head, ...rows.map(({ line }) => line)];
    return said(clipList({ lines, maxChars: place.settings.mcp.maxAnswerChars, rest }));
  },
});
