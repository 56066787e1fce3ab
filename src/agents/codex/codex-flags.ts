/**
 * Owns the flags that give one run of Codex nika's hooks and tools: for this run alone, beside those of the user and the project.
 *
 * X1. Codex skips a hook, without a word, that nobody trusts; the trust is given by the same flags, as a hash of the hook.
 *     How the hash is made is Codex's own affair: where it is another one, the session file shows that no hook came.
 */
import { createHash } from 'node:crypto';
import type { McpServerCommand } from '../../mcp/server-command.ts';
import type { AgentWish, HookPlace } from '../adapter.ts';
import { loopbackOf, shellWord, writeShellHook } from '../endpoint/shell-hook.ts';

/** Before a call: a policy may ask a person, and the call waits as long as that takes. */
const ASKING_TIMEOUT_S = 24 * 3_600;
const TIMEOUT_S = 1;
/** Codex ends a hook later than the hook gives up: what it could not tell it still has to leave as a file. */
const LEAVING_S = 2;

/** As Codex has them; in its own settings they are called likewise, in its hashes and keys in snake_case. */
const EVENTS = [
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

interface CodexHook {
  readonly event: string;
  readonly command: string;
  readonly timeoutS: number;
}

const snakeCase = (event: string): string =>
  event.replaceAll(/[A-Z]/g, (letter, at: number) => `${at === 0 ? '' : '_'}${letter.toLowerCase()}`);

/** X1. Of JSON without blanks, its keys in order. */
export const trustHash = ({ event, command, timeoutS }: CodexHook): string => {
  const hook = { async: false, command, timeout: timeoutS, type: 'command' };
  const definition = JSON.stringify({ event_name: snakeCase(event), hooks: [hook] });
  return `sha256:${createHash('sha256').update(definition).digest('hex')}`;
};

/** A JSON text is a TOML text too. */
const quoted = (text: string): string => JSON.stringify(text);

const registration = ({ event, command, timeoutS }: CodexHook): readonly [string, string] => [
  '-c',
  `hooks.${event}=[{hooks=[{type="command",command=${quoted(command)},timeout=${timeoutS}}]}]`,
];

const trust = (hooks: readonly CodexHook[]): readonly [string, string] => {
  const entries = hooks.map(
    (hook) => `"/<session-flags>/config.toml:${snakeCase(hook.event)}:0:0"={trusted_hash="${trustHash(hook)}"}`,
  );
  return ['-c', `hooks.state={${entries.join(',')}}`];
};

const listOf = (words: readonly string[]): string => `[${words.map(quoted).join(',')}]`;

/** The tools of nika, as a server of the run. They are capped by nika's own settings: nobody has to be asked for them. */
export const mcpFlags = ({ command, args, env, inherit }: McpServerCommand): readonly string[] => {
  const place = Object.entries(env).map(([name, value]) => `${quoted(name)}=${quoted(value)}`);
  const start = `command=${quoted(command)},args=${listOf(args)},env={${place.join(',')}},env_vars=${listOf(inherit)}`;
  return ['-c', `mcp_servers.nika={${start},default_tools_approval_mode="approve"}`];
};

/** Writes the hook's program and gives the flags. @throws a system error */
export const writeCodexHooks = (place: HookPlace, wish: AgentWish): readonly string[] => {
  const { dir, socket, spool, mayAsk } = place;
  const program = writeShellHook({ dir, socket, spool, timeoutS: TIMEOUT_S, loopback: loopbackOf(place, wish) });
  const hooks = EVENTS.map((event) => {
    const command = `${shellWord(program)} ${event}`;
    return event === 'PreToolUse' && mayAsk
      ? { event, command: `${command} ${ASKING_TIMEOUT_S}`, timeoutS: ASKING_TIMEOUT_S + LEAVING_S }
      : { event, command, timeoutS: TIMEOUT_S + LEAVING_S };
  });
  // A project that Codex trusts can switch hooks off; flags stand above it.
  return ['-c', 'features.hooks=true', ...hooks.flatMap(registration), ...trust(hooks)];
};
