/** Owns `nika job …`: what jobs there are, what one does, and whether they are right. Runs nothing. */
import type { Command } from 'commander';
import type { Home } from '../../config/home.ts';
import type { JobFile, JobListing, readJob } from '../../config/job/job-files.ts';
import { NikaError } from '../../model/error.ts';
import { asCalled } from '../hint/called-as.ts';
import type { CheckedJob } from './job-view.ts';
import type { Terminal } from '../terminal.ts';

interface JobOptions {
  readonly home?: string;
  readonly json?: true;
}

const EXIT_INVALID = 2;

const homeOf = async (options: JobOptions, terminal: Terminal): Promise<Home> => {
  const { resolveHome } = await import('../../config/home.ts');
  return resolveHome({ flag: options.home, env: terminal.env, cwd: terminal.cwd });
};

const printJson = (terminal: Terminal, value: unknown): void => terminal.print(`${JSON.stringify(value, null, 2)}\n`);

const list = async (options: JobOptions, terminal: Terminal): Promise<void> => {
  const [{ listJobs }, view] = await Promise.all([import('../../config/job/job-files.ts'), import('./job-view.ts')]);
  const home = await homeOf(options, terminal);
  const listings = await listJobs(home);
  if (options.json) return printJson(terminal, view.jobListJson(listings));
  terminal.print(view.renderJobList(listings, terminal));
  if (!listings.some(({ source }) => source === 'home')) {
    terminal.print(
      terminal.paint(
        'dim',
        asCalled(terminal, `\nNone of your own in ${home.configDir}/jobs; "nika init" makes a first one.\n`),
      ),
    );
  }
};

const show = async (ref: string, options: JobOptions, terminal: Terminal): Promise<void> => {
  const [{ findJob }, view] = await Promise.all([import('../../config/job/job-files.ts'), import('./job-view.ts')]);
  const found = await findJob(await homeOf(options, terminal), ref, terminal.cwd);
  if (options.json) return printJson(terminal, view.jobJson(found));
  terminal.print(view.renderJob(found, terminal));
};

/** A file to check, or why there is none. */
type Checkable = (JobFile & Pick<JobListing, 'shadowedBy'>) | NikaError;

/** What `locate` finds; an error that a person can read is a finding like the others. */
const tryLocate = (locate: () => JobFile): Checkable => {
  try {
    return locate();
  } catch (thrown) {
    if (thrown instanceof NikaError) return thrown;
    throw thrown;
  }
};

const checkOne = async (ref: string, found: Checkable, read: typeof readJob): Promise<CheckedJob> => {
  if (found instanceof NikaError) {
    return {
      name: ref,
      file: undefined,
      source: undefined,
      problems: [{ file: ref, field: '', message: found.message }],
    };
  }
  const { name, file, source, shadowedBy } = found;
  const outcome = await read({ name, file, source });
  return { name, file, source, shadowedBy, problems: outcome.ok ? [] : outcome.problems };
};

const check = async (refs: readonly string[], options: JobOptions, terminal: Terminal): Promise<void> => {
  const [{ listJobs, locateJob, readJob }, view] = await Promise.all([
    import('../../config/job/job-files.ts'),
    import('./job-view.ts'),
  ]);
  const home = await homeOf(options, terminal);
  const found: readonly (readonly [ref: string, file: Checkable])[] =
    refs.length === 0
      ? (await listJobs(home)).map((file) => [file.name, file])
      : refs.map((ref) => [ref, tryLocate(() => locateJob(home, ref, terminal.cwd))]);
  const checked: CheckedJob[] = [];
  for (const [ref, file] of found) checked.push(await checkOne(ref, file, readJob));
  if (checked.some(({ problems }) => problems.length > 0)) process.exitCode = EXIT_INVALID;
  if (options.json) {
    return printJson(
      terminal,
      checked.map(({ name, file = null, source = null, shadowedBy = null, problems }) => ({
        name,
        file,
        source,
        shadowed_by: shadowedBy,
        ok: problems.length === 0,
        problems,
      })),
    );
  }
  for (const job of checked) terminal.print(view.renderCheck(job, terminal));
};

const HOME_OPTION = ['--home <dir>', 'the home: config/, _bus/, logs/, run/'] as const;

export const addJobCommands = (program: Command, terminal: Terminal): void => {
  const job = program.command('job').description('see and check job definitions');
  job
    .command('list')
    .description('Lists the jobs of the home and those that nika ships, broken ones too.')
    .option(...HOME_OPTION)
    .option('--json', 'one JSON array')
    .addHelpText(
      'after',
      "\nExamples:\n  $ nika job list\n  $ nika job list --json | jq -r '.[] | select(.ok) | .name'",
    )
    .action((options: JobOptions) => list(options, terminal));
  job
    .command('show')
    .description('Shows one job: its inputs, steps, limits, and where its file is.')
    .argument('<job>', 'name of a job, or the path of a job file')
    .option(...HOME_OPTION)
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExamples:\n  $ nika job show repo-audit\n  $ nika job show ./release.yaml --json')
    .action((ref: string, options: JobOptions) => show(ref, options, terminal));
  job
    .command('check')
    .description('Checks jobs without running them; tells all that is wrong, by file, line and field.')
    .argument('[job...]', 'names of jobs, or paths of job files; none: all jobs')
    .option(...HOME_OPTION)
    .option('--json', 'one JSON array')
    .addHelpText(
      'after',
      '\nExit codes: 0 all are right, 2 something is wrong.\n\nExamples:\n  $ nika job check\n  $ nika job check release ./drafts/*.yaml',
    )
    .action((refs: readonly string[], options: JobOptions) => check(refs, options, terminal));
};
