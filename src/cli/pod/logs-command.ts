/** Owns `nika pod logs`: what a pod's program wrote, or what its steps wrote, and what nika says of it. */
import type { Command } from 'commander';
import { NikaError } from '../../model/error.ts';
import { turnedPath } from '../../log/turned-path.ts';
import type { PodRecord } from '../../pod/registry/pod-record.ts';
import type { Terminal } from '../terminal.ts';
import type { LogFlags } from './follow-logs.ts';
import { namedPods, openPodContext } from './pod-context.ts';

const nothing = (record: PodRecord, flags: LogFlags): string => {
  if (flags.nika === true) return `nika had nothing to say of ${record.entity}`;
  if (record.runner === 'steps' || record.runner === 'library') {
    return `${record.entity} is a job of steps: what they wrote stands with each call, see nika bus show ${record.entity}`;
  }
  if (record.tmux !== null) return `${record.entity} writes into its own terminal: nika pod attach ${record.entity}`;
  return `${record.entity} has written nothing${flags.stderr === true ? ' to standard error' : ''} that was kept`;
};

const logs = async (name: string, flags: LogFlags, terminal: Terminal): Promise<void> => {
  const { FollowedText, Following, pathOf, print } = await import('./follow-logs.ts');
  const context = await openPodContext(flags.home, terminal);
  const [record] = await namedPods([name], context);
  if (record === undefined) return;
  if (flags.nika === true && flags.stderr === true) {
    throw new NikaError('NIKA_CLI_USAGE', '--nika and --stderr exclude each other');
  }
  if (flags.follow === true) return new Following(flags, context, terminal).run(record);
  const path = pathOf(record, flags);
  let isEmpty = true;
  for (const each of path === null ? [] : [turnedPath(path), path]) {
    const text = new FollowedText(each);
    for (const piece of text.read()) {
      isEmpty = false;
      print(piece, terminal);
    }
    text.close();
  }
  if (isEmpty) terminal.warn(nothing(record, flags));
};

export const addLogsCommand = (pod: Command, terminal: Terminal): void => {
  pod
    .command('logs')
    .description('Prints what the program of a pod wrote, without the secrets that nika knows.')
    .argument('<id>', 'id, unique prefix, name of a job, or @last')
    .option('-f, --follow', 'and what comes, through all attempts, until the pod ends')
    .option('--stderr', 'standard error instead of standard output')
    .option('--nika', "nika's own log of the pod")
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText('after', '\nExamples:\n  $ nika pod logs -f @last\n  $ nika pod logs k3f9 --stderr | tail')
    .action((name: string, flags: LogFlags) => logs(name, flags, terminal));
};
