/**
 * Owns `nikaHooks()`: the `hooks` option of the Claude Agent SDK, so that each tool call of a `query()` goes through the
 * policy and onto the bus of a pod, in process.
 *
 * F1. The SDK blocks a call whose hook is late or throws: these do neither (G1).
 */
import { bestEffort } from '../../failopen/best-effort.ts';
import { NO_HOOKS } from '../../hooks/hook-pipeline.ts';
import { insideOf, type Pod } from '../../pod/api/library-pod.ts';
import { AgentDesk } from '../../pod/host/agent-desk.ts';
import type { AgentWish } from '../adapter.ts';
import { ClaudeReader } from '../claude/claude-reader.ts';
import { fieldsOf } from '../read-fields.ts';

const EVENTS = [
  'UserPromptSubmit',
  'PreToolUse',
  'PostToolUse',
  'PostToolUseFailure',
  'PostToolBatch',
  'PermissionRequest',
  'PermissionDenied',
  'Notification',
  'SubagentStart',
  'SubagentStop',
  'PreCompact',
  'PostCompact',
  'Stop',
  'StopFailure',
  'SessionEnd',
] as const;

type Event = (typeof EVENTS)[number];

type Decision =
  | {
      hookEventName: 'PreToolUse';
      permissionDecision?: 'allow' | 'deny';
      permissionDecisionReason?: string;
      updatedInput?: Record<string, unknown>;
    }
  | { hookEventName: 'PostToolUse' | 'PostToolUseFailure'; additionalContext?: string };

/** What the SDK takes as the answer of a hook; `{}`: nothing to say. */
export interface SdkHookAnswer {
  decision?: 'block';
  reason?: string;
  hookSpecificOutput?: Decision;
}

export type SdkHook = (input: unknown, toolUseId: string | undefined, options: unknown) => Promise<SdkHookAnswer>;
/** As the option `hooks` of the SDK's `query()` wants it. */
export type SdkHooks = Record<Event, { hooks: SdkHook[]; timeout: number }[]>;

/** Seconds. Where a person may be asked it takes as long as that takes. */
const TIMEOUT_S = 10;
const ASKING_TIMEOUT_S = 24 * 3_600;
const ANSWER_BUDGET_MS = 5_000;

const NOBODY: AgentWish = {
  prompt: undefined,
  model: undefined,
  permission: 'ask',
  args: ['--print'], // nobody sits before it
  maxTurns: undefined,
  resume: undefined,
  cwd: '/',
  env: {},
};

export interface NikaHooks {
  /** The option `hooks` of `query()`. */
  readonly hooks: SdkHooks;
  /**
   * Given each message that the query yields, it knows tokens, cost and the calls that fire no hook as well. Passes the
   * message on.
   */
  readonly see: <T>(message: T) => T;
}

/**
 * Hooks for a `query()` of the Claude Agent SDK in a pod that this program is: each tool call goes through the pod's
 * policy and is on its bus before the SDK goes on (G2). Nothing of them throws or is late (G1).
 *
 * ```ts
 * await Pod.run({ job: 'triage', domain: 'issues', intent: 'triage' }, async (pod) => {
 *   const { hooks, see } = nikaHooks(pod);
 *   for await (const message of query({ prompt, options: { hooks } })) see(message);
 * });
 * ```
 */
export const nikaHooks = (pod: Pod): NikaHooks => {
  const { context, closers } = insideOf(pod);
  const { session, host, entity, control } = context;
  const onAgentSession = (id: string): void => context.onAgentSession('claude-code', id);
  const desk = new AgentDesk({ session, host, job: entity, control, onAgentSession, agent: 'claude-code' });
  const reader = new ClaudeReader(desk, NOBODY);
  closers.push(() => desk.close());
  const mayAsk = context.hooks !== NO_HOOKS;
  const hookOf =
    (event: Event): SdkHook =>
    async (input) => {
      const withinMs = event === 'PreToolUse' && mayAsk ? ASKING_TIMEOUT_S * 1000 : ANSWER_BUDGET_MS;
      const told = await bestEffort('sdk.hook', { withinMs }, () => reader.hook(event, fieldsOf(input)));
      return told.kind === 'done' && told.value !== '' ? (JSON.parse(told.value) as SdkHookAnswer) : {}; // F1
    };
  const hooks: Partial<SdkHooks> = {};
  for (const event of EVENTS) {
    const timeout = event === 'PreToolUse' && mayAsk ? ASKING_TIMEOUT_S : TIMEOUT_S;
    hooks[event] = [{ hooks: [hookOf(event)], timeout }];
  }
  return {
    hooks: hooks as SdkHooks,
    see: (message) => {
      const line: unknown = JSON.stringify(message);
      if (typeof line === 'string') reader.line(line);
      return message;
    },
  };
};
