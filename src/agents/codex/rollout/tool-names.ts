/** Owns what the tools of Codex are called on the bus: as its hooks have it, also where no hook tells of a call. */
import { type Fields, fieldsOf, parseFields, textOf } from '../../read-fields.ts';

export const SHELL = 'Bash';

const SHELLS: readonly string[] = ['exec_command', 'shell', 'shell_command', 'local_shell', 'container.exec'];

/** A hook glues the group of a tool to its name: `multi_agent_v1wait_agent`. */
export const hookedTool = (name: string): string => name.replace(/^multi_agent_v\d+(?=[a-z])/, '');

export const calledTool = (name: string, group: string | undefined): string => {
  if (SHELLS.includes(name)) return SHELL;
  return group?.startsWith('mcp__') === true ? `${group}__${name}` : name;
};

/** Arguments that are no JSON object stay the text that they are. */
export const calledInput = (tool: string, text: string): unknown => {
  const input = parseFields(text);
  if (input === undefined || tool !== SHELL || input['cmd'] === undefined) return input ?? text;
  const { cmd, ...rest } = input;
  return { command: cmd, ...rest };
};

/** Of a tool that takes a text as it is. */
export const freeformInput = (tool: string, text: string): unknown => {
  if (tool === 'apply_patch') return { command: text };
  return tool === 'exec' ? { code: text } : { input: text };
};

/** The command itself, where a shell is given it as one word. */
export const commandOf = (argv: unknown): unknown => {
  if (!Array.isArray(argv)) return textOf(argv) ?? null;
  return argv.length === 3 && /^-l?c$/.test(String(argv[1])) ? String(argv[2]) : argv;
};

/** As parts of text, or the parts themselves where one of them is something else. */
export const outputOf = (output: unknown): { readonly text: string; readonly response: unknown } => {
  if (!Array.isArray(output)) {
    const text = textOf(output) ?? textOf(fieldsOf(output)['content']) ?? JSON.stringify(output ?? null);
    return { text, response: text };
  }
  const texts = output.map((part: unknown): string | undefined => textOf((fieldsOf(part) satisfies Fields)['text']));
  const text = texts.filter((one) => one !== undefined).join('\n');
  return { text, response: texts.includes(undefined) ? output : text };
};
