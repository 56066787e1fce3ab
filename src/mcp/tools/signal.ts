/** Owns the tools `signal` and `signals`: what programs and agents in pods say to each other, with answers. */
import { z } from 'zod';
import { NikaError } from '../../model/error.ts';
import type { Signal } from '../../ipc/signals/signal.ts';
import { resolvePod } from '../../pod/registry/resolve-pod.ts';
import type { Caller } from '../caller.ts';
import { clip } from '../clip.ts';
import { isInside, ownPod } from '../own-pod.ts';
import { createTool, refused, said } from '../tool.ts';
import { wholeSeconds } from './input.ts';

const MAX_BODY_CHARS = 2_000;
const MAX_COUNT = 20;
/** What waits in Redis takes a moment when it is asked for first. */
const FIRST_MS = 250;
const SLICE_MS = 1_000;
const leftOver = new WeakMap<Caller, readonly Signal[]>();
const OUTSIDE = 'you run outside of pods: signals go from pod to pod';
const INSTEAD = 'Use send for a message to an agent, or start_pod to work as a pod.';

const input = z.strictObject({
  to: z.string().max(200).optional().describe('A pod.'),
  name: z.string().max(200).optional().describe('What it is about.'),
  body: z.unknown().optional().describe('JSON, at most 32 KiB.'),
  request: z.boolean().default(false).describe('Wait for an answer.'),
  deadline_s: wholeSeconds(600).default(30),
  reply_to: z.string().max(100).optional().describe('A request that signals gave: answer it with body or error.'),
  error: z.string().max(4_000).optional(),
});

const asJson = (value: unknown): string => JSON.stringify(value) ?? 'null';

/** A pod of this home by a part of its id; another one by the whole. */
const targetOf = (text: string, records: Parameters<typeof resolvePod>[1]): string => {
  try {
    return resolvePod(text, records).entity;
  } catch (thrown) {
    if (text.startsWith('JOB-') && thrown instanceof NikaError && thrown.code === 'NIKA_POD_UNKNOWN') return text;
    throw thrown;
  }
};

export const signal = createTool({
  name: 'signal',
  title: 'Signal to a pod',
  description: 'Sends data to what runs in another pod, asks it, or answers it.',
  isReadOnly: false,
  input,
  call: async (
    { to, name, body = null, request, deadline_s, reply_to, error },
    { caller, openPlace, signal: abort },
  ) => {
    if (!isInside(caller)) return refused(OUTSIDE, INSTEAD);
    const pod = await ownPod(caller);
    if (reply_to !== undefined) {
      await pod.answerSignal(reply_to, error === undefined ? { ok: true, body } : { ok: false, error });
      return said('Answered.');
    }
    if (to === undefined || name === undefined) return refused('signal needs to and name, or reply_to.');
    const job = targetOf(to, (await openPlace()).records);
    if (request) {
      const answer = await pod.pods.request(job, name, body, {
        deadline: Math.max(1, deadline_s) * 1000,
        signal: abort,
      });
      return said(clip(`${job} answered: ${asJson(answer)}`, 2 * MAX_BODY_CHARS));
    }
    const { via } = await pod.pods.send(job, name, body, { signal: abort });
    return said(via === 'held' ? `${job} gets it when Redis is back.` : `${job} has it.`);
  },
});

const rowOf = ({ id, kind, name, from, body }: Signal): string => {
  const what = kind === 'request' ? `request ${id} (answer it with reply_to)` : kind;
  return `${what} from ${from ?? 'outside'}: ${name}: ${clip(asJson(body), MAX_BODY_CHARS)}`;
};

export const signals = createTool({
  name: 'signals',
  title: 'Signals to your pod',
  description: 'What pods have signalled to yours since your last call.',
  isReadOnly: false,
  input: z.strictObject({ wait_s: wholeSeconds(300).default(0) }),
  call: async ({ wait_s: waitS }, { caller, signal: abort }) => {
    if (!isInside(caller)) return refused(OUTSIDE, INSTEAD);
    const pod = await ownPod(caller);
    const endMs = performance.now() + waitS * 1000;
    let came = leftOver.get(caller) ?? [];
    leftOver.delete(caller);
    // In slices: what comes after the client gave the call up is for the next one.
    for (let waitMs = FIRST_MS; came.length === 0 && waitMs > 0 && !abort.aborted;) {
      came = await pod.takeSignals({ listener: 'mcp', max: MAX_COUNT, wait_ms: waitMs });
      waitMs = Math.min(SLICE_MS, endMs - performance.now());
    }
    if (abort.aborted) leftOver.set(caller, came);
    return said(came.length === 0 ? 'None.' : came.map(rowOf).join('\n'));
  },
});
