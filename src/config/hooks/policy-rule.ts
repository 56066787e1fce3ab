/** Owns the language of policy rules: `tool: pattern`, `tool: outside:<folder …>`, or a tool alone. Pure. */

/** What of a call a rule looks at. */
export type RuleCondition =
  | { readonly kind: 'any' }
  /** `*` stands for any text; matched against the call's main text. */
  | { readonly kind: 'text'; readonly pattern: string }
  /** A path that lies in none of these folders, which are as written. */
  | { readonly kind: 'outside'; readonly roots: readonly string[] };

export interface PolicyRule {
  /** As the person wrote it. */
  readonly text: string;
  /** `shell`, `mcp__*`, `Write|Edit` */
  readonly tools: string;
  readonly condition: RuleCondition;
}

export type RuleOutcome =
  | { readonly ok: true; readonly rule: PolicyRule }
  | { readonly ok: false; readonly why: string };

/** Names of tools, `*` for any text, `|` between them. */
export const TOOLS_PATTERN = /^[\w.*/-]+(?:\|[\w.*/-]+)*$/;
export const TOOLS_WANTED = 'must be the name of a tool; * stands for any text, | stands between several';

const OUTSIDE = 'outside:';
const ROOT = /"([^"]+)"|'([^']+)'|([^\s"']+)/g;
/** They never have a path: a rule that waits for one would never match. */
const WITHOUT_PATH = new Set(['shell', 'http', 'Bash', 'WebFetch']);

const wrong = (why: string): RuleOutcome => ({ ok: false, why });

const parseOutside = (text: string, tools: string, folders: string): RuleOutcome => {
  if (folders.replaceAll(ROOT, '').trim() !== '') return wrong('has a quote that is not closed');
  const roots = Array.from(folders.matchAll(ROOT), ([, double, single, plain]) => double ?? single ?? plain ?? '');
  if (roots.length === 0) return wrong('names no folder; must be such as "write_file: outside:." or "outside:. /tmp"');
  const expanded = roots.find((root) => /^~|\$|\*/.test(root));
  if (expanded !== undefined)
    return wrong(`"${expanded}" must be written out: ~, $ and * mean nothing in a folder here`);
  const pathless = tools.split('|').find((tool) => WITHOUT_PATH.has(tool));
  if (pathless !== undefined)
    return wrong(`"${pathless}" has no path, so nothing of it is outside; outside: is for tools that name a file`);
  return { ok: true, rule: { text, tools, condition: { kind: 'outside', roots } } };
};

/** One rule, or in words what is wrong with it. Never throws. */
export const parsePolicyRule = (given: string): RuleOutcome => {
  const text = given.trim();
  const colon = text.indexOf(':');
  const tools = (colon === -1 ? text : text.slice(0, colon)).trim();
  if (!TOOLS_PATTERN.test(tools)) {
    return wrong(`must begin with a tool, such as "shell: git push*"; ${JSON.stringify(tools)} is none`);
  }
  if (colon === -1) return { ok: true, rule: { text, tools, condition: { kind: 'any' } } };
  const pattern = text.slice(colon + 1).trim();
  if (pattern === '') return wrong(`has no pattern; for every call of the tool write "${tools}" without the colon`);
  if (pattern.startsWith('//'))
    return wrong('begins with a tool, then the address, such as "http: https://example.com/*"');
  if (pattern.startsWith(OUTSIDE)) return parseOutside(text, tools, pattern.slice(OUTSIDE.length));
  return { ok: true, rule: { text, tools, condition: { kind: 'text', pattern } } };
};
