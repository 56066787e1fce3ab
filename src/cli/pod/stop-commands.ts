/** Owns `nika pod stop` and `nika pod kill`. */
import type { Command } from 'commander';
import { NikaError } from '../../model/error.ts';
import type { PodRecord } from '../../pod/registry/pod-record.ts';
import { isOver, statusOf } from '../../pod/registry/pod-status.ts';
import { latestOfEach } from '../../pod/registry/resolve-pod.ts';
import type { StopWishes } from '../../pod/registry/stop-pods.ts';
import type { Terminal } from '../terminal.ts';
import { namedPods, openPodContext, type PodContext } from './pod-context.ts';
import { durationOption } from './wait-command.ts';

interface StopFlags {
  readonly grace?: string;
  readonly reason?: string;
  readonly all?: true;
  readonly home?: string;
}

const EXIT_FAILED = 1;

/** Stops them all at once, waits, and says what was not done. The number that could not be stopped. */
export const stopAndTell = async (
  pods: readonly PodRecord[],
  context: PodContext,
  wishes: StopWishes,
  terminal: Terminal,
): Promise<number> => {
  const { stopPods } = await import('../../pod/registry/stop-pods.ts');
  const { elsewhere } = await stopPods(pods, context, wishes);
  for (const record of pods.filter(isOver)) {
    terminal.warn(`${record.entity} has ended already: ${statusOf(record)}`);
  }
  for (const { entity, process: by } of elsewhere) {
    terminal.warn(`${entity} runs on ${by.host}: it can be stopped there only`);
  }
  return elsewhere.length;
};

const stop = async (names: readonly string[], flags: StopFlags, isKill: boolean, terminal: Terminal): Promise<void> => {
  const context = await openPodContext(flags.home, terminal);
  const pods =
    flags.all === true
      ? latestOfEach(context.records).filter((record) => !isOver(record))
      : await namedPods(names, context);
  const wishes: StopWishes = {
    isKill,
    why: flags.reason,
    ...(flags.grace === undefined ? {} : { graceMs: await durationOption('--grace', flags.grace) }),
  };
  const left = await stopAndTell(pods, context, wishes, terminal);
  for (const record of pods) if (!isOver(record)) terminal.print(`${record.entity}\n`);
  if (left > 0) process.exitCode = EXIT_FAILED;
};

export const addStopCommands = (pod: Command, terminal: Terminal): void => {
  pod
    .command('stop')
    .description('Stops pods: what they run is told to end, killed after the grace, and the story is written.')
    .argument('[id...]', 'id, unique prefix, name of a job that runs, or @last')
    .option('--grace <time>', 'how long what runs may take to end', '10s')
    .option('--reason <text>', 'why; it stands on the bus')
    .option('--all', 'all that run in this home')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText('after', '\nExamples:\n  $ nika pod stop k3f9\n  $ nika pod stop --all --grace 2s')
    .action((names: string[], flags: StopFlags) => stop(requireNames(names, flags), flags, false, terminal));
  pod
    .command('kill')
    .description('Kills all that pods run, at once; the story is still written.')
    .argument('[id...]', 'id, unique prefix, name of a job that runs, or @last')
    .option('--reason <text>', 'why; it stands on the bus')
    .option('--all', 'all that run in this home')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText('after', '\nExamples:\n  $ nika pod kill k3f9')
    .action((names: string[], flags: StopFlags) => stop(requireNames(names, flags), flags, true, terminal));
};

const requireNames = (names: readonly string[], { all }: StopFlags): readonly string[] => {
  if (names.length > 0 || all === true) return names;
  throw new NikaError('NIKA_CLI_USAGE', 'which pods? Give ids, or --all');
};
