/** Owns the form of `hooks` and `policy`, the same in `config/nika.yaml` and in a job file. */
import { z } from 'zod';
import type { Frozen } from '../frozen.ts';
import { durationSchema } from '../quantity.ts';
import { parsePolicyRule, type PolicyRule, TOOLS_PATTERN, TOOLS_WANTED } from './policy-rule.ts';

const MAX_RULES = 1_000;
const MAX_HOOKS = 100;

/** Hooks and rules are taken as they stand: what they forbid must not depend on what a run is given. */
const plainText = z
  .string()
  .min(1)
  .max(4096)
  .refine((text) => !text.includes('${{'), { error: 'is taken as it stands; a template is not possible here' })
  .refine((text) => !text.includes('\0'), { error: 'must not hold a NUL character' });

const ruleSchema = plainText.transform((text, context): PolicyRule => {
  const parsed = parsePolicyRule(text);
  if (parsed.ok) return parsed.rule;
  context.addIssue(parsed.why);
  return z.NEVER;
});

const rules = () => z.array(ruleSchema).max(MAX_RULES).prefault([]);

/** What runs: `argv` as it is given to the system, or the file of a module as it is written. */
export type HookProgram =
  | { readonly kind: 'command'; readonly argv: readonly [string, ...string[]] }
  | { readonly kind: 'module'; readonly file: string };

const hookSchema = z
  .strictObject({
    match: plainText
      .regex(TOOLS_PATTERN, { error: TOOLS_WANTED })
      .prefault('*')
      .describe('For which tools: a name; * stands for any text, | stands between several.'),
    command: z
      .union([plainText, z.array(plainText).min(1)], { error: 'must be a command line, or a list of arguments' })
      .optional()
      .describe('A program and its arguments, or a command line for sh; it reads the event as JSON from its stdin.'),
    module: plainText
      .optional()
      .describe('A file of TypeScript or JavaScript that exports pre, post or failure; each is given the event.'),
    timeout: durationSchema.prefault('5s').describe('Time limit of one call of the hook.'),
    required: z
      .boolean()
      .prefault(false)
      .describe('A pre hook that crashes or is late denies the call; otherwise the call goes on.'),
    name: z.string().min(1).max(100).optional().describe('For people; default: the command, or the file.'),
  })
  .refine(({ command, module }) => (command === undefined) !== (module === undefined), {
    error: 'must have one of "command" (a program) and "module" (a file)',
    when: ({ value }) => typeof value === 'object' && value !== null,
  })
  .transform(({ match, command = '', module, timeout, required, name }) => {
    const [file = '', ...args] = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
    const program: HookProgram =
      module === undefined ? { kind: 'command', argv: [file, ...args] } : { kind: 'module', file: module };
    const shown = module ?? (typeof command === 'string' ? command : command.join(' '));
    return { match, program, timeoutMs: timeout, isRequired: required, name: name ?? shown.slice(0, 100) };
  });

const hooks = () => z.array(hookSchema).max(MAX_HOOKS).prefault([]);

export const hooksSchema = z.strictObject({
  pre: hooks()
    .meta({ examples: [[{ match: 'shell', command: ['./check.sh'], timeout: '5s', required: false }]] })
    .describe('Before a tool call, in order: each may let it be, change its input, deny it, or have a person asked.'),
  post: hooks()
    .meta({ examples: [[{ module: './hooks/tell.ts' }]] })
    .describe('After a tool call that succeeded.'),
  failure: hooks()
    .meta({ examples: [[{ command: 'notify-send "a tool call failed"' }]] })
    .describe('After a tool call that failed or was denied.'),
});

export const policySchema = z.strictObject({
  default: z.enum(['allow', 'ask', 'deny']).prefault('allow').describe('What holds where no rule matches.'),
  deny: rules()
    .meta({ examples: [['shell: git push*--force*', 'write_file: outside:.']] })
    .describe('Calls that are not made. These rules win.'),
  ask: rules()
    .meta({ examples: [['http: https://*.prod.example.com/*']] })
    .describe('Calls that a person is asked about.'),
  allow: rules()
    .meta({ examples: [['shell: git status*']] })
    .describe('Calls that are made without asking, where the default is ask or deny.'),
});

export const HOOKS_NOTE =
  'Programs and modules around each tool call, see docs/hooks.md. They run in the folder of the file that names them.';
export const POLICY_NOTE = 'Rules on tool calls without code, "tool: pattern", see docs/hooks.md.';

/** Hooks by their phase, each with its defaults. */
export type HooksConfig = Frozen<z.output<typeof hooksSchema>>;
export type HookConfig = HooksConfig['pre'][number];
export type PolicyConfig = Frozen<z.output<typeof policySchema>>;
