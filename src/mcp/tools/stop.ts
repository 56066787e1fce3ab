/** Owns the tool `stop`. */
import { z } from 'zod';
import type { PodRecord } from '../../pod/registry/pod-record.ts';
import { readLineage } from '../../pod/read-lineage.ts';
import { isOver } from '../../pod/registry/pod-status.ts';
import { readRecords } from '../../pod/registry/record-file.ts';
import { latestOfEach, resolvePod } from '../../pod/registry/resolve-pod.ts';
import { clipList } from '../clip.ts';
import { podLine } from '../pod-line.ts';
import { createTool, refused, said } from '../tool.ts';
import { podIds, wholeSeconds } from './input.ts';

const input = z.strictObject({
  ids: podIds.describe('Pods of this home: not your own, and none above it.'),
  why: z.string().min(1).max(300).describe('Stands on the record.'),
  grace_s: wholeSeconds(30).default(10).describe('How long they may take to end before they are killed.'),
});

const latest = (records: readonly PodRecord[], entity: string): PodRecord | undefined =>
  latestOfEach(records).find((record) => record.entity === entity);

export const stop = createTool({
  name: 'stop',
  title: 'Stop pods',
  description: 'Stops pods, with all that they run, and waits until they have ended. What they wrote stays.',
  isReadOnly: false,
  isDestructive: true,
  input,
  call: async ({ ids, why, grace_s: graceS }, { caller, openPlace }) => {
    const { home, settings, records, self } = await openPlace();
    const pods = [...new Set(ids.map((id) => resolvePod(id, records)))];
    const lineage = self === undefined ? [] : await readLineage(home.busDir, self);
    const above = pods.find(({ entity }) => lineage.includes(entity));
    if (above !== undefined) {
      const which = above.entity === self ? 'the pod that you run in' : 'above the pod that you run in';
      return refused(
        `${above.entity} is ${which}: to stop it would stop you. Nothing was stopped.`,
        'End your work instead.',
      );
    }
    const { stopPods } = await import('../../pod/registry/stop-pods.ts');
    const by = self ?? caller.client;
    const { elsewhere } = await stopPods(pods, { home, settings }, { why: `${by}: ${why}`, graceMs: graceS * 1_000 });
    const now = readRecords(home.runDir);
    const lines = pods.map((record) => {
      const current = latest(now, record.entity) ?? record;
      if (elsewhere.includes(record))
        return `${record.entity} runs on ${record.process.host}: it can be stopped there only`;
      return isOver(record) ? `had ended already: ${podLine(current)}` : podLine(current);
    });
    const rest = (count: number): string => `… and ${count} more; fleet shows them.`;
    const text = clipList({ lines, maxChars: settings.mcp.maxAnswerChars, rest });
    return elsewhere.length > 0 ? refused(text) : said(text);
  },
});
