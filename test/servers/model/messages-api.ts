/** Owns Anthropic's Messages API, as the scripted model speaks it. */
import { z } from 'zod';
import { type Answer, type AnsweredCall, argumentsOf, halvesOf, type ModelApi, type StreamEvent } from './api.ts';

const block = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  tool_use_id: z.string().optional(),
  content: z.unknown().optional(),
});
const requestSchema = z.looseObject({
  model: z.string(),
  stream: z.boolean().default(false),
  tools: z.array(z.unknown()).default([]),
  messages: z.array(z.looseObject({ role: z.string(), content: z.union([z.string(), z.array(block)]) })),
});

type Block = z.infer<typeof block>;

const blocksOf = (content: string | readonly Block[]): readonly Block[] =>
  typeof content === 'string' ? [{ type: 'text', text: content }] : content;

const textOf = (content: unknown): string => {
  if (typeof content === 'string') return content;
  const blocks = z.array(block).safeParse(content);
  return blocks.success ? blocks.data.map(({ text }) => text ?? '').join('') : '';
};

const usageOf = ({ usage }: Answer) => ({
  input_tokens: usage.input,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: usage.cacheRead,
  output_tokens: usage.output,
});

const stopReasonOf = ({ calls }: Answer): string => (calls.length > 0 ? 'tool_use' : 'end_turn');

/** Input that is no JSON can be told only in a stream. */
const callBlock = ({ id, tool, input }: AnsweredCall) => ({
  type: 'tool_use',
  id,
  name: tool,
  input: typeof input === 'string' ? {} : input,
});

interface StreamedBlock {
  readonly start: Readonly<Record<string, unknown>>;
  readonly deltas: readonly Readonly<Record<string, unknown>>[];
}

const streamedBlocks = ({ text, calls }: Answer): readonly StreamedBlock[] => [
  ...(text === undefined
    ? []
    : [
        {
          start: { type: 'text', text: '' },
          deltas: halvesOf(text).map((half) => ({ type: 'text_delta', text: half })),
        },
      ]),
  ...calls.map((call) => ({
    start: { ...callBlock(call), input: {} },
    deltas: halvesOf(argumentsOf(call)).map((half) => ({ type: 'input_json_delta', partial_json: half })),
  })),
];

const event = (type: string, data: Readonly<Record<string, unknown>>): StreamEvent => ({
  event: type,
  data: { type, ...data },
});

const bodyOf = (answer: Answer) => ({
  id: answer.id,
  type: 'message',
  role: 'assistant',
  model: answer.model,
  content: [
    ...(answer.text === undefined ? [] : [{ type: 'text', text: answer.text }]),
    ...answer.calls.map((call) => callBlock(call)),
  ],
  stop_reason: stopReasonOf(answer),
  stop_sequence: null,
  usage: usageOf(answer),
});

const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  404: 'not_found_error',
  429: 'rate_limit_error',
  529: 'overloaded_error',
};

export const messagesApi: ModelApi = {
  name: 'messages',
  callPrefix: 'toolu_',
  isAt: (path) => path.endsWith('/v1/messages'),
  parse: (body) => {
    const { model, stream, tools, messages } = requestSchema.parse(body);
    const firstAnswer = messages.findIndex(({ role }) => role === 'assistant');
    const opening = firstAnswer === -1 ? messages : messages.slice(0, firstAnswer);
    return {
      model,
      opening: opening.map(({ content }) => textOf(content)).join('\n'),
      // Parallel calls can come back as several messages: what counts is the change of sides.
      answerCount: messages.filter(({ role }, at) => role === 'assistant' && messages[at - 1]?.role !== 'assistant')
        .length,
      results: messages
        .flatMap(({ content }) => blocksOf(content))
        .filter(({ type }) => type === 'tool_result')
        .map(({ tool_use_id: id = '', content }) => ({ id, text: textOf(content) })),
      hasTools: tools.length > 0,
      wantsJson: false,
      isStreamed: stream,
    };
  },
  bodyOf,
  eventsOf: (answer) => [
    event('message_start', {
      message: { ...bodyOf(answer), content: [], stop_reason: null, usage: { ...usageOf(answer), output_tokens: 1 } },
    }),
    ...streamedBlocks(answer).flatMap(({ start, deltas }, index) => [
      event('content_block_start', { index, content_block: start }),
      ...deltas.map((delta) => event('content_block_delta', { index, delta })),
      event('content_block_stop', { index }),
    ]),
    event('message_delta', {
      delta: { stop_reason: stopReasonOf(answer), stop_sequence: null },
      usage: usageOf(answer),
    }),
    event('message_stop', {}),
  ],
  errorBodyOf: ({ status, message }) => ({
    type: 'error',
    error: { type: ERROR_TYPES[status] ?? 'api_error', message },
  }),
  errorEventOf: ({ status, message }) =>
    event('error', { error: { type: ERROR_TYPES[status] ?? 'api_error', message } }),
};
