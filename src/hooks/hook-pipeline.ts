/** Owns what stands between the wish for a tool call and the call: policy and the hooks of users. */
import type { PostToolUse, PostToolUseFailure, PreToolUse } from '../model/tool-event.ts';

interface ChangedInput {
  /** What the call is made with; without this field, with the input it has. */
  readonly input?: unknown;
  /** The hook that changed it last. */
  readonly changedBy?: string;
}

/** `by`: the policy or the hook that said so, for people. */
export type HookVerdict =
  | ({ readonly kind: 'allow' } & ChangedInput)
  | { readonly kind: 'deny'; readonly reason: string; readonly by: string }
  | ({ readonly kind: 'ask'; readonly reason: string; readonly by: string } & ChangedInput);

export interface HookPipeline extends AsyncDisposable {
  /**
   * Before the call: `undefined` where nothing is to be asked, so that a call without hooks waits for nothing.
   * Never rejects. `ask`: a person has to say; who asks the person is the pod. Aborted, it comes back soon, with a deny.
   */
  readonly before: (event: PreToolUse, signal: AbortSignal) => Promise<HookVerdict> | HookVerdict | undefined;
  /** After the call, when it is on the bus. Never rejects. Aborted, it starts no more hooks. */
  readonly after: (event: PostToolUse | PostToolUseFailure, signal: AbortSignal) => Promise<void> | undefined;
  /** Hooks that crashed or were late, by name (G3). */
  readonly failures: () => Readonly<Record<string, number>>;
  /** Ends what it keeps running, in bounded time; more than once does no harm. */
  readonly close: () => Promise<void>;
}

/** No policy, no hooks. */
export const NO_HOOKS: HookPipeline = {
  before: () => undefined,
  after: () => undefined,
  failures: () => ({}),
  close: () => Promise.resolve(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};
