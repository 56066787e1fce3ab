/** Owns `nika pod prune`. */
import type { Command } from 'commander';
import { NikaError } from '../../model/error.ts';
import type { Terminal } from '../terminal.ts';
import type { PrunedWorktree } from '../../pod/worktree/prune-worktrees.ts';
import { printable } from '../format.ts';
import { openPodContext } from './pod-context.ts';
import { durationOption } from './wait-command.ts';

interface PruneFlags {
  readonly keep: string;
  readonly olderThan?: string;
  readonly dryRun?: true;
  readonly force?: true;
  readonly json?: true;
  readonly home?: string;
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

const tellWorktrees = (worktrees: readonly PrunedWorktree[], isDryRun: boolean, { print, warn }: Terminal): void => {
  for (const { path, branch, entity, held, lost } of worktrees) {
    if (held !== undefined) warn(printable(`kept: ${entity}, ${held}: ${path} (${branch})`));
    else
      print(
        printable(`${isDryRun ? 'Would remove' : 'Removed'} ${path}${lost === undefined ? '' : `: ${lost}`}`) + '\n',
      );
  }
  if (worktrees.some(({ held }) => held !== undefined)) {
    warn('See "nika pod diff <id>"; get it by "nika pod merge <id>"; or throw it away: --force.');
  }
};

const prune = async (flags: PruneFlags, terminal: Terminal): Promise<void> => {
  const [{ pruneUnreadable }, { prunePodsAndWorktrees }] = await Promise.all([
    import('../../pod/registry/prune.ts'),
    import('../../pod/worktree/prune-worktrees.ts'),
  ]);
  if (!/^\d{1,7}$/.test(flags.keep))
    throw new NikaError('NIKA_CLI_USAGE', `--keep takes a number, not "${flags.keep}"`);
  const { home } = await openPodContext(flags.home, terminal);
  const isDryRun = flags.dryRun === true;
  const { forgotten: removed, worktrees } = await prunePodsAndWorktrees({
    runDir: home.runDir,
    keep: Number(flags.keep),
    isDryRun,
    env: terminal.env,
    force: flags.force === true,
    ...(flags.olderThan === undefined
      ? {}
      : { endedBeforeMs: Date.now() - (await durationOption('--older-than', flags.olderThan)) }),
  });
  const unreadable = pruneUnreadable(home.runDir, isDryRun);
  if (flags.json === true) {
    const known = removed.map(({ entity: id, session }) => ({ id, session }));
    const others = unreadable.map((session) => ({ id: null, session }));
    const trees = worktrees.map(({ entity: id, path, branch, held = null, lost = null }) => ({
      id,
      worktree: path,
      branch,
      held,
      lost,
    }));
    terminal.print(`${JSON.stringify([...known, ...others, ...trees])}\n`);
    return;
  }
  tellWorktrees(worktrees, isDryRun, terminal);
  const what = counted(removed.length, 'ended session');
  const more = unreadable.length === 0 ? '' : ` and ${counted(unreadable.length, 'record')} that cannot be read`;
  const kept = removed.length === 0 ? '' : ': records and output. The bus keeps all';
  terminal.print(isDryRun ? `Would forget ${what}${more}.\n` : `Forgot ${what}${more}${kept}.\n`);
};

export const addPruneCommand = (pod: Command, terminal: Terminal): void => {
  pod
    .command('prune')
    .description(
      'Forgets ended pods: their records, output and logs, and records that cannot be read and are older than a day. ' +
        'Worktrees in which nothing was done, or whose commits another branch has, go; those with work stay, and their ' +
        'pods with them. What stands on the bus stays.',
    )
    .option('--keep <count>', 'how many of the newest stay', '0')
    .option('--older-than <time>', 'only those that ended longer ago, such as 7d')
    .option('--force', 'also worktrees with work in them: it is thrown away, with their branches')
    .option('--dry-run', 'only tell what would go')
    .option('--json', 'one array of objects')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText('after', '\nExamples:\n  $ nika pod prune --older-than 7d\n  $ nika pod prune --keep 100 --dry-run')
    .action((flags: PruneFlags) => prune(flags, terminal));
};
