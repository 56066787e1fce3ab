/** Owns how Gemini CLI is started with nika's hooks: settings of this run alone, a session id of nika's, its stream as JSON. */
import type { Permission } from '../../model/agent.ts';
import type { AgentAdapter, AgentStart, AgentWish, HookPlace } from '../adapter.ts';
import { shellHookLack } from '../endpoint/shell-hook.ts';
import { GeminiReader } from './gemini-reader.ts';
import { writeGeminiSettings } from './gemini-settings.ts';

const MODES: Readonly<Record<Exclude<Permission, 'ask'>, string>> = { read: 'plan', edit: 'auto_edit', full: 'yolo' };

/** A session is named already, or another one is gone on with. */
const NAMES_SESSION = /^(--session-id|--session-file|--resume|-r)(=|$)/;
/** What a person asks of the CLI itself: no session begins. */
const NO_SESSION =
  /^(--version|-v|--help|-h|--list-sessions|--list-extensions|-l|--delete-session|mcp|extensions?|skills?|hooks?|gemma)$/;

const sessionFlags = ({ resume, args }: AgentWish, { sessionId }: HookPlace): readonly string[] => {
  if (resume !== undefined) return ['--resume', resume];
  return args.some((arg) => NAMES_SESSION.test(arg)) ? [] : ['--session-id', sessionId];
};

const flagsOf = (wish: AgentWish, place: HookPlace): readonly string[] => [
  ...sessionFlags(wish, place),
  ...(wish.model === undefined ? [] : ['--model', wish.model]),
  ...(wish.permission === 'ask' ? [] : ['--approval-mode', MODES[wish.permission]]),
];

/** Where nobody can be asked, who gives it full permission trusts it with the folder: else it would not even start. */
const trustOf = ({ permission, env }: AgentWish): Readonly<Record<string, string>> =>
  permission === 'full' && env['GEMINI_CLI_TRUST_WORKSPACE'] === undefined
    ? { GEMINI_CLI_TRUST_WORKSPACE: 'true' }
    : {};

const isSandboxed = ({ args, env }: AgentWish): boolean =>
  args.some((arg) => /^(-s|--sandbox)(=|$)/.test(arg)) || !['', 'false', '0'].includes(env['GEMINI_SANDBOX'] ?? '');

/** Why hooks cannot be relied on, as far as it shows before. */
const doubtsOf = (wish: AgentWish): string | undefined => {
  if (isSandboxed(wish)) return 'in its sandbox the hooks of Gemini CLI may not reach the pod: then no policy holds';
  return shellHookLack(wish);
};

const prepare = async (wish: AgentWish, place: HookPlace): Promise<AgentStart> => {
  const { args, prompt } = wish;
  if (prompt === undefined && NO_SESSION.test(args[0] ?? '')) return { argv: ['gemini', ...args], env: {} };
  const { env, degraded = doubtsOf(wish) } = writeGeminiSettings(wish, place);
  const why = degraded === undefined ? {} : { degraded };
  const flags = flagsOf(wish, place);
  if (prompt === undefined) return { argv: ['gemini', ...flags, ...args], env, ...why };
  const alone = { ...env, ...trustOf(wish), GEMINI_CLI_NO_RELAUNCH: 'true' }; // else its parent would wait through a stop
  // The prompt on standard input: a command line has an end, and is there for all to see.
  return { argv: ['gemini', '--output-format', 'stream-json', ...flags, ...args], env: alone, stdin: prompt, ...why };
};

export const geminiAdapter: AgentAdapter = {
  kind: 'gemini',
  name: 'Gemini CLI',
  program: 'gemini',
  install: 'npm install -g @google/gemini-cli',
  prepare,
  open: (desk, wish) => new GeminiReader(desk, wish),
};
