/**
 * Owns the pipeline of a pod: the policy first, then the hooks of the settings, then those of the job.
 *
 * E1. A call that no rule and no hook is about waits for nothing: one look into a map.
 * E2. What a hook made of the input is held against the policy again: no hook leads around it.
 */
import type { HooksConfig, PolicyConfig } from '../config/hooks/hooks.ts';
import { errorMessage } from '../model/error.ts';
import type { PreToolUse } from '../model/tool-event.ts';
import { type HookPipeline, type HookVerdict, NO_HOOKS } from './hook-pipeline.ts';
import type { PolicyGuard, Refusal, ToolGuard } from './policy/policy-guard.ts';
import type { HooksByPhase, UserHooks, UserHooksOptions } from './user/user-hooks.ts';

/** `hooks` and `policy` of one file. */
export interface HookRules {
  readonly hooks?: HooksConfig | undefined;
  readonly policy?: PolicyConfig | undefined;
  /** The home for settings, the folder of its file for a job. Absolute. */
  readonly dir: string;
}

export interface OpenHooksOptions {
  readonly settings: HookRules;
  readonly job: HookRules | undefined;
  /** The pod's folder: what `outside:.` means. Absolute. */
  readonly cwd: string;
  /** Of the pod; the hooks get it as it is. */
  readonly env: Readonly<Record<string, string>>;
  /** Told of each hook that crashed or was late, for the log. */
  readonly onFailure: (name: string, why: string) => void;
}

/** What is about one tool. */
interface Plan {
  readonly guard: ToolGuard | undefined;
  readonly hooks: HooksByPhase;
}

/** Names of tools come from programs; more are a mistake, and are looked up each time (G6). */
const MAX_PLANS = 1_000;
const NO_USER_HOOKS: HooksByPhase = { pre: [], post: [], failure: [] };
const ALLOW: HookVerdict = { kind: 'allow' };

/** A policy that breaks must not let through what it was there to stop. */
const asRefusal = (thrown: unknown): Refusal => ({
  kind: 'deny',
  by: 'nika',
  reason: `the policy could not be asked: ${errorMessage(thrown)}`,
});

/** Never throws, never rejects. */
const askGuard = (guard: ToolGuard | undefined, event: PreToolUse): ReturnType<ToolGuard> => {
  try {
    const refusal = guard?.(event);
    return refusal instanceof Promise ? refusal.catch(asRefusal) : refusal;
  } catch (thrown) {
    return asRefusal(thrown);
  }
};

class Pipeline implements HookPipeline {
  readonly #guard: PolicyGuard | undefined;
  readonly #hooks: UserHooks | undefined;
  readonly #plans = new Map<string, Plan | undefined>();

  constructor(guard: PolicyGuard | undefined, hooks: UserHooks | undefined) {
    this.#guard = guard;
    this.#hooks = hooks;
  }

  readonly before: HookPipeline['before'] = (event, signal) => {
    const plan = this.#planOf(event.tool_name);
    if (plan === undefined) return undefined; // E1
    if (plan.hooks.pre.length > 0) return this.#throughHooks(plan, event, signal);
    const refusal = askGuard(plan.guard, event);
    return refusal instanceof Promise ? refusal.then((found) => found ?? ALLOW) : refusal;
  };

  readonly after: HookPipeline['after'] = (event, signal) => {
    const hooks = this.#planOf(event.tool_name)?.hooks;
    const own = event.hook_event_name === 'PostToolUse' ? hooks?.post : hooks?.failure;
    if (own === undefined || own.length === 0 || signal.aborted) return undefined;
    return this.#hooks?.after(own, event, signal);
  };

  readonly failures: HookPipeline['failures'] = () => this.#hooks?.failures ?? {};

  readonly close: HookPipeline['close'] = async () => this.#hooks?.close();

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #planOf(tool: string): Plan | undefined {
    const known = this.#plans.get(tool);
    if (known !== undefined || this.#plans.has(tool)) return known;
    const guard = this.#guard?.forTool(tool);
    const hooks = this.#hooks?.forTool(tool) ?? NO_USER_HOOKS;
    const isIdle = guard === undefined && hooks.pre.length + hooks.post.length + hooks.failure.length === 0;
    const plan = isIdle ? undefined : { guard, hooks };
    if (this.#plans.size < MAX_PLANS) this.#plans.set(tool, plan);
    return plan;
  }

  async #throughHooks({ guard, hooks }: Plan, event: PreToolUse, signal: AbortSignal): Promise<HookVerdict> {
    const first = await askGuard(guard, event);
    if (first?.kind === 'deny') return first;
    const said = (await this.#hooks?.before(hooks.pre, event, signal)) ?? ALLOW;
    if (said.kind === 'deny') return said;
    if (!('input' in said)) return first ?? said;
    const changed = { ...event, tool_input: said.input };
    const second = await askGuard(guard, changed); // E2
    if (second?.kind === 'deny') return second;
    const { input, changedBy = '' } = said;
    const asked = second ?? first;
    return asked === undefined ? said : { ...asked, input, changedBy };
  }
}

const isEmptyPolicy = (policy: PolicyConfig): boolean =>
  policy.default === 'allow' && policy.deny.length + policy.ask.length === 0;

const openGuard = async ({ settings, job, cwd }: OpenHooksOptions): Promise<PolicyGuard | undefined> => {
  const given = [
    { policy: settings.policy, by: "the settings' policy" },
    { policy: job?.policy, by: "the job's policy" },
  ];
  const sources = given.flatMap(({ policy, by }) =>
    policy === undefined || isEmptyPolicy(policy) ? [] : [{ policy, by }],
  );
  if (sources.length === 0) return undefined;
  const { openPolicy } = await import('./policy/policy-guard.ts');
  return openPolicy(sources, cwd);
};

const openUserHooks = async (options: OpenHooksOptions): Promise<UserHooks | undefined> => {
  const given = [options.settings, ...(options.job === undefined ? [] : [options.job])];
  const sources: UserHooksOptions['sources'] = given.flatMap(({ hooks, dir }) =>
    hooks === undefined || hooks.pre.length + hooks.post.length + hooks.failure.length === 0 ? [] : [{ hooks, dir }],
  );
  if (sources.length === 0) return undefined;
  const { UserHooks } = await import('./user/user-hooks.ts');
  return new UserHooks({ sources, env: options.env, onFailure: options.onFailure });
};

/** The hooks and policies of a pod. Starts nothing yet: programs and threads come with the first call they are about. */
export const openHooks = async (options: OpenHooksOptions): Promise<HookPipeline> => {
  const [guard, hooks] = await Promise.all([openGuard(options), openUserHooks(options)]);
  return guard === undefined && hooks === undefined ? NO_HOOKS : new Pipeline(guard, hooks);
};
