/** Owns how Codex is started with nika's hooks: flags of this run alone, its events as JSON, the prompt on standard input. */
import type { Permission } from '../../model/agent.ts';
import { NikaError } from '../../model/error.ts';
import type { AgentAdapter, AgentStart, AgentWish, HookPlace } from '../adapter.ts';
import { shellHookLack } from '../endpoint/shell-hook.ts';
import { mcpFlags, writeCodexHooks } from './codex-flags.ts';
import { CodexReader } from './codex-reader.ts';

const MODES: Readonly<Record<Permission, readonly string[]>> = {
  ask: [],
  read: ['-s', 'read-only'],
  edit: ['-s', 'workspace-write'],
  full: ['--dangerously-bypass-approvals-and-sandbox'],
};

/** What a person asks of the CLI itself: no session begins. */
const NO_SESSION =
  /^(--version|-V|--help|-h|help|agents|log(in|out)|mcp(-server)?|plugin|app-server|remote-control|completion|update|doctor|sandbox|debug|apply|a|queue|(un)?archive|delete|migrate-.*|cloud|exec-server|features)$/;

/** What Codex takes once only, and the user gave already, is not given again. */
const unlessGiven = (flags: readonly string[], args: readonly string[]): readonly string[] =>
  flags.filter((flag) => !args.includes(flag));

const flagsOf = ({ model, permission, args }: AgentWish): readonly string[] => [
  ...(model === undefined ? [] : ['-m', model]),
  ...(args.includes('-s') || args.includes('--sandbox') ? [] : unlessGiven(MODES[permission], args)),
];

const nikasFlags = (place: HookPlace, wish: AgentWish): readonly string[] => [
  ...writeCodexHooks(place, wish),
  ...(place.mcp === undefined ? [] : mcpFlags(place.mcp)),
];

const lackOf = (wish: AgentWish): { readonly degraded?: string } => {
  const degraded = shellHookLack(wish);
  return degraded === undefined ? {} : { degraded };
};

/** What the user typed; nika's flags come before a word such as `exec` or `resume`, which takes them over. */
const interactive = (wish: AgentWish, place: HookPlace): AgentStart => {
  const { args, resume } = wish;
  const [first = ''] = args;
  if (NO_SESSION.test(first)) return { argv: ['codex', ...args], env: {} };
  // With flags of its own Codex uses no background server, where tool calls would be made outside of the pod.
  const argv = [
    ...nikasFlags(place, wish),
    ...flagsOf(wish),
    ...(resume === undefined ? [] : ['resume', resume]),
    ...args,
  ];
  return { argv: ['codex', ...argv], env: {}, ...lackOf(wish) };
};

const prepare = async (wish: AgentWish, place: HookPlace): Promise<AgentStart> => {
  const { args, maxTurns, prompt, resume } = wish;
  if (maxTurns !== undefined) {
    throw new NikaError(
      'NIKA_JOB_INVALID',
      'max_turns: Codex has no such limit; leave it out, and set limits.tool_calls',
      {
        subject: 'max_turns',
      },
    );
  }
  if (prompt === undefined) return interactive(wish, place);
  const output = unlessGiven(['--json', '--skip-git-repo-check'], args);
  // The user's come first: one that takes several values would take what stands behind it.
  const flags = [...args, ...output, ...flagsOf(wish), ...nikasFlags(place, wish)];
  const session = resume === undefined ? [] : ['resume', resume];
  // The prompt on standard input: a command line has an end, and is there for all to see.
  return { argv: ['codex', 'exec', ...flags, ...session, '-'], env: {}, stdin: prompt, ...lackOf(wish) };
};

export const codexAdapter: AgentAdapter = {
  kind: 'codex',
  name: 'Codex',
  program: 'codex',
  install: 'npm install -g @openai/codex',
  prepare,
  open: (desk, wish) => new CodexReader(desk, wish),
};
