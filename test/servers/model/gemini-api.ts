/** Owns Gemini's API, as the scripted model speaks it. */
import { z } from 'zod';
import { type Answer, halvesOf, type ModelApi, type StreamEvent } from './api.ts';

const part = z.looseObject({
  text: z.string().optional(),
  functionResponse: z
    .looseObject({ id: z.string().optional(), name: z.string(), response: z.unknown().optional() })
    .optional(),
});
const requestSchema = z.looseObject({
  tools: z.array(z.unknown()).default([]),
  contents: z.array(z.looseObject({ role: z.string().default('user'), parts: z.array(part).default([]) })),
  generationConfig: z.looseObject({ responseMimeType: z.string().optional() }).optional(),
});

const PATH = /\/models\/([^/:]+):(streamGenerateContent|generateContent)$/;

const usageOf = ({ usage }: Answer) => ({
  promptTokenCount: usage.input + usage.cacheRead,
  cachedContentTokenCount: usage.cacheRead,
  candidatesTokenCount: usage.output,
  totalTokenCount: usage.input + usage.cacheRead + usage.output,
});

type Part = Readonly<Record<string, unknown>>;

const callParts = ({ calls }: Answer): readonly Part[] =>
  calls.map(({ id, tool, input }) => ({
    functionCall: { id, name: tool, args: typeof input === 'string' ? { input } : input },
  }));

const candidate = (answer: Answer, parts: readonly Part[], isLast: boolean) => ({
  responseId: answer.id,
  modelVersion: answer.model,
  candidates: [{ index: 0, content: { role: 'model', parts }, ...(isLast ? { finishReason: 'STOP' } : {}) }],
  ...(isLast ? { usageMetadata: usageOf(answer) } : {}),
});

const STATUS_NAMES: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  503: 'UNAVAILABLE',
};

const errorBodyOf = ({ status, message }: { readonly status: number; readonly message: string }) => ({
  error: { code: status, message, status: STATUS_NAMES[status] ?? 'INTERNAL' },
});

export const geminiApi: ModelApi = {
  name: 'gemini',
  callPrefix: 'call_',
  isAt: (path) => PATH.test(path),
  parse: (body, path) => {
    const { tools, contents, generationConfig } = requestSchema.parse(body);
    const [, model = '', method] = PATH.exec(path) ?? [];
    const firstAnswer = contents.findIndex(({ role }) => role === 'model');
    const before = firstAnswer === -1 ? contents : contents.slice(0, firstAnswer);
    return {
      model,
      opening: before.flatMap(({ parts }) => parts.map(({ text }) => text ?? '')).join('\n'),
      answerCount: contents.filter(({ role }, at) => role === 'model' && contents[at - 1]?.role !== 'model').length,
      results: contents
        .flatMap(({ parts }) => parts)
        .flatMap(({ functionResponse: told }) =>
          told === undefined ? [] : [{ id: told.id ?? '', text: JSON.stringify(told.response ?? null) }],
        ),
      hasTools: tools.length > 0,
      wantsJson: generationConfig?.responseMimeType === 'application/json',
      isStreamed: method === 'streamGenerateContent',
    };
  },
  bodyOf: (answer) =>
    candidate(answer, [...(answer.text === undefined ? [] : [{ text: answer.text }]), ...callParts(answer)], true),
  eventsOf: (answer) => {
    const texts: readonly StreamEvent[] = halvesOf(answer.text ?? '').map((text) => ({
      data: candidate(answer, [{ text }], false),
    }));
    const calls = callParts(answer);
    // The last chunk must hold something: one without parts is taken for an answer that broke off.
    return calls.length === 0
      ? [...texts.slice(0, -1), { data: candidate(answer, [{ text: halvesOf(answer.text ?? '').at(-1) ?? '' }], true) }]
      : [...texts, { data: candidate(answer, calls, true) }];
  },
  errorBodyOf,
  errorEventOf: (error) => ({ data: errorBodyOf(error) }),
};
