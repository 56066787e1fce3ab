/** Owns how Claude Code is started with nika's hooks: settings of this run alone, a session id of nika's, its stream as JSON. */
import type { Permission } from '../../model/agent.ts';
import type { AgentAdapter, AgentStart, AgentWish, HookPlace } from '../adapter.ts';
import { ClaudeReader } from './claude-reader.ts';
import { takeSettings, writeClaudeMcp, writeClaudeSettings } from './claude-settings.ts';

const MODES: Readonly<Record<Exclude<Permission, 'ask'>, string>> = {
  read: 'plan',
  edit: 'acceptEdits',
  full: 'bypassPermissions',
};

/** A session is named already, or another one is gone on with. */
const NAMES_SESSION = /^(--session-id|--resume|-r|--continue|-c|--from-pr)(=|$)/;
/** What a person asks of the CLI itself: no session begins. */
const NO_SESSION = /^(--version|-v|--help|-h|mcp|plugin|config|doctor|update|install|setup-token|auth|agents)$/;

const sessionFlags = ({ resume, args }: AgentWish, { sessionId }: HookPlace): readonly string[] => {
  if (resume !== undefined) return ['--resume', resume];
  return args.some((arg) => NAMES_SESSION.test(arg)) ? [] : ['--session-id', sessionId];
};

const flagsOf = (wish: AgentWish, place: HookPlace): readonly string[] => {
  const { model, permission, maxTurns } = wish;
  return [
    ...sessionFlags(wish, place),
    ...(model === undefined ? [] : ['--model', model]),
    ...(permission === 'ask' ? [] : ['--permission-mode', MODES[permission]]),
    ...(maxTurns === undefined ? [] : ['--max-turns', String(maxTurns)]),
  ];
};

const prepare = async (wish: AgentWish, place: HookPlace): Promise<AgentStart> => {
  const { args, given } = takeSettings(wish.args, wish.cwd);
  const [first = ''] = args;
  if (wish.prompt === undefined && NO_SESSION.test(first)) return { argv: ['claude', ...args], env: {} };
  const mcp = place.mcp === undefined ? [] : ['--mcp-config', writeClaudeMcp(place, place.mcp)];
  const settings = [...mcp, '--settings', writeClaudeSettings(wish, place, given)];
  const flags = flagsOf({ ...wish, args }, place);
  const isOff = given['disableAllHooks'] === true || args.includes('--bare') || args.includes('--safe-mode');
  const degraded = isOff ? { degraded: 'its arguments switch hooks off: no policy holds' } : {};
  if (wish.prompt === undefined) return { argv: ['claude', ...settings, ...flags, ...args], env: {}, ...degraded };
  const output = ['-p', '--output-format', 'stream-json', '--verbose'];
  // The prompt on standard input: a command line has an end, and is there for all to see.
  return { argv: ['claude', ...output, ...settings, ...flags, ...args], env: {}, stdin: wish.prompt, ...degraded };
};

export const claudeAdapter: AgentAdapter = {
  kind: 'claude-code',
  name: 'Claude Code',
  program: 'claude',
  install: 'npm install -g @anthropic-ai/claude-code',
  prepare,
  open: (desk, wish) => new ClaudeReader(desk, wish),
};
