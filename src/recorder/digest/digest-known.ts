/** Owns what memory is told of events that stand on the bus already, and are not written again: redacted as those are (G7). */
import type { FinishedToolUse } from '../../model/tool-event.ts';
import type { BodyEncoder } from '../body.ts';
import type { DigestFold } from './digest-fold.ts';

export const digestKnownCall = (encoder: BodyEncoder, fold: DigestFold, event: FinishedToolUse): void => {
  const tool = encoder.encodeText(event.tool_name).text;
  fold.call({
    tool,
    input: fold.looksAt(tool) ? encoder.encode(event.tool_input).json : '',
    error: event.hook_event_name === 'PostToolUseFailure' ? encoder.encodeText(event.error).text : undefined,
    title: undefined,
  });
};

export const digestKnownTurn = (encoder: BodyEncoder, fold: DigestFold, turn: object): void => {
  fold.message('agent_turn', '', JSON.parse(encoder.encode(turn).json) as Readonly<Record<string, unknown>>);
};
