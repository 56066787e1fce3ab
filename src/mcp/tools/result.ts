/** Owns the tool `result`: what a pod that has ended came to. */
import { z } from 'zod';
import { parseEntityId } from '../../model/id.ts';
import { NikaError } from '../../model/error.ts';
import { isTerminal } from '../../model/entity.ts';
import { isOver } from '../../pod/registry/pod-status.ts';
import { resolvePod } from '../../pod/registry/resolve-pod.ts';
import { clip } from '../clip.ts';
import type { Place } from '../place.ts';
import { podLine, standingText } from '../pod-line.ts';
import { partOf, readResult, restText, textOf } from '../result-text.ts';
import { createTool, refused, said, type Answer } from '../tool.ts';
import { podId } from './input.ts';

const MAX_CHARS = 100_000;
/** For what says how to get the rest. */
const NOTE_CHARS = 160;

const input = z.strictObject({
  id: podId,
  offset: z.int().min(0).max(1_000_000_000).default(0).describe('Character to begin at.'),
  max_chars: z
    .int()
    .min(1)
    .max(MAX_CHARS)
    .optional()
    .describe('How many characters of it. Default: what fits an answer.'),
});

interface Ended {
  readonly id: string;
  readonly head: string;
  readonly text: string;
  readonly error: string | null;
  readonly gap?: string;
}

/** A pod whose record was pruned: what the bus says of it. */
const readFromBus = async (id: string, { home }: Place): Promise<Ended | Answer | undefined> => {
  const [{ readEntity }, { wholeValue }] = await Promise.all([
    import('../../bus/query/entities.ts'),
    import('../../pod/registry/pod-result.ts'),
  ]);
  const view = await readEntity(home.busDir, parseEntityId(id));
  if (view?.state === undefined) return undefined;
  if (!isTerminal(view.state)) return refused(`${id} has no result: it is ${view.state.replaceAll('_', ' ')}.`);
  const value = wholeValue(home.busDir, view.result ?? null);
  return { id, head: `${id}: ${view.state}`, text: value === null ? '' : textOf(value), error: view.error ?? null };
};

const readEnded = async (id: string, place: Place): Promise<Ended | Answer> => {
  const isOnBus = /^(?:JOB|TASK|PROJ)-/.test(id);
  let record;
  try {
    record = resolvePod(id, place.records);
  } catch (thrown) {
    if (!(thrown instanceof NikaError) || thrown.code !== 'NIKA_POD_UNKNOWN' || !isOnBus) throw thrown;
    const ended = await readFromBus(id, place);
    if (ended === undefined) throw thrown;
    return ended;
  }
  if (!isOver(record)) {
    return refused(
      `${record.entity} has no result yet: ${standingText(record)}`,
      `wait with {"ids": ["${record.entity}"]}.`,
    );
  }
  const whole = await readResult(record, place.home.busDir);
  return { id: record.entity, head: podLine(record), error: record.end?.error ?? null, ...whole };
};

const isAnswer = (value: Ended | Answer): value is Answer => 'isRefused' in value;

export const result = createTool({
  name: 'result',
  title: 'Result of a pod',
  description: 'Gives the result of a pod that has ended (of an agent: its last message), in parts where it is long.',
  isReadOnly: true,
  input,
  call: async ({ id, offset, max_chars: wanted }, { openPlace }) => {
    const place = await openPlace();
    const ended = await readEnded(id, place);
    if (isAnswer(ended)) return ended;
    const { text, error, head, gap } = ended;
    if (offset > 0 && offset >= text.length) {
      return refused(`the result of ${ended.id} has ${text.length} characters: there are none from ${offset} on`);
    }
    const { maxAnswerChars } = place.settings.mcp;
    const told = offset > 0 || error === null ? '' : `error: ${clip(error, maxAnswerChars)}`;
    const part = partOf(text, offset, wanted ?? maxAnswerChars - head.length - told.length - NOTE_CHARS);
    const body = text === '' ? 'It has no result.' : part.text;
    return said([head, told, body, restText(ended.id, text, part), gap ?? ''].filter((each) => each !== '').join('\n'));
  },
});
