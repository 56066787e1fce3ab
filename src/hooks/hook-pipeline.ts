/** Owns what stands between the wish for a tool call and the call: policy and the hooks of users. */
import type { PostToolUse, PostToolUseFailure, PreToolUse } from '../model/tool-event.ts';

/** `by`: the rule or the hook that said so, for people. */
export type HookVerdict =
  /** `input`: what the call is made with, where a hook changed it. */
  | { readonly kind: 'allow'; readonly input?: unknown }
  | { readonly kind: 'deny'; readonly reason: string; readonly by: string }
  | { readonly kind: 'ask'; readonly reason: string; readonly by: string };

export interface HookPipeline {
  /**
   * Before the call: `undefined` where nothing is to be asked, so that a call without hooks waits for nothing.
   * Never rejects. `ask`: a person has to say; who asks the person is the pod.
   */
  readonly before: (event: PreToolUse, signal: AbortSignal) => Promise<HookVerdict> | HookVerdict | undefined;
  /** After the call, when it is on the bus. Never rejects. */
  readonly after: (event: PostToolUse | PostToolUseFailure, signal: AbortSignal) => Promise<void> | undefined;
  /** Hooks that crashed or were late, by name (G3). */
  readonly failures: () => Readonly<Record<string, number>>;
  /** Ends what it keeps running. */
  readonly close: () => Promise<void>;
}

/** No policy, no hooks. */
export const NO_HOOKS: HookPipeline = {
  before: () => undefined,
  after: () => undefined,
  failures: () => ({}),
  close: () => Promise.resolve(),
};
