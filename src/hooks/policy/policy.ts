/**
 * Owns what a policy says of a call: a matching `deny` wins, then `ask`, then `allow`, else its default. Pure.
 *
 * V1. `deny` and `ask` match when anything of the call matches; `allow` only when it holds for all that the call reaches for.
 * V2. What cannot be looked at whole is denied or asked about by every rule for its tool that looks at more than the tool.
 */
import type { PolicyConfig } from '../../config/hooks/hooks.ts';
import type { PolicyRule } from '../../config/hooks/policy-rule.ts';
import type { Demand, Subject } from './call-subject.ts';
import { compileGlob, compileTools, type Matcher } from './glob.ts';
import { isInside } from './real-path.ts';
import { kinOf } from './tool-kin.ts';

export interface PolicyVerdict {
  readonly kind: 'deny' | 'ask';
  readonly reason: string;
}

interface Rule {
  readonly text: string;
  readonly isForTool: Matcher;
  /** The tool alone decides. */
  readonly isAny: boolean;
  /** For `deny` and `ask`. */
  readonly matches: (subject: Subject) => boolean;
  /** For `allow`. */
  readonly permits: (demand: Demand) => boolean;
}

export interface Policy {
  readonly deny: readonly Rule[];
  readonly ask: readonly Rule[];
  readonly allow: readonly Rule[];
  readonly fallback: PolicyConfig['default'];
}

const compileText = (pattern: string): Matcher => {
  const asWritten = compileGlob(pattern);
  const spaced = pattern.replaceAll(/\s+/g, ' ');
  if (spaced === pattern) return asWritten;
  const withBlanks = compileGlob(spaced);
  return (text) => asWritten(text) || withBlanks(text);
};

const conditionOf = (
  { condition }: PolicyRule,
  realRoot: (root: string) => string,
): Pick<Rule, 'matches' | 'permits'> => {
  if (condition.kind === 'any') return { matches: () => true, permits: () => true };
  if (condition.kind === 'text') {
    const matches = compileText(condition.pattern);
    return { matches: ({ views }) => views.some(matches), permits: ({ forms }) => forms.some(matches) };
  }
  const roots = condition.roots.map(realRoot);
  const isOutside = (real: string): boolean => !roots.some((root) => isInside(real, root));
  return {
    matches: ({ demands }) =>
      demands.some(({ path }) => path !== undefined && (path.real === undefined || isOutside(path.real))),
    permits: ({ path }) => path?.real !== undefined && isOutside(path.real),
  };
};

/** `realRoot`: the folder of an `outside:`, as it is written → without links. */
export const compilePolicy = (config: PolicyConfig, realRoot: (root: string) => string): Policy => {
  const compile = (rule: PolicyRule): Rule => ({
    text: rule.text,
    isForTool: compileTools(rule.tools),
    isAny: rule.condition.kind === 'any',
    ...conditionOf(rule, realRoot),
  });
  return {
    deny: config.deny.map(compile),
    ask: config.ask.map(compile),
    // Where everything is allowed that no other rule matches, these change nothing.
    allow: config.default === 'allow' ? [] : config.allow.map(compile),
    fallback: config.default,
  };
};

/** What of a policy is about one tool; `undefined`: nothing, and all its calls are allowed. */
export const policyForTool = (policy: Policy, tool: string): Policy | undefined => {
  const kin = kinOf(tool);
  const of = (rules: readonly Rule[]): readonly Rule[] =>
    rules.filter(({ isForTool }) => isForTool(tool) || (kin !== undefined && isForTool(kin)));
  const [deny, ask, allow] = [of(policy.deny), of(policy.ask), of(policy.allow)];
  const isAllowed = policy.fallback === 'allow' && deny.length + ask.length === 0;
  return isAllowed ? undefined : { deny, ask, allow, fallback: policy.fallback };
};

/** Whether the call itself has to be looked at, not only its tool. */
export const needsSubject = ({ deny, ask, allow }: Policy): boolean =>
  [deny, ask, allow].flat().some(({ isAny }) => !isAny);

const firstOf = (rules: readonly Rule[], subject: Subject | undefined): string | undefined => {
  const rule = rules.find(
    ({ isAny, matches }) => isAny || subject?.isWhole === false || (subject !== undefined && matches(subject)),
  );
  if (rule === undefined) return undefined;
  return rule.isAny || subject?.isWhole !== false ? rule.text : `${rule.text} (the call is too long to be looked at)`; // V2
};

const isAllowed = (rules: readonly Rule[], subject: Subject | undefined): boolean =>
  rules.some(({ isAny }) => isAny) ||
  (subject !== undefined &&
    subject.demands.length > 0 &&
    subject.demands.every((demand) => rules.some(({ permits }) => permits(demand)))); // V1

/** Of a policy for the call's tool. `subject`: needed where {@link needsSubject} says so. `undefined`: allowed. */
export const decide = (policy: Policy, subject: Subject | undefined): PolicyVerdict | undefined => {
  const denied = firstOf(policy.deny, subject);
  if (denied !== undefined) return { kind: 'deny', reason: denied };
  const asked = firstOf(policy.ask, subject);
  if (asked !== undefined) return { kind: 'ask', reason: asked };
  if (policy.fallback === 'allow' || isAllowed(policy.allow, subject)) return undefined;
  return { kind: policy.fallback, reason: `no rule allows it (default: ${policy.fallback})` };
};
