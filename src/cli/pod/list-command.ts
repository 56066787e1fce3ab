/** Owns `nika pod ls`. */
import type { Command } from 'commander';
import { setTimeout as delay } from 'node:timers/promises';
import { isLiving, statusOf } from '../../pod/registry/pod-status.ts';
import type { PodRecord } from '../../pod/registry/pod-record.ts';
import { latestOfEach } from '../../pod/registry/resolve-pod.ts';
import { closedPipe, interruption } from '../ending.ts';
import type { Terminal } from '../terminal.ts';
import { openPodContext } from './pod-context.ts';
import { podJson, podTable } from './pod-table.ts';

interface ListOptions {
  readonly all?: true;
  readonly json?: true;
  readonly quiet?: true;
  readonly watch?: true;
  readonly home?: string;
}

const WATCH_EVERY_MS = 1_000;

const chosenOf = (records: readonly PodRecord[], { all }: ListOptions): readonly PodRecord[] =>
  all === true ? latestOfEach(records) : records.filter((record) => isLiving(statusOf(record)));

const none = (records: readonly PodRecord[], { all }: ListOptions): string => {
  if (all === true || records.length === 0)
    return 'No pod runs, and none is kept. Start one: nika pod start <job>; what ran: nika tree\n';
  return `No pod runs now (${latestOfEach(records).length} ended: nika pod ls --all).\n`;
};

const render = async (options: ListOptions, terminal: Terminal): Promise<string> => {
  const { records } = await openPodContext(options.home, terminal);
  const chosen = chosenOf(records, options);
  if (options.json === true) return `${JSON.stringify(chosen.map(podJson))}\n`;
  if (options.quiet === true) return chosen.map(({ entity }) => `${entity}\n`).join('');
  return chosen.length === 0 ? none(records, options) : podTable(chosen, terminal);
};

/** Shows the list again and again, on a terminal in its place, in a pipe below each other. */
const watch = async (options: ListOptions, terminal: Terminal): Promise<void> => {
  const signal = AbortSignal.any([closedPipe(terminal), interruption()]);
  const isInPlace = terminal.isInteractive && options.json !== true;
  while (!signal.aborted) {
    const text = await render(options, terminal);
    terminal.print(isInPlace ? `\u001B[H\u001B[J${text}` : text);
    try {
      await delay(WATCH_EVERY_MS, undefined, { signal });
    } catch {
      return; // ended by Ctrl-C or a closed pipe
    }
  }
};

export const addListCommand = (pod: Command, terminal: Terminal): void => {
  pod
    .command('ls')
    .alias('list')
    .description('Lists the pods that run: what each does, since when, and how it stands.')
    .option('-a, --all', 'ended pods too')
    .option('-w, --watch', 'again each second, until Ctrl-C')
    .option('-q, --quiet', 'only ids')
    .option('--json', 'one array of objects')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText(
      'after',
      `
States: starting, running, waiting (for a person), paused, stale (silent for 30 s), stopping; completed, failed,
cancelled, lost (its process is gone without a word).

Examples:
  $ nika pod ls
  $ nika pod ls --all --json | jq -r '.[] | select(.status == "failed") | .id'
  $ nika pod stop $(nika pod ls -q)`,
    )
    .action(async (options: ListOptions) => {
      if (options.watch === true) await watch(options, terminal);
      else terminal.print(await render(options, terminal));
    });
};
