/** Owns OpenAI's Responses API, as the scripted model speaks it. */
import { z } from 'zod';
import { type Answer, type AnsweredCall, argumentsOf, halvesOf, type ModelApi, type StreamEvent } from './api.ts';

const item = z.looseObject({
  type: z.string().default('message'),
  role: z.string().optional(),
  content: z.unknown().optional(),
  call_id: z.string().optional(),
  output: z.unknown().optional(),
});
const requestSchema = z.looseObject({
  model: z.string(),
  stream: z.boolean().default(false),
  tools: z.array(z.unknown()).default([]),
  input: z.union([z.string().transform((content) => [{ type: 'message', role: 'user', content }]), z.array(item)]),
});

type Item = z.infer<typeof item>;

const textOf = (content: unknown): string => {
  if (typeof content === 'string') return content;
  const parts = z.array(z.looseObject({ text: z.string().optional() })).safeParse(content);
  return parts.success ? parts.data.map(({ text }) => text ?? '').join('\n') : '';
};

const OF_THE_MODEL: readonly string[] = ['function_call', 'custom_tool_call', 'reasoning', 'local_shell_call'];
const isOfTheModel = ({ type, role }: Item): boolean => role === 'assistant' || OF_THE_MODEL.includes(type);

const isResult = ({ type }: Item): boolean => type.endsWith('_call_output');

const usageOf = ({ usage }: Answer) => ({
  input_tokens: usage.input + usage.cacheRead,
  input_tokens_details: { cached_tokens: usage.cacheRead },
  output_tokens: usage.output,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: usage.input + usage.cacheRead + usage.output,
});

const messageItem = (answer: Answer, text: string) => ({
  type: 'message',
  id: `msg_${answer.id}`,
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text, annotations: [] }],
});

const callItem = (call: AnsweredCall) => ({
  id: `item_${call.id}`,
  call_id: call.id,
  name: call.tool,
  status: 'completed',
  ...(call.namespace === undefined ? {} : { namespace: call.namespace }),
  ...(call.isFreeform
    ? { type: 'custom_tool_call', input: argumentsOf(call) }
    : { type: 'function_call', arguments: argumentsOf(call) }),
});

const itemsOf = (answer: Answer): readonly Readonly<Record<string, unknown>>[] => [
  ...(answer.text === undefined ? [] : [messageItem(answer, answer.text)]),
  ...answer.calls.map((call) => callItem(call)),
];

const responseOf = (answer: Answer, status: string) => ({
  id: answer.id,
  object: 'response',
  model: answer.model,
  status,
  output: status === 'completed' ? itemsOf(answer) : [],
  ...(status === 'completed' ? { usage: usageOf(answer) } : {}),
});

const event = (type: string, data: Readonly<Record<string, unknown>>): StreamEvent => ({
  event: type,
  data: { type, ...data },
});

const deltasOf = (one: Readonly<Record<string, unknown>>, index: number, text: string): readonly StreamEvent[] =>
  halvesOf(text).map((delta) =>
    event('response.output_text.delta', { item_id: one['id'], output_index: index, content_index: 0, delta }),
  );

const codeOf = (status: number): string => (status === 429 ? 'rate_limit_exceeded' : 'server_error');

export const responsesApi: ModelApi = {
  name: 'responses',
  callPrefix: 'call_',
  isAt: (path) => path.endsWith('/responses'),
  parse: (body) => {
    const { model, stream, tools, input } = requestSchema.parse(body);
    const items: readonly Item[] = input;
    const firstAnswer = items.findIndex(isOfTheModel);
    const opening = firstAnswer === -1 ? items : items.slice(0, firstAnswer);
    return {
      model,
      opening: opening.map(({ content }) => textOf(content)).join('\n'),
      answerCount: items.filter((one, at) => {
        const before = items[at - 1];
        return isOfTheModel(one) && (before === undefined || !isOfTheModel(before));
      }).length,
      results: items
        .filter(isResult)
        .map(({ call_id: id = '', output }) => ({ id, text: typeof output === 'string' ? output : textOf(output) })),
      // Some models of Codex are given their tools as an item of the input.
      hasTools: tools.length > 0 || items.some(({ type }) => type === 'additional_tools'),
      wantsJson: false,
      isStreamed: stream,
    };
  },
  bodyOf: (answer) => responseOf(answer, 'completed'),
  eventsOf: (answer) => [
    event('response.created', { response: responseOf(answer, 'in_progress') }),
    ...itemsOf(answer).flatMap((one, index) => [
      event('response.output_item.added', { output_index: index, item: { ...one, status: 'in_progress' } }),
      ...(one['type'] === 'message' ? deltasOf(one, index, answer.text ?? '') : []),
      event('response.output_item.done', { output_index: index, item: one }),
    ]),
    event('response.completed', { response: responseOf(answer, 'completed') }),
  ],
  errorBodyOf: ({ status, message }) => ({ error: { message, type: codeOf(status), code: codeOf(status) } }),
  errorEventOf: ({ status, message }) =>
    event('response.failed', {
      response: { id: 'resp_failed', object: 'response', status: 'failed', error: { code: codeOf(status), message } },
    }),
};
