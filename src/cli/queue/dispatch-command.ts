/** Owns `nika dispatch`. */
import type { Command } from 'commander';
import type { Settings } from '../../config/settings.ts';
import type { Home } from '../../config/home.ts';
import { CAPABILITY, DEFAULT_CAPABILITY } from '../../model/dispatch.ts';
import { NikaError } from '../../model/error.ts';
import { parseEntityId } from '../../model/id.ts';
import type { Dispatched, DispatchWish } from '../../swarm/dispatch/dispatch-job.ts';
import { interruption } from '../ending.ts';
import { printable } from '../format.ts';
import { promptOf } from '../pod/start-command.ts';
import { collectInput, parseJobId } from '../pod/start-options.ts';
import { durationOption } from '../pod/wait-command.ts';
import type { Terminal } from '../terminal.ts';

interface DispatchOptions {
  readonly input?: readonly string[];
  readonly parent?: string;
  readonly id?: string;
  readonly priority?: string;
  readonly capability?: string;
  readonly delay?: string;
  readonly deadline?: string;
  readonly wait?: true;
  readonly quiet?: true;
  readonly json?: true;
  readonly home?: string;
}

/** Timers of Node hold no more, and what waits a month is better left to a calendar. */
const MAX_DELAY_MS = 24 * 86_400_000;

const usage = (message: string, subject: string): NikaError => new NikaError('NIKA_CLI_USAGE', message, { subject });

const priorityOf = ({ priority = '0' }: DispatchOptions): number => {
  if (/^[0-9]$/.test(priority)) return Number(priority);
  throw usage(`--priority is 0 (last) to 9 (first), not "${priority}"`, '--priority');
};

const capabilityOf = ({ capability = DEFAULT_CAPABILITY }: DispatchOptions): string => {
  if (CAPABILITY.test(capability)) return capability;
  throw usage(
    `--capability is 1 to 64 of a-z 0-9 . _ - and begins with a letter or digit, not "${capability}"`,
    '--capability',
  );
};

const delayOf = async ({ delay }: DispatchOptions): Promise<number | undefined> => {
  if (delay === undefined) return undefined;
  const ms = await durationOption('--delay', delay);
  if (ms <= MAX_DELAY_MS) return Date.now() + ms;
  throw usage(`--delay is at most 24d, not "${delay}"`, '--delay');
};

/** From now on, or a time. */
const deadlineOf = ({ deadline }: DispatchOptions, parseDurationMs: (text: string) => number | undefined) => {
  if (deadline === undefined) return undefined;
  const ms = parseDurationMs(deadline);
  const atMs = ms === undefined ? Date.parse(deadline) : Date.now() + ms;
  if (Number.isNaN(atMs))
    throw usage(`--deadline is a time such as 2h or 2026-12-01T18:00Z, not "${deadline}"`, '--deadline');
  if (atMs <= Date.now()) throw usage(`--deadline ${deadline} is over`, '--deadline');
  return atMs;
};

const wishOf = async (
  ref: string,
  words: readonly string[],
  options: DispatchOptions,
  terminal: Terminal,
): Promise<DispatchWish> => {
  const [{ resolveHome }, { loadSettings }, { findJob }, { resolveInputs }, { parseDurationMs }] = await Promise.all([
    import('../../config/home.ts'),
    import('../../config/settings.ts'),
    import('../../config/job/job-files.ts'),
    import('../../config/job/job-inputs.ts'),
    import('../../config/quantity.ts'),
  ]);
  const { id, parent } = options;
  const given = {
    id: id === undefined ? undefined : parseJobId(id),
    parent: parent === undefined ? undefined : parseEntityId(parent),
    priority: priorityOf(options),
    capability: capabilityOf(options),
    notBeforeMs: await delayOf(options),
    deadlineMs: deadlineOf(options, parseDurationMs),
  };
  const home = resolveHome({ flag: options.home, env: terminal.env, cwd: terminal.cwd });
  const settings = loadSettings(home, terminal.env);
  const { job, file, source } = await findJob(home, ref, terminal.cwd);
  const inputs = resolveInputs(job, [...(await promptOf(job, words, process.stdin)), ...(options.input ?? [])]);
  const place = { home, settings, env: terminal.env, calledIn: terminal.cwd };
  return { ...given, ...place, job, jobFile: file, isByName: source !== 'path', inputs };
};

const told = (dispatched: Dispatched): Record<string, unknown> => {
  const { id, root, kind, job, troubles } = dispatched;
  const { capability, priority, not_before, deadline } = job;
  return { id, root, queued: kind === 'queued', capability, priority, not_before, deadline, troubles };
};

/** On standard error: standard output has the id alone, for `$(…)`. */
const tellTroubles = ({ kind, troubles }: Dispatched, terminal: Terminal): void => {
  const mark = terminal.paint('yellow', 'nika:');
  const said = troubles.map(printable).join('; ');
  if (kind === 'outbox') {
    terminal.warn(
      `${mark} the queue is away (${said}): the job waits in this home; the next worker, Alpha or dispatch of this home brings it`,
    );
  } else if (said !== '') terminal.warn(`${mark} dispatched, but: ${said}`);
};

const waitToEnd = async (
  { id, job }: Dispatched,
  { home, settings }: { readonly home: Home; readonly settings: Settings },
  options: DispatchOptions,
  terminal: Terminal,
): Promise<void> => {
  const { waitForDispatched } = await import('../../swarm/dispatch/wait-for-dispatched.ts');
  const signal = interruption();
  const end = await waitForDispatched({ home, settings, id, since: job.dispatched_at }, signal);
  if (end === undefined) {
    terminal.warn(`interrupted: ${id} goes on; see nika queue show ${id}`);
    return; // the exit code is that of the signal
  }
  const { state, exitCode, result, error } = end;
  process.exitCode = exitCode;
  if (options.json === true) {
    terminal.print(`${JSON.stringify({ id, status: state, exit_code: exitCode, result, error })}\n`);
  } else if (options.quiet !== true) {
    terminal.warn(`${id} ${state.replace('_', ' ')}${error === undefined ? '' : `: ${printable(error)}`}`);
  }
};

const dispatch = async (
  ref: string,
  words: readonly string[],
  options: DispatchOptions,
  terminal: Terminal,
): Promise<void> => {
  if (options.json === true && options.quiet === true) throw usage('--json and --quiet exclude each other', '--quiet');
  const wish = await wishOf(ref, words, options, terminal);
  const { dispatchJob } = await import('../../swarm/dispatch/dispatch-job.ts');
  const dispatched = await dispatchJob(wish);
  terminal.print(options.json === true ? `${JSON.stringify(told(dispatched))}\n` : `${dispatched.id}\n`);
  if (options.quiet !== true) tellTroubles(dispatched, terminal);
  const isForPeople = options.quiet !== true && options.json !== true;
  if (isForPeople && dispatched.kind === 'queued' && wish.notBeforeMs === undefined) {
    const { tellWhoTakes } = await import('./tell-who-takes.ts');
    await tellWhoTakes(wish, dispatched.job.capability, terminal);
  }
  if (options.wait === true) await waitToEnd(dispatched, wish, options, terminal);
};

export const addDispatchCommand = (program: Command, terminal: Terminal): void => {
  program
    .command('dispatch')
    .description('Gives a job to the swarm: it waits in the queue for a worker, here or on another host.')
    .argument('<job>', 'name of a job (see "nika job list"), or the path of a job file')
    .argument('[prompt...]', 'the input "prompt" of a job that has one; -: standard input')
    .option('-i, --input <name=value>', 'an input of the job; may be given several times', collectInput)
    .option('--parent <id>', 'the PROJ, JOB or TASK that the job belongs to')
    .option('--priority <0-9>', '9 first, 0 last; default 0')
    .option('--capability <name>', 'what a worker must offer to be given it; default "default"')
    .option('--delay <time>', 'it waits so long at least: 90s, 10m, 2h')
    .option('--deadline <time>', 'when it should have ended, from now (2h) or a time (2026-12-01T18:00Z)')
    .option('--id <id>', 'an id of your own for the job, such as JOB-nightly')
    .option('--wait', 'until it has ended; the exit code is then that of the job')
    .option('--json', 'one JSON object; with --wait one more at its end')
    .option('-q, --quiet', 'the id, and nothing else')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText(
      'after',
      `
The job is checked, with its inputs, before anything is written. Then it stands on the bus of this home as created, and
waits in Redis, or in this home where no Redis is configured. Where Redis is away it waits in this home until a worker,
Alpha or another dispatch of this home brings it; the exit code is 0 all the same. A job given by its path travels whole;
one given by its name must be known, by that name, to the worker that runs it.

Exit codes: 0 dispatched, 1 nobody could take it, 2 usage or configuration. With --wait: as of "nika pod wait"; 4: it
awaits a review.

Examples:
  $ nika dispatch repo-audit
  $ nika dispatch claude "fix the flaky test in api/" --priority 9 --capability gpu
  $ nika dispatch ./release.yaml --id JOB-release-1.4 --delay 10m
  $ id=$(nika dispatch repo-audit) && nika queue show $id
  $ nika dispatch repo-audit --wait && echo done`,
    )
    .action((job: string, words: string[], options: DispatchOptions) => dispatch(job, words, options, terminal));
};
