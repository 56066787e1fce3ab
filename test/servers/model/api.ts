/** Owns what the APIs of models have in common, as the scripted server sees them. */
import type { ScriptedInput, ScriptedUsage } from './script.ts';

export const API_NAMES = ['messages', 'responses', 'chat', 'gemini'] as const;
export type ApiName = (typeof API_NAMES)[number];

/** What the server needs to know of a request. */
export interface Conversation {
  /** As the request names it. */
  readonly model: string;
  /** What the agent's side said before the model's first answer. */
  readonly opening: string;
  /** How often the model answered in it. */
  readonly answerCount: number;
  /** What tool calls answered, the oldest first. */
  readonly results: readonly ToolResult[];
  /** `false`: a request aside, such as for a title. */
  readonly hasTools: boolean;
  /** The answer is wanted as JSON. */
  readonly wantsJson: boolean;
  readonly isStreamed: boolean;
}

export interface ToolResult {
  readonly id: string;
  readonly text: string;
}

export interface AnsweredCall {
  readonly id: string;
  readonly tool: string;
  readonly input: ScriptedInput;
  readonly isFreeform: boolean;
  readonly namespace: string | undefined;
}

export interface Answer {
  readonly id: string;
  readonly model: string;
  readonly text: string | undefined;
  readonly calls: readonly AnsweredCall[];
  readonly usage: Required<ScriptedUsage>;
}

/** An event of a stream; without a name only its data is sent. */
export interface StreamEvent {
  readonly event?: string;
  readonly data: unknown;
}

export interface ModelError {
  readonly status: number;
  readonly message: string;
}

export interface ModelApi {
  readonly name: ApiName;
  /** How ids of calls begin. */
  readonly callPrefix: string;
  readonly isAt: (path: string) => boolean;
  /** @throws the body is none of this API */
  readonly parse: (body: unknown, path: string) => Conversation;
  readonly eventsOf: (answer: Answer) => readonly StreamEvent[];
  readonly bodyOf: (answer: Answer) => unknown;
  readonly errorBodyOf: (error: ModelError) => unknown;
  /** What comes instead of the rest of a stream. */
  readonly errorEventOf: (error: ModelError) => StreamEvent;
  /** What ends a stream, besides its events. */
  readonly endMark?: string;
}

/** Input as the APIs that take it as text want it. */
export const argumentsOf = ({ input }: AnsweredCall): string =>
  typeof input === 'string' ? input : JSON.stringify(input);

/** Where a text is sent in more than one piece: so that an agent must put it together. */
export const halvesOf = (text: string): readonly string[] => {
  const middle = Math.ceil(text.length / 2);
  return [text.slice(0, middle), text.slice(middle)].filter((half) => half !== '');
};
