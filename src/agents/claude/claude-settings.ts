/**
 * Owns the settings file that Claude Code is given for one run: HTTP hooks to the pod. The user's and the project's files
 * are read by Claude Code as ever; theirs are not touched.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { errorMessage, NikaError } from '../../model/error.ts';
import type { McpServerCommand } from '../../mcp/server-command.ts';
import type { AgentWish, HookPlace } from '../adapter.ts';

/** Before a call: a policy may ask a person, and the call waits as long as that takes. */
const ASKING_TIMEOUT_S = 24 * 3_600;
const TIMEOUT_S = 1;

/** Each is a request that the agent waits for: what its output tells as well is not asked for twice. */
const ALWAYS = [
  'UserPromptSubmit',
  'PreToolUse',
  'PostToolUse',
  'PostToolUseFailure',
  'PermissionRequest',
  'Notification',
  'SubagentStart',
  'SubagentStop',
  'PreCompact',
  'PostCompact',
  'Stop',
  'StopFailure',
  'SessionEnd',
] as const;
/** Where there is no output to read: it lists the calls that no other hook tells of. */
const WITHOUT_OUTPUT = ['PostToolBatch', 'PermissionDenied'] as const;

type Settings = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Settings =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Settings that the user gave on the command line: a file, or the JSON itself. */
const readGiven = (given: string, cwd: string): Settings => {
  try {
    const text = given.trim().startsWith('{') ? given : readFileSync(resolve(cwd, given), 'utf8');
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
    throw new Error('it is no JSON object');
  } catch (thrown) {
    throw new NikaError('NIKA_JOB_INVALID', `--settings ${given} cannot be read: ${errorMessage(thrown)}`, {
      subject: '--settings',
    });
  }
};

/** `args` without `--settings`, and what it gave. */
export const takeSettings = (args: readonly string[], cwd: string): { args: readonly string[]; given: Settings } => {
  const rest: string[] = [];
  let given: Settings = {};
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? '';
    if (arg === '--settings') given = readGiven(args[(at += 1)] ?? '', cwd);
    else if (arg.startsWith('--settings=')) given = readGiven(arg.slice('--settings='.length), cwd);
    else rest.push(arg);
  }
  return { args: rest, given };
};

const hookOf = (event: string, { url, token, mayAsk }: HookPlace): Settings => ({
  type: 'http',
  url: `${url}/hook/${event}`,
  timeout: event === 'PreToolUse' && mayAsk ? ASKING_TIMEOUT_S : TIMEOUT_S,
  headers: { Authorization: `Bearer ${token}` },
});

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** The tools of nika are capped by its own settings: nobody has to be asked for them. */
const withNikasTools = (given: unknown): Settings => {
  const theirs = isObject(given) ? given : {};
  return { ...theirs, allow: [...listOf(theirs['allow']), 'mcp__nika'] };
};

/** Writes what tells Claude Code of the tools of nika; its path. */
export const writeClaudeMcp = ({ dir }: HookPlace, { command, args, env }: McpServerCommand): string => {
  const path = join(dir, 'claude-mcp.json');
  writeFileSync(path, JSON.stringify({ mcpServers: { nika: { command, args, env } } }), { mode: 0o600 });
  return path;
};

/** Writes the file; its path. `given`: the user's own settings of the command line, whose hooks stay. */
export const writeClaudeSettings = (wish: AgentWish, place: HookPlace, given: Settings): string => {
  const events = wish.prompt === undefined ? [...ALWAYS, ...WITHOUT_OUTPUT] : ALWAYS;
  const theirs = isObject(given['hooks']) ? given['hooks'] : {};
  const ours = Object.fromEntries(
    events.map((event) => [event, [...listOf(theirs[event]), { hooks: [hookOf(event, place)] }]]),
  );
  // Stands before the files of the user and of the project, which could switch hooks off.
  const settings = {
    disableAllHooks: false,
    ...given,
    hooks: { ...theirs, ...ours },
    ...(place.mcp === undefined ? {} : { permissions: withNikasTools(given['permissions']) }),
  };
  const path = join(place.dir, 'claude-settings.json');
  writeFileSync(path, JSON.stringify(settings), { mode: 0o600 });
  return path;
};
