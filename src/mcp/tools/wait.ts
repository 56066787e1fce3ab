/** Owns the tool `wait`: for pods to end, as long as the client has patience. */
import { z } from 'zod';
import type { PodRecord } from '../../pod/registry/pod-record.ts';
import { isOver } from '../../pod/registry/pod-status.ts';
import { resolvePod } from '../../pod/registry/resolve-pod.ts';
import { waitFor } from '../../pod/registry/wait-for.ts';
import { clip, clipList } from '../clip.ts';
import { readLineage } from '../../pod/read-lineage.ts';
import { ownLiving } from '../place.ts';
import { durationText, podLine } from '../pod-line.ts';
import { resultText } from '../result-text.ts';
import { createTool, refused, said } from '../tool.ts';
import { podIds, wholeSeconds } from './input.ts';

/** Many clients give a call up after 60 s. */
const DEFAULT_S = 50;
const MAX_S = 600;
const LOOK_EVERY_MS = 250;
const TELL_EVERY_MS = 5_000;
/** Of an answer that tells of several pods; each has at least so much of its result. */
const LEAST_RESULT_CHARS = 120;
const LINE_CHARS = 240;

const input = z.strictObject({
  ids: podIds.optional().describe('Pods to wait for. Default: all that you started and that run.'),
  any: z.boolean().default(false).describe('Until one of them has ended, not all.'),
  timeout_s: wholeSeconds(MAX_S)
    .default(DEFAULT_S)
    .describe('Answer after so many seconds in any case. 0: look only. Keep it below the patience of your client.'),
});

/** Ended ones first: of those the agent can use the result. */
const inOrder = (pods: readonly PodRecord[]): readonly PodRecord[] =>
  pods.toSorted((a, b) => Number(isOver(b)) - Number(isOver(a)));

const howMany = (ended: number, all: number, noun = all === 1 ? 'pod has' : 'pods have'): string =>
  ended === all && all === 1 ? 'It has ended.' : `${ended} of ${all} ${noun} ended.`;

const bodyOf = (record: PodRecord, busDir: string, maxChars: number): Promise<string> | string =>
  isOver(record) ? resultText(record, { busDir, maxChars }) : '';

/** Sends a progress notification when something changed, and each 5 s. */
const createTeller = (tell: (pods: readonly PodRecord[]) => void) => {
  let toldAtMs = -Infinity;
  let toldEnded = -1;
  return (pods: readonly PodRecord[]): void => {
    const nowMs = performance.now();
    const ended = pods.filter(isOver).length;
    if (ended === toldEnded && nowMs - toldAtMs < TELL_EVERY_MS) return;
    toldAtMs = nowMs;
    toldEnded = ended;
    tell(pods);
  };
};

export const wait = createTool({
  name: 'wait',
  title: 'Wait for pods',
  description:
    'Waits until pods have ended and gives their results; after timeout_s tells how they stand. Call it again to wait longer.',
  isReadOnly: true,
  input,
  call: async ({ ids, any: isAny, timeout_s: timeoutS }, { caller, openPlace, progress, signal }) => {
    const place = await openPlace();
    const { home, settings, records } = place;
    const named = ids?.map((id) => resolvePod(id, records));
    const pods = [...new Set(named ?? ownLiving(place, caller))];
    if (pods.length === 0) return refused('none of the pods that you started runs', 'Give ids; fleet shows them.');
    const lineage = place.self === undefined ? [] : await readLineage(home.busDir, place.self);
    const above = pods.find(({ entity }) => lineage.includes(entity));
    if (above !== undefined)
      return refused(`${above.entity} is the pod that you run in, or above it: it ends after you.`);
    const beganAtMs = performance.now();
    const onLook = createTeller((now) =>
      progress({
        done: Math.round(performance.now() - beganAtMs) / 1_000,
        total: timeoutS,
        message:
          `${howMany(now.filter(isOver).length, now.length)} ${now.filter((each) => !isOver(each)).map((each) => podLine(each))[0] ?? ''}`.trim(),
      }),
    );
    const wish = { isAny, untilMs: beganAtMs + timeoutS * 1_000, lookEveryMs: LOOK_EVERY_MS, onLook };
    const waited = await waitFor(pods, { home, settings }, wish, signal);
    const shown = inOrder(waited.pods);
    const { maxAnswerChars: maxChars } = settings.mcp;
    const endedCount = shown.filter(isOver).length;
    const room = Math.floor((maxChars - shown.length * LINE_CHARS) / Math.max(1, endedCount));
    const lines: string[] = [];
    for (const record of shown) {
      const body = await bodyOf(record, home.busDir, Math.max(LEAST_RESULT_CHARS, room));
      lines.push(clip(podLine(record), LINE_CHARS) + (body === '' ? '' : `\n${body}`));
    }
    const waitedText = durationText(performance.now() - beganAtMs);
    const head = waited.isInTime
      ? howMany(endedCount, isAny ? pods.length : shown.length)
      : `${howMany(endedCount, shown.length)} Waited ${waitedText}; call wait again to wait longer.`;
    const rest = (count: number): string => `… and ${count} more; give fewer ids.`;
    return said(`${head}\n${clipList({ lines, maxChars: maxChars - head.length - 1, rest })}`);
  },
});
