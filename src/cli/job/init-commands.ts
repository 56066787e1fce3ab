/** Owns `nika init`: makes the current folder a home, or the one that is named. */
import type { Command } from 'commander';
import type { InitStep } from '../../config/init/make-home.ts';
import { asCalled } from '../hint/called-as.ts';
import { renderTable } from '../table.ts';
import type { Terminal } from '../terminal.ts';

interface InitOptions {
  readonly home?: string;
}

const COLOURS = { made: 'green', added: 'green', there: 'dim', differs: 'yellow' } as const;

const render = (steps: readonly InitStep[], { paint }: Terminal): string =>
  renderTable(steps.map(({ path, outcome, note }) => [paint(COLOURS[outcome], outcome), path, paint('dim', note)]));

const init = async (options: InitOptions, terminal: Terminal): Promise<void> => {
  const [{ resolveHome }, { makeHome }, { listJobs }] = await Promise.all([
    import('../../config/home.ts'),
    import('../../config/init/make-home.ts'),
    import('../../config/job/job-files.ts'),
  ]);
  const { env, cwd, paint } = terminal;
  const home = resolveHome({ flag: options.home ?? cwd, env, cwd });
  const steps = makeHome(home);
  const isNew = steps.some(({ outcome }) => outcome === 'made' || outcome === 'added');
  terminal.print(
    `${isNew ? 'A home' : 'A home already; nothing was changed'}: ${home.dir}\n\n${render(steps, terminal)}`,
  );
  const used = resolveHome({ env, cwd: home.dir });
  if (used.dir !== home.dir) {
    const why = used.source === 'env' ? 'NIKA_HOME says so' : 'this is a worktree of it';
    terminal.warn(
      `${paint('yellow', 'Note:')} in this folder nika uses ${used.dir} (${why}); for this home give --home ${home.dir}.`,
    );
  }
  const own = (await listJobs(home)).filter(({ source, outcome }) => source === 'home' && outcome.ok);
  const job = own.find(({ name }) => name === 'hello') ?? own[0];
  const flag = used.dir === home.dir && home.dir === cwd ? '' : ` --home ${home.dir}`;
  terminal.print(asCalled(terminal, `\nNext: nika pod start ${job?.name ?? 'repo-audit'}${flag}\n`));
};

export const addInitCommand = (program: Command, terminal: Terminal): void => {
  program
    .command('init')
    .description('Makes the current folder a home: settings, a first job, the bus. What is there stays as it is.')
    .option('--home <dir>', 'make this folder one instead; it need not be there yet')
    .addHelpText('after', '\nExamples:\n  $ nika init\n  $ nika init --home ~/pods')
    .action((options: InitOptions) => init(options, terminal));
};
