/** Owns `nika memory migrate`. */
import type { Command } from 'commander';
import type { MigrateOutcome } from '../../pod/remember/migrate-home-memory.ts';
import { interruption } from '../ending.ts';
import { printable } from '../format.ts';
import { asCalled } from '../hint/called-as.ts';
import type { Terminal } from '../terminal.ts';
import { startBringProgress } from './bring-progress.ts';

interface MigrateFlags {
  readonly json?: true;
  readonly home?: string;
}

const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;

type Ended = MigrateOutcome | { readonly kind: 'interrupted' };

const sentenceOf = (outcome: Ended, { paint }: Terminal): string => {
  switch (outcome.kind) {
    case 'off':
      return `${outcome.why}: there is nothing to migrate`;
    case 'interrupted':
      return `${paint('red', '✗')} interrupted: nothing was replaced; "nika memory migrate" goes on where it was`;
    case 'away':
    case 'refused':
    case 'other-shape':
      return `${paint('red', '✗')} Qdrant: ${printable(outcome.why)}; "nika memory migrate" goes on where it was`;
    case 'done': {
      const { value } = outcome;
      if (value.kind === 'made') return `${paint('green', '✓')} there was no collection: it was made`;
      if (value.kind === 'migrated')
        return `${paint('green', '✓')} ${value.points.toLocaleString('en-US')} points are in ${value.collection} now, under the old name`;
      const added = value.added.length === 0 ? '' : `; payload indexes were added: ${value.added.join(', ')}`;
      return `${paint('green', '✓')} all is as this nika writes it: nothing to migrate${added}`;
    }
  }
};

const jsonOf = (outcome: Ended): Readonly<Record<string, unknown>> => {
  if (outcome.kind === 'done') return { ...outcome.value };
  return outcome.kind === 'interrupted' ? { kind: outcome.kind } : { kind: outcome.kind, why: outcome.why };
};

const migrate = async (flags: MigrateFlags, terminal: Terminal): Promise<void> => {
  const [{ openBus }, { loadSettings }, { migrateHomeMemory }] = await Promise.all([
    import('../bus/open-bus.ts'),
    import('../../config/settings.ts'),
    import('../../pod/remember/migrate-home-memory.ts'),
  ]);
  const { env } = terminal;
  const { home } = openBus(flags.home, terminal);
  const signal = interruption();
  using progress = startBringProgress(terminal);
  const { onShare, clear } = progress;
  const onProgress = (doneCount: number, allCount: number): void =>
    onShare(doneCount / Math.max(1, allCount), `of ${allCount.toLocaleString('en-US')} points`);
  const onWait = (): void => {
    clear();
    terminal.warn(terminal.paint('dim', 'another process of this home writes there: waiting for it to end'));
  };
  const options = { home, settings: loadSettings(home, env), env, onProgress, onWait };
  const outcome = await migrateHomeMemory(options, signal).catch((thrown: unknown): Ended => {
    if (!signal.aborted) throw thrown;
    return { kind: 'interrupted' };
  });
  clear();
  if (outcome.kind === 'interrupted') process.exitCode ??= EXIT_INTERRUPTED;
  else process.exitCode = outcome.kind === 'done' || outcome.kind === 'off' ? 0 : EXIT_FAILED;
  const sentence = asCalled(terminal, sentenceOf(outcome, terminal));
  if (flags.json === true) terminal.print(`${JSON.stringify(jsonOf(outcome))}\n`);
  else if (process.exitCode === 0) terminal.print(`${sentence}\n`);
  else terminal.warn(sentence);
};

export const addMigrateCommand = (memory: Command, terminal: Terminal): void => {
  memory
    .command('migrate')
    .description(
      'Makes a collection of an older version, or without the dense vectors configured, anew from what it holds.',
    )
    .option(
      '--json',
      'one object: kind (nothing, made, migrated, away, refused, other-shape, off), points, collection, why',
    )
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText(
      'after',
      `
The old collection is used until the new one is whole, and removed then. It can be ended at any time; run again, it goes
on where it was. Homes that share the collection should be still meanwhile: what they write is brought by their own next
"nika memory sync --full". It needs Qdrant 1.16 or later.

Exit codes: 0 done, or nothing to do; 1 Qdrant could not be reached or refused, or there is no way from that version;
130 Ctrl-C.

Examples:
  $ nika memory migrate`,
    )
    .action((flags: MigrateFlags) => migrate(flags, terminal));
};
