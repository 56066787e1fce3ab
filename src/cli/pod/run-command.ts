/** Owns `nika run`: any program as a pod, without a job file. */
import { basename } from 'node:path';
import type { Command } from 'commander';
import type { Home } from '../../config/home.ts';
import { agentOfProgram } from '../../model/agent.ts';
import { NikaError } from '../../model/error.ts';
import type { Terminal } from '../terminal.ts';
import { launch } from './launch.ts';
import { addStartFlags, type StartOptions } from './start-options.ts';

interface RunOptions extends StartOptions {
  readonly name?: string;
  readonly domain: string;
  readonly intent: string;
  readonly role?: string;
  readonly tag?: readonly string[];
  readonly project?: string;
  readonly timeout?: string;
}

type IsJobName = (text: string) => boolean;

const nameOf = (program: string, given: string | undefined, isJobName: IsJobName): string => {
  if (given !== undefined) {
    if (isJobName(given)) return given;
    throw new NikaError('NIKA_CLI_USAGE', `"${given}" is not a name for a job: letters, digits and . _ -`);
  }
  const name = basename(program)
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '');
  return isJobName(name) ? name : 'program';
};

/** What does it: an agent with its hooks, where it is one that nika knows, else the program as it stands. */
const runnerFields = (
  argv: readonly string[],
  literal: (text: string) => string,
): Readonly<Record<string, unknown>> => {
  const [program = '', ...args] = argv.map(literal);
  const agent = agentOfProgram(basename(argv[0] ?? ''));
  return agent === undefined ? { command: [program, ...args] } : { agent, interactive: true, args };
};

/** A job of one command, in the form of a job file; what the person typed is taken as it stands. */
const jobOfProgram = async (
  argv: readonly string[],
  options: RunOptions,
): Promise<Readonly<Record<string, unknown>>> => {
  const [{ isJobName }, { literalText }] = await Promise.all([
    import('../../config/job/job.ts'),
    import('../../config/expression/template.ts'),
  ]);
  const { name, domain, intent, role, tag, project, timeout } = options;
  const [program = ''] = argv;
  const labels = { domain, intent, role, project, timeout, tags: tag };
  return {
    name: nameOf(program, name, isJobName),
    description: `The program ${basename(program)}, started by nika run.`.slice(0, 2000),
    ...Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== undefined)),
    ...runnerFields(argv, literalText),
  };
};

/** Somebody who types the name of a job means the job; and a program that is not there is told before an id is. */
const refuseJobName = async (
  [program = '']: readonly string[],
  home: Home,
  { detach }: RunOptions,
  { cwd, env }: Terminal,
): Promise<void> => {
  const [{ findProgram }, { listJobNames }] = await Promise.all([
    import('../../pod/tree/find-program.ts'),
    import('../../config/job/job-files.ts'),
  ]);
  const path = env['PATH'];
  const start = { file: program, args: [], cwd, env: path === undefined ? {} : { PATH: path } };
  if (findProgram(start) !== undefined) return;
  const agent = agentOfProgram(program);
  if (agent !== undefined) {
    const [{ loadAdapter }, { missingText }] = await Promise.all([
      import('../../agents/find-adapter.ts'),
      import('../../agents/agent-runner.ts'),
    ]);
    throw new NikaError('NIKA_AGENT_MISSING', missingText(await loadAdapter(agent)), { subject: program });
  }
  if (!listJobNames(home).includes(program)) {
    if (detach !== true) return; // in the foreground the pod itself says so, with exit code 127
    throw new NikaError('NIKA_POD_NOT_STARTED', `command not found: ${program}`, { subject: program });
  }
  throw new NikaError('NIKA_CLI_USAGE', `there is no program "${program}", but a job of that name`, {
    subject: program,
    remedy: `Did you mean nika pod start ${program}?`,
  });
};

const run = async (argv: readonly string[], options: RunOptions, terminal: Terminal): Promise<void> => {
  const [{ resolveHome }, { loadSettings }, { inlineJob }] = await Promise.all([
    import('../../config/home.ts'),
    import('../../config/settings.ts'),
    import('../../pod/launch/resolve-launch.ts'),
  ]);
  const home = resolveHome({ flag: options.home, env: terminal.env, cwd: terminal.cwd });
  const settings = loadSettings(home, terminal.env);
  await refuseJobName(argv, home, options, terminal);
  const job = inlineJob(await jobOfProgram(argv, options));
  const passTerminal = options.detach !== true || options.tmux === true;
  await launch({ home, settings, job, jobFile: undefined, inputs: {}, options, passTerminal }, terminal);
};

const collectTag = (value: string, previous: readonly string[] = []): readonly string[] => [...previous, value];

export const addRunCommand = (program: Command, terminal: Terminal): void => {
  const command = program
    .command('run')
    .description('Runs any program as a pod, without a job file; it has the terminal itself.')
    .argument('<program...>', 'the program and its arguments, behind --')
    .option('--name <name>', 'a name for the job; default: that of the program')
    .option('--domain <domain>', 'what it is about', 'adhoc')
    .option('--intent <intent>', 'what it is for', 'run')
    .option('--role <role>', 'as what it works')
    .option('--tag <tag>', 'a tag; may be given several times', collectTag)
    .option('--project <id>', 'the PROJ it belongs to')
    .option('--timeout <time>', 'ends it after that time, such as 10m');
  addStartFlags(command)
    .passThroughOptions()
    .addHelpText(
      'after',
      `
It ends with the exit code of the program, 128 and the signal's number where a signal ended it, 127 where it was not
found. In the foreground its output goes to the terminal alone; with -d it is kept: nika pod logs <id>.
An agent (claude, codex, opencode, gemini) has its own screen, and each of its tool calls is hooked and recorded.

Examples:
  $ nika run -- npm test
  $ nika run claude
  $ nika run -- codex --model gpt-5.5 "what does this repository do?"
  $ nika run --domain billing --intent migrate -- python3 migrate.py --dry-run
  $ nika run -d -- ./nightly.sh`,
    )
    .action((argv: string[], options: RunOptions) => run(argv, options, terminal));
};
