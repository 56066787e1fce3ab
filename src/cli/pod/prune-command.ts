/** Owns `nika pod prune`. */
import type { Command } from 'commander';
import { NikaError } from '../../model/error.ts';
import type { Terminal } from '../terminal.ts';
import { openPodContext } from './pod-context.ts';
import { durationOption } from './wait-command.ts';

interface PruneFlags {
  readonly keep: string;
  readonly olderThan?: string;
  readonly dryRun?: true;
  readonly json?: true;
  readonly home?: string;
}

const prune = async (flags: PruneFlags, terminal: Terminal): Promise<void> => {
  const { prunePods } = await import('../../pod/registry/prune.ts');
  if (!/^\d{1,7}$/.test(flags.keep))
    throw new NikaError('NIKA_CLI_USAGE', `--keep takes a number, not "${flags.keep}"`);
  const { home } = await openPodContext(flags.home, terminal);
  const isDryRun = flags.dryRun === true;
  const removed = prunePods({
    runDir: home.runDir,
    keep: Number(flags.keep),
    isDryRun,
    ...(flags.olderThan === undefined
      ? {}
      : { endedBeforeMs: Date.now() - (await durationOption('--older-than', flags.olderThan)) }),
  });
  if (flags.json === true) {
    terminal.print(`${JSON.stringify(removed.map(({ entity: id, session }) => ({ id, session })))}\n`);
    return;
  }
  const what = `${removed.length} ended ${removed.length === 1 ? 'session' : 'sessions'}`;
  terminal.print(isDryRun ? `Would forget ${what}.\n` : `Forgot ${what}: records and output. The bus keeps all.\n`);
};

export const addPruneCommand = (pod: Command, terminal: Terminal): void => {
  pod
    .command('prune')
    .description('Forgets ended pods: their records, output and logs. What stands on the bus stays.')
    .option('--keep <count>', 'how many of the newest stay', '0')
    .option('--older-than <time>', 'only those that ended longer ago, such as 7d')
    .option('--dry-run', 'only tell what would go')
    .option('--json', 'one array of objects')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText('after', '\nExamples:\n  $ nika pod prune --older-than 7d\n  $ nika pod prune --keep 100 --dry-run')
    .action((flags: PruneFlags) => prune(flags, terminal));
};
