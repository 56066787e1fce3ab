/** Owns where and in which form each agent is told of its hooks. */
import { homedir } from 'node:os';
import { join } from 'node:path';

export const INSTALL_AGENTS = ['claude-code', 'codex', 'gemini', 'opencode', 'cursor'] as const;
export type InstallAgent = (typeof INSTALL_AGENTS)[number];

export const INSTALL_SCOPES = ['user', 'project'] as const;
export type InstallScope = (typeof INSTALL_SCOPES)[number];

export interface Installation {
  readonly agent: InstallAgent;
  /** For people. */
  readonly name: string;
  /** JSON: entries go into lists of it. text: the file is ours as a whole. */
  readonly form:
    | {
        readonly kind: 'json';
        /** Where the list of an event is. */
        readonly pathOf: (event: string) => readonly string[];
        readonly events: readonly string[];
        readonly entryOf: (command: string) => unknown;
        /** What a file that is not there begins with. */
        readonly empty: Readonly<Record<string, unknown>>;
      }
    | { readonly kind: 'plugin' };
  /** Relative to the user's folder, or to the project. */
  readonly files: Readonly<Record<InstallScope, string>>;
  /** The user's folder for it, where an environment variable names another. */
  readonly userDir?: (env: Environment) => string | undefined;
  /** What a person has still to do. */
  readonly hint?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

const CLAUDE_EVENTS = [
  'SessionStart',
  'UserPromptSubmit',
  'PreToolUse',
  'PostToolUse',
  'PostToolUseFailure',
  'PostToolBatch',
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

const CODEX_EVENTS = [
  'SessionStart',
  'UserPromptSubmit',
  'PreToolUse',
  'PermissionRequest',
  'PostToolUse',
  'PreCompact',
  'PostCompact',
  'SubagentStart',
  'SubagentStop',
  'Stop',
  'Interrupt',
  'SessionEnd',
] as const;

const GEMINI_EVENTS = [
  'SessionStart',
  'BeforeAgent',
  'BeforeTool',
  'AfterTool',
  'AfterAgent',
  'Notification',
  'SessionEnd',
] as const;

const CURSOR_EVENTS = [
  'sessionStart',
  'beforeSubmitPrompt',
  'preToolUse',
  'postToolUse',
  'postToolUseFailure',
  'subagentStart',
  'subagentStop',
  'preCompact',
  'stop',
  'sessionEnd',
] as const;

const TIMEOUT_S = 5;
const inHooks = (event: string): readonly string[] => ['hooks', event];
const claudeForm = (command: string): unknown => ({ hooks: [{ type: 'command', command, timeout: TIMEOUT_S }] });

export const INSTALLATIONS: Readonly<Record<InstallAgent, Installation>> = {
  'claude-code': {
    agent: 'claude-code',
    name: 'Claude Code',
    form: { kind: 'json', pathOf: inHooks, events: CLAUDE_EVENTS, entryOf: claudeForm, empty: {} },
    files: { user: '.claude/settings.json', project: '.claude/settings.json' },
    userDir: ({ CLAUDE_CONFIG_DIR: dir }) => (dir === undefined || dir === '' ? undefined : join(dir, 'settings.json')),
  },
  codex: {
    agent: 'codex',
    name: 'Codex',
    form: { kind: 'json', pathOf: inHooks, events: CODEX_EVENTS, entryOf: claudeForm, empty: { hooks: {} } },
    files: { user: '.codex/hooks.json', project: '.codex/hooks.json' },
    userDir: ({ CODEX_HOME: dir }) => (dir === undefined || dir === '' ? undefined : join(dir, 'hooks.json')),
    hint: 'Codex runs new hooks only once you trust them: start codex and type /hooks.',
  },
  gemini: {
    agent: 'gemini',
    name: 'Gemini CLI',
    form: {
      kind: 'json',
      pathOf: inHooks,
      events: GEMINI_EVENTS,
      // Its time-outs are milliseconds.
      entryOf: (command) => ({
        matcher: '*',
        hooks: [{ name: 'nika', type: 'command', command, timeout: TIMEOUT_S * 1_000 }],
      }),
      empty: {},
    },
    files: { user: '.gemini/settings.json', project: '.gemini/settings.json' },
  },
  opencode: {
    agent: 'opencode',
    name: 'opencode',
    form: { kind: 'plugin' },
    files: { user: '.config/opencode/plugins/nika.js', project: '.opencode/plugins/nika.js' },
    userDir: ({ XDG_CONFIG_HOME: dir }) =>
      dir === undefined || dir === '' ? undefined : join(dir, 'opencode/plugins/nika.js'),
  },
  cursor: {
    agent: 'cursor',
    name: 'Cursor',
    form: {
      kind: 'json',
      pathOf: inHooks,
      events: CURSOR_EVENTS,
      entryOf: (command) => ({ command, timeout: TIMEOUT_S }),
      empty: { version: 1 },
    },
    files: { user: '.cursor/hooks.json', project: '.cursor/hooks.json' },
  },
};

/** `claude` is what people type. */
export const installAgentOf = (text: string): InstallAgent | undefined =>
  INSTALL_AGENTS.find((agent) => agent === text || (text === 'claude' && agent === 'claude-code'));

export const installedFile = (
  { files, userDir }: Installation,
  scope: InstallScope,
  { env, cwd }: { readonly env: Environment; readonly cwd: string },
): string => {
  if (scope === 'project') return join(cwd, files.project);
  const home = env['HOME'] ?? '';
  return userDir?.(env) ?? join(home === '' ? homedir() : home, files.user);
};
