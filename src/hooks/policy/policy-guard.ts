/**
 * Owns the policies that hold for a pod: the settings' and the job's, each asked on its own, the stricter answer taken.
 * So a job adds rules and lifts none: where the settings deny or ask, by a rule or by their default, nothing that the
 * job allows changes that.
 */
import { resolve } from 'node:path';
import type { PolicyConfig } from '../../config/hooks/hooks.ts';
import type { PreToolUse } from '../../model/tool-event.ts';
import type { HookVerdict } from '../hook-pipeline.ts';
import { type Subject, subjectOf } from './call-subject.ts';
import { compilePolicy, decide, needsSubject, type Policy, policyForTool } from './policy.ts';
import { tryRealPath } from './real-path.ts';

export type Refusal = Exclude<HookVerdict, { readonly kind: 'allow' }>;

/** `undefined`: allowed. A promise only where a path has to be looked up; it never rejects. */
export type ToolGuard = (event: PreToolUse) => Refusal | undefined | Promise<Refusal | undefined>;

export interface PolicySource {
  readonly policy: PolicyConfig;
  /** `the settings' policy` */
  readonly by: string;
}

interface NamedPolicy {
  readonly policy: Policy;
  readonly by: string;
}

const strictest = (policies: readonly NamedPolicy[], subject: Subject | undefined): Refusal | undefined => {
  let asked: Refusal | undefined;
  for (const { policy, by } of policies) {
    const verdict = decide(policy, subject);
    if (verdict?.kind === 'deny') return { ...verdict, by, kind: 'deny' };
    if (verdict !== undefined) asked ??= { ...verdict, by, kind: 'ask' };
  }
  return asked;
};

export class PolicyGuard {
  readonly #policies: readonly NamedPolicy[];
  readonly #root: string;

  constructor(policies: readonly NamedPolicy[], root: string) {
    this.#policies = policies;
    this.#root = root;
  }

  /** `undefined`: every call of the tool is allowed. */
  forTool(tool: string): ToolGuard | undefined {
    const policies = this.#policies.flatMap(({ policy, by }) => {
      const own = policyForTool(policy, tool);
      return own === undefined ? [] : [{ policy: own, by }];
    });
    if (policies.length === 0) return undefined;
    if (!policies.some(({ policy }) => needsSubject(policy))) {
      const always = strictest(policies, undefined);
      return () => always;
    }
    return (event) => {
      const subject = subjectOf(event, this.#root);
      return subject instanceof Promise
        ? subject.then((found) => strictest(policies, found))
        : strictest(policies, subject);
    };
  }
}

/** `cwd`: the pod's, absolute; folders of `outside:` are relative to it, and are looked up now, once. */
export const openPolicy = async (sources: readonly PolicySource[], cwd: string): Promise<PolicyGuard> => {
  const real = async (path: string): Promise<string> => (await tryRealPath(path)) ?? path;
  const rules = sources.flatMap(({ policy }) => [...policy.deny, ...policy.ask, ...policy.allow]);
  const written = rules.flatMap(({ condition }) => (condition.kind === 'outside' ? condition.roots : []));
  const roots = new Map<string, string>();
  for (const root of new Set(written)) roots.set(root, await real(resolve(cwd, root)));
  const policies = sources.map(({ policy, by }) => ({
    by,
    policy: compilePolicy(policy, (root) => roots.get(root) ?? root),
  }));
  return new PolicyGuard(policies, await real(cwd));
};
