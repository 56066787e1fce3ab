/** Owns how opencode is started with nika's plugin: configuration of this run alone, its events as JSON. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import type { AgentAdapter, AgentStart, AgentWish, HookPlace } from '../adapter.ts';
import { writeOpencodeConfig } from './opencode-config.ts';
import { OpencodeReader } from './opencode-reader.ts';

/** Commands of its own; what follows is theirs. */
const COMMANDS: ReadonlySet<string> = new Set(
  'completion acp mcp attach run debug providers auth agent upgrade uninstall serve web models stats export import github pr session plugin plug db'.split(
    ' ',
  ),
);

const flagsOf = ({ model, permission, resume }: AgentWish): readonly string[] => [
  ...(model === undefined ? [] : ['--model', model]),
  ...(resume === undefined ? [] : ['--session', resume]),
  ...(permission === 'full' ? ['--auto'] : []), // what is denied stays denied
];

const isFolder = (path: string): boolean => bestEffortSync('agent.folder', () => statSync(path).isDirectory()) === true;

/** Options that the next word belongs to. */
const TAKES_WORD =
  /^(-m|--model|-s|--session|--agent|--prompt|--port|--hostname|--log-level|--cors|--mdns-domain|--replay-limit)$/;

/** A word of its own is a folder to opencode: where there is none of that name it is what the agent is asked. */
const screenArgs = (args: readonly string[], cwd: string): readonly string[] => {
  const at = args.findIndex((arg, index) => !arg.startsWith('-') && !TAKES_WORD.test(args[index - 1] ?? ''));
  const word = args[at];
  if (word === undefined || isFolder(resolve(cwd, word))) return args;
  return [...args.slice(0, at), '--prompt', ...args.slice(at)];
};

const prepare = async (wish: AgentWish, place: HookPlace): Promise<AgentStart> => {
  const { prompt, args, cwd } = wish;
  const { env, degraded } = writeOpencodeConfig(wish, place);
  const why = args.some((arg) => /^--attach(=|$)/.test(arg))
    ? 'opencode works in another process (--attach), which has no plugin of nika: no policy holds'
    : degraded;
  const told = { env, ...(why === undefined ? {} : { degraded: why }) };
  if (prompt === undefined) {
    const isCommand = COMMANDS.has(args[0] ?? '');
    return { argv: ['opencode', ...(isCommand ? args : [...flagsOf(wish), ...screenArgs(args, cwd)])], ...told };
  }
  // The prompt on standard input: words of a command line come to the model in quotation marks, and are there for all to see.
  return { argv: ['opencode', 'run', '--format', 'json', ...flagsOf(wish), ...args], stdin: prompt, ...told };
};

export const opencodeAdapter: AgentAdapter = {
  kind: 'opencode',
  name: 'opencode',
  program: 'opencode',
  install: 'npm install -g opencode-ai',
  prepare,
  open: (desk, wish) => new OpencodeReader(desk, wish),
};
