/** Owns `nika pod start`. */
import type { Command } from 'commander';
import type { Job } from '../../config/job/job.ts';
import { NikaError } from '../../model/error.ts';
import type { Terminal } from '../terminal.ts';
import { launch } from './launch.ts';
import { addStartFlags, collectInput, type StartOptions } from './start-options.ts';

interface JobOptions extends StartOptions {
  readonly input?: readonly string[];
}

/** What stands behind the job's name is its input `prompt`; `-`: what comes on standard input. */
export const promptOf = async (
  job: Job,
  words: readonly string[],
  stdin: NodeJS.ReadStream,
): Promise<readonly string[]> => {
  if (words.length === 0) return [];
  if (job.inputs['prompt'] === undefined) {
    const known = Object.keys(job.inputs).map((name) => `--input ${name}=…`);
    throw new NikaError(
      'NIKA_CLI_USAGE',
      `the job ${job.name} has no input "prompt", which words behind its name are`,
      {
        subject: words.join(' '),
        remedy: known.length === 0 ? 'It takes no inputs.' : `Its inputs are given so: ${known.join(' ')}`,
      },
    );
  }
  const isStdin = words.length === 1 && words[0] === '-';
  const prompt = isStdin ? await (await import('node:stream/consumers')).text(stdin) : words.join(' ');
  if (prompt.trim() === '') {
    const what = isStdin ? 'standard input is empty' : 'the prompt is empty';
    throw new NikaError('NIKA_CLI_USAGE', `${what}: there is nothing to ask the agent`, { subject: job.name });
  }
  return [`prompt=${prompt}`];
};

const start = async (ref: string, words: readonly string[], options: JobOptions, terminal: Terminal): Promise<void> => {
  const [{ resolveHome }, { loadSettings }, { findJob }, { resolveInputs }] = await Promise.all([
    import('../../config/home.ts'),
    import('../../config/settings.ts'),
    import('../../config/job/job-files.ts'),
    import('../../config/job/job-inputs.ts'),
  ]);
  const home = resolveHome({ flag: options.home, env: terminal.env, cwd: terminal.cwd });
  const settings = loadSettings(home, terminal.env);
  const { job, file } = await findJob(home, ref, terminal.cwd);
  const given = [...(await promptOf(job, words, process.stdin)), ...(options.input ?? [])];
  const inputs = resolveInputs(job, given);
  // A screen of its own is for a person; else an agent's output is read by nika.
  const hasTerminal = options.tmux === true || (job.interactive === true && options.detach !== true);
  const passTerminal = hasTerminal && (job.agent === undefined || job.interactive === true);
  await launch({ home, settings, job, jobFile: file, inputs, options, passTerminal }, terminal);
};

export const addStartCommand = (pod: Command, terminal: Terminal): void => {
  const command = pod
    .command('start')
    .description('Runs a job as a pod: every tool call is hooked and recorded on the bus.')
    .argument('<job>', 'name of a job (see "nika job list"), or the path of a job file')
    .argument('[prompt...]', 'the input "prompt" of a job that has one: what an agent is asked; -: standard input')
    .option('-i, --input <name=value>', 'an input of the job; may be given several times', collectInput);
  addStartFlags(command)
    .addHelpText(
      'after',
      `
Exit codes: 0 completed, 1 failed, 2 usage or configuration, 3 timed out or over a limit, 4 awaits review, 5 superseded (another
pod has the job of the queue that it ran: what it did does not count), 130 Ctrl-C, 143 SIGTERM,
129 SIGHUP, 137 killed. A job that is one command ends with its program's own code. With -d: whether it was started.

Examples:
  $ nika pod start repo-audit
  $ nika pod start repo-audit --input top=20
  $ nika pod start claude "fix the flaky test in api/"
  $ nika pod start codex --input permission=edit - < task.md
  $ nika pod start ./release.yaml --id JOB-release-1.4 --quiet
  $ id=$(nika pod start repo-audit -d) && nika pod wait $id && nika pod result $id
  $ nika pod start repo-audit --json | jq -r 'select(.event == "tool_ended") | .tool'`,
    )
    .action((job: string, words: string[], options: JobOptions) => start(job, words, options, terminal));
};
