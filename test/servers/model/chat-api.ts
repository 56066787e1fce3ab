/** Owns OpenAI's chat completions, as the scripted model speaks them. */
import { z } from 'zod';
import { type Answer, type AnsweredCall, argumentsOf, halvesOf, type ModelApi, type StreamEvent } from './api.ts';

const requestSchema = z.looseObject({
  model: z.string(),
  stream: z.boolean().default(false),
  tools: z.array(z.unknown()).default([]),
  response_format: z.looseObject({ type: z.string() }).optional(),
  messages: z.array(
    z.looseObject({ role: z.string(), content: z.unknown().optional(), tool_call_id: z.string().optional() }),
  ),
});

const textOf = (content: unknown): string => {
  if (typeof content === 'string') return content;
  const parts = z.array(z.looseObject({ text: z.string().optional() })).safeParse(content);
  return parts.success ? parts.data.map(({ text }) => text ?? '').join('\n') : '';
};

const usageOf = ({ usage }: Answer) => ({
  prompt_tokens: usage.input + usage.cacheRead,
  completion_tokens: usage.output,
  total_tokens: usage.input + usage.cacheRead + usage.output,
  prompt_tokens_details: { cached_tokens: usage.cacheRead },
});

const finishOf = ({ calls }: Answer): string => (calls.length > 0 ? 'tool_calls' : 'stop');

const toolCall = (call: AnsweredCall) => ({
  id: call.id,
  type: 'function',
  function: { name: call.tool, arguments: argumentsOf(call) },
});

const headOf = ({ id, model }: Answer, object: string) => ({ id, object, created: 0, model });

/** The name comes first, its arguments in pieces after it. */
const callDeltas = (call: AnsweredCall, index: number): readonly Readonly<Record<string, unknown>>[] => [
  {
    tool_calls: [{ index, ...toolCall(call), function: { name: call.tool, arguments: '' } }],
  },
  ...halvesOf(argumentsOf(call)).map((half) => ({ tool_calls: [{ index, function: { arguments: half } }] })),
];

const chunk = (answer: Answer, more: Readonly<Record<string, unknown>>): StreamEvent => ({
  data: { ...headOf(answer, 'chat.completion.chunk'), ...more },
});

const choice = (answer: Answer, delta: unknown, finish: string | null): StreamEvent =>
  chunk(answer, { choices: [{ index: 0, delta, finish_reason: finish }] });

const errorBodyOf = ({ status, message }: { readonly status: number; readonly message: string }) => ({
  error: { message, type: status === 429 ? 'rate_limit_error' : 'server_error', code: String(status) },
});

export const chatApi: ModelApi = {
  name: 'chat',
  callPrefix: 'call_',
  endMark: '[DONE]',
  isAt: (path) => path.endsWith('/chat/completions'),
  parse: (body) => {
    const { model, stream, tools, messages, response_format: format } = requestSchema.parse(body);
    const firstAnswer = messages.findIndex(({ role }) => role === 'assistant');
    const before = firstAnswer === -1 ? messages : messages.slice(0, firstAnswer);
    return {
      model,
      opening: before
        .filter(({ role }) => role === 'user')
        .map(({ content }) => textOf(content))
        .join('\n'),
      answerCount: messages.filter(({ role }, at) => role === 'assistant' && messages[at - 1]?.role !== 'assistant')
        .length,
      results: messages
        .filter(({ role }) => role === 'tool')
        .map(({ tool_call_id: id = '', content }) => ({ id, text: textOf(content) })),
      hasTools: tools.length > 0,
      wantsJson: format !== undefined && format.type !== 'text',
      isStreamed: stream,
    };
  },
  bodyOf: (answer) => ({
    ...headOf(answer, 'chat.completion'),
    choices: [
      {
        index: 0,
        finish_reason: finishOf(answer),
        message: {
          role: 'assistant',
          content: answer.text ?? null,
          ...(answer.calls.length === 0 ? {} : { tool_calls: answer.calls.map((call) => toolCall(call)) }),
        },
      },
    ],
    usage: usageOf(answer),
  }),
  eventsOf: (answer) => [
    choice(answer, { role: 'assistant', content: '' }, null),
    ...halvesOf(answer.text ?? '').map((content) => choice(answer, { content }, null)),
    ...answer.calls.flatMap((call, index) => callDeltas(call, index).map((delta) => choice(answer, delta, null))),
    choice(answer, {}, finishOf(answer)),
    chunk(answer, { choices: [], usage: usageOf(answer) }),
  ],
  errorBodyOf,
  errorEventOf: (error) => ({ data: errorBodyOf(error) }),
};
