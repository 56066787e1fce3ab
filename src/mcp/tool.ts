/** Owns what a tool for agents is: a schema that says precisely what it takes, and a short answer, never a throw. */
import type { z } from 'zod';
import type { Caller } from './caller.ts';
import type { Place } from './place.ts';

/** What an agent reads. */
export interface Answer {
  readonly text: string;
  /** What was asked for was not done; the text says why, and what to do. */
  readonly isRefused: boolean;
}

export interface ToolContext {
  readonly caller: Caller;
  /** As everything stands now. @throws {NikaError} what is wrong with home or settings */
  readonly openPlace: () => Promise<Place>;
  /** Shown to a person while the agent waits, where the client asked for it. */
  readonly progress: (progress: { readonly done: number; readonly total: number; readonly message: string }) => void;
  /** The client gave the call up, or is gone. */
  readonly signal: AbortSignal;
}

interface ToolText {
  readonly name: string;
  /** For people. */
  readonly title: string;
  /** For the agent, which has it in its context all the time: short. */
  readonly description: string;
  /** It only looks. */
  readonly isReadOnly: boolean;
  /** It ends the work of others. */
  readonly isDestructive?: boolean;
}

export interface ToolDefinition<S extends z.ZodObject> extends ToolText {
  readonly input: S;
  readonly call: (input: z.output<S>, context: ToolContext) => Promise<Answer>;
}

export interface McpTool extends ToolText {
  readonly input: z.ZodObject;
  readonly call: (input: unknown, context: ToolContext) => Promise<Answer>;
}

export const said = (text: string): Answer => ({ text, isRefused: false });

/** `todo`: what the agent can do now; ends in a full stop. */
export const refused = (why: string, todo = ''): Answer => ({
  text: todo === '' ? why : `${why}\n${todo}`,
  isRefused: true,
});

const problemText = ({ path, message }: z.core.$ZodIssue): string =>
  path.length === 0 ? message : `${path.join('.')}: ${message}`;

/** The tool with its input checked before it is called. */
export const createTool = <S extends z.ZodObject>({ call, ...tool }: ToolDefinition<S>): McpTool => ({
  ...tool,
  call: (input, context) => {
    const parsed = tool.input.safeParse(input);
    if (parsed.success) return call(parsed.data, context);
    const problems = parsed.error.issues.map(problemText).join('; ');
    return Promise.resolve(refused(`${tool.name} was called with wrong arguments: ${problems}`));
  },
});
