/** Owns `nika pod …`. */
import { type Command, InvalidArgumentError } from 'commander';
import { NikaError } from '../../model/error.ts';
import { type EntityId, entityTypeOf, parseEntityId } from '../../model/id.ts';
import type { StopSignal } from '../../pod/ending.ts';
import type { Terminal } from '../terminal.ts';

interface StartOptions {
  readonly input?: readonly string[];
  readonly parent?: string;
  readonly id?: string;
  readonly home?: string;
  readonly json?: true;
  readonly quiet?: true;
}

const STOP_SIGNALS: readonly StopSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

const collect = (value: string, previous: readonly string[] = []): readonly string[] => {
  if (!/^[^=]+=/.test(value)) throw new InvalidArgumentError('It is given as name=value.');
  return [...previous, value];
};

/**
 * Ends the pod at the first signal. At the second the tools are killed and the signal does what it does to a program
 * that has no handler: nothing can hold nika then, not even a story that cannot be written.
 */
const onSignals = (stop: (signal: StopSignal) => void, killTools: () => void): Disposable => {
  let isStopping = false;
  const handlers = STOP_SIGNALS.map((signal) => {
    const handler = (): void => {
      if (!isStopping) {
        isStopping = true;
        stop(signal);
        return;
      }
      killTools();
      for (const [name, other] of handlers) process.removeListener(name, other);
      process.kill(process.pid, signal);
    };
    return [signal, handler] as const;
  });
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return {
    [Symbol.dispose]: () => {
      for (const [signal, handler] of handlers) process.removeListener(signal, handler);
    },
  };
};

/** @throws {NikaError} `NIKA_MODEL_BAD_ID`, also for an entity that is no job */
const parseJobId = (text: string): EntityId => {
  const id = parseEntityId(text);
  if (entityTypeOf(id) === 'JOB') return id;
  throw new NikaError('NIKA_MODEL_BAD_ID', `"${text}" is not the id of a job: it begins with JOB-`, { subject: text });
};

const start = async (job: string, options: StartOptions, terminal: Terminal): Promise<void> => {
  const [{ resolveHome }, { loadSettings }, { findJob }, { resolveInputs }] = await Promise.all([
    import('../../config/home.ts'),
    import('../../config/settings.ts'),
    import('../../config/job/job-files.ts'),
    import('../../config/job/job-inputs.ts'),
  ]);
  const [{ Stop }, { runPod }, { killLivingGroups }, { createPodView }] = await Promise.all([
    import('../../pod/ending.ts'),
    import('../../pod/run-pod.ts'),
    import('../../failopen/process-group.ts'),
    import('./pod-view.ts'),
  ]);
  const home = resolveHome({ flag: options.home, env: terminal.env, cwd: terminal.cwd });
  const settings = loadSettings(home, terminal.env);
  const found = await findJob(home, job, terminal.cwd);
  const inputs = resolveInputs(found.job, options.input ?? []);
  const mode = options.json ? 'json' : options.quiet ? 'quiet' : terminal.isInteractive ? 'live' : 'plain';
  const view = createPodView(terminal, mode);
  using stop = new Stop();
  using _signals = onSignals((signal) => {
    stop.now({ kind: 'interrupted', signal });
    view.say('stopping: the running tool is told to end; the same again kills it');
  }, killLivingGroups);
  process.once('exit', killLivingGroups); // whatever ends nika, no tool is left
  const { ended, isHeldUp } = await runPod({
    home,
    settings,
    found,
    inputs,
    parent: options.parent === undefined ? undefined : parseEntityId(options.parent),
    id: options.id === undefined ? undefined : parseJobId(options.id),
    calledIn: terminal.cwd,
    env: terminal.env,
    stop,
    listener: view.listener,
  });
  view.close();
  process.exitCode = ended.exit_code;
  if (isHeldUp) (await import('./end-now.ts')).endNow(ended.exit_code);
};

export const addPodCommands = (program: Command, terminal: Terminal): void => {
  const pod = program.command('pod').description('start pods');
  pod
    .command('start')
    .description('Runs a job as a pod in the foreground: every tool call is hooked and recorded on the bus.')
    .argument('<job>', 'name of a job (see "nika job list"), or the path of a job file')
    .option('-i, --input <name=value>', 'an input of the job; may be given several times', collect)
    .option('--parent <id>', 'the PROJ, JOB or TASK that the job belongs to')
    .option('--id <id>', 'an id of your own for the job, such as JOB-nightly')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .option('--json', 'one JSON object per event')
    .option('-q, --quiet', 'only the result')
    .addHelpText(
      'after',
      `
Exit codes: 0 completed, 1 failed, 2 usage or configuration, 3 timed out or over a limit, 130 interrupted.

Examples:
  $ nika pod start repo-audit
  $ nika pod start repo-audit --input top=20
  $ nika pod start ./release.yaml --id JOB-release-1.4 --quiet
  $ nika pod start repo-audit --json | jq -r 'select(.event == "tool_ended") | .tool'`,
    )
    .action((job: string, options: StartOptions) => start(job, options, terminal));
};
