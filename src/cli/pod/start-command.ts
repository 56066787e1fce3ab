/** Owns `nika pod start`. */
import type { Command } from 'commander';
import type { Terminal } from '../terminal.ts';
import { launch } from './launch.ts';
import { addStartFlags, collectInput, type StartOptions } from './start-options.ts';

interface JobOptions extends StartOptions {
  readonly input?: readonly string[];
}

const start = async (ref: string, options: JobOptions, terminal: Terminal): Promise<void> => {
  const [{ resolveHome }, { loadSettings }, { findJob }, { resolveInputs }] = await Promise.all([
    import('../../config/home.ts'),
    import('../../config/settings.ts'),
    import('../../config/job/job-files.ts'),
    import('../../config/job/job-inputs.ts'),
  ]);
  const home = resolveHome({ flag: options.home, env: terminal.env, cwd: terminal.cwd });
  const settings = loadSettings(home, terminal.env);
  const { job, file } = await findJob(home, ref, terminal.cwd);
  const inputs = resolveInputs(job, options.input ?? []);
  await launch({ home, settings, job, jobFile: file, inputs, options, passTerminal: options.tmux === true }, terminal);
};

export const addStartCommand = (pod: Command, terminal: Terminal): void => {
  const command = pod
    .command('start')
    .description('Runs a job as a pod: every tool call is hooked and recorded on the bus.')
    .argument('<job>', 'name of a job (see "nika job list"), or the path of a job file')
    .option('-i, --input <name=value>', 'an input of the job; may be given several times', collectInput);
  addStartFlags(command)
    .addHelpText(
      'after',
      `
Exit codes: 0 completed, 1 failed, 2 usage or configuration, 3 timed out or over a limit, 130 Ctrl-C, 143 SIGTERM,
129 SIGHUP, 137 killed. A job that is one command ends with its program's own code. With -d: whether it was started.

Examples:
  $ nika pod start repo-audit
  $ nika pod start repo-audit --input top=20
  $ nika pod start ./release.yaml --id JOB-release-1.4 --quiet
  $ id=$(nika pod start repo-audit -d) && nika pod wait $id && nika pod result $id
  $ nika pod start repo-audit --json | jq -r 'select(.event == "tool_ended") | .tool'`,
    )
    .action((job: string, options: JobOptions) => start(job, options, terminal));
};
