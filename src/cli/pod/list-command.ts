/** Owns `nika pod ls`. */
import { type Command, Option } from 'commander';
import { setTimeout as delay } from 'node:timers/promises';
import { isLiving, statusOf } from '../../pod/registry/pod-status.ts';
import type { PodRecord, PodStatus } from '../../pod/registry/pod-record.ts';
import { latestOfEach } from '../../pod/registry/resolve-pod.ts';
import { NikaError } from '../../model/error.ts';
import { closedPipe, interruption } from '../ending.ts';
import type { Terminal } from '../terminal.ts';
import { printable } from '../format.ts';
import { asCalled } from '../hint/called-as.ts';
import { openPodContext, type PodContext } from './pod-context.ts';
import { podJson, podTable } from './pod-table.ts';

interface ListOptions {
  readonly all?: true;
  readonly json?: true;
  readonly quiet?: true;
  readonly waiting?: true;
  readonly watch?: true;
  readonly allHosts?: true;
  readonly since?: string;
  readonly home?: string;
}

const WATCH_EVERY_MS = 1_000;
const FLEET_WITHIN_MS = 300;
/** A script must be able to tell "there are none" from "nobody could say". */
const EXIT_IN_PART = 1;

const isOpen = (status: PodStatus): boolean => isLiving(status) || status === 'awaiting_review';

/** Those that run, or await review; those that wait; those that ran since; with --all those that ended too. */
const chosenOf = (records: readonly PodRecord[], { all, waiting }: ListOptions, sinceTs = ''): readonly PodRecord[] => {
  if (waiting === true) return records.filter((record) => statusOf(record) === 'waiting');
  return all === true
    ? latestOfEach(records).filter(({ end }) => end === null || end.at >= sinceTs)
    : latestOfEach(records).filter((record) => isOpen(statusOf(record)));
};

/** As on the bus; empty: however long ago. @throws {NikaError} `NIKA_CLI_USAGE` */
const sinceOf = async ({ since, all }: ListOptions): Promise<string> => {
  if (since === undefined) return '';
  if (all !== true)
    throw new NikaError('NIKA_CLI_USAGE', '--since goes with --all: pods that run are shown in any case');
  const [{ parseTime }, { toTs }] = await Promise.all([
    import('../bus/bus-query.ts'),
    import('../../bus/query/time-span.ts'),
  ]);
  return toTs(parseTime('--since', since).fromMs);
};

const none = (records: readonly PodRecord[], { all, waiting }: ListOptions): string => {
  if (waiting === true) return 'No pod waits.\n';
  if (all === true || records.length === 0)
    return 'No pod runs, and none is kept. Start one: nika pod start <job>; what ran: nika tree\n';
  return `No pod runs now (${latestOfEach(records).length} ended: nika pod ls --all).\n`;
};

/** Pods of other hosts and homes; what hinders that is said beside, and those of this home are shown all the same. */
const otherPods = async ({ home, settings, records }: PodContext, options: ListOptions, terminal: Terminal) => {
  const { all, waiting } = options;
  const mark = terminal.paint('yellow', 'nika:');
  if (settings.redis.kind === 'off') {
    const { absentRedis } = await import('../../config/services/absent-redis.ts');
    terminal.warn(`${mark} other hosts are not shown: ${asCalled(terminal, absentRedis(home.runDir).why)}`);
    return [];
  }
  const [{ readFleet }, { GONE_AFTER_MS, statusOfFleetPod }] = await Promise.all([
    import('../../telemetry/read-fleet.ts'),
    import('./fleet-table.ts'),
  ]);
  const fleet = await readFleet(settings.redis, FLEET_WITHIN_MS);
  if (fleet.kind === 'unreachable') {
    process.exitCode = EXIT_IN_PART;
    terminal.warn(`${mark} other hosts are not shown: redis: ${printable(fleet.why)}`);
    return [];
  }
  const own = new Set<string>(records.map(({ session }) => session));
  return fleet.pods
    .filter(({ session, silentMs }) => !own.has(session) && (all === true || silentMs < GONE_AFTER_MS))
    .filter((pod) => waiting !== true || statusOfFleetPod(pod) === 'waiting')
    .toSorted((a, b) => (a.started_at < b.started_at ? -1 : 1));
};

const renderFleet = async (options: ListOptions, context: PodContext, terminal: Terminal): Promise<string> => {
  const { fleetJson, fleetTable } = await import('./fleet-table.ts');
  const others = await otherPods(context, options, terminal);
  const chosen = chosenOf(context.records, options);
  if (options.json === true) return `${JSON.stringify([...chosen.map(podJson), ...others.map(fleetJson)])}\n`;
  if (options.quiet === true) return [...chosen, ...others].map(({ entity }) => `${entity}\n`).join('');
  if (chosen.length + others.length === 0) return none(context.records, options);
  return fleetTable(chosen, others, terminal);
};

/** Sessions that were imported are over, or run without nika: they are shown with those that ended. */
const renderWithImported = async (
  options: ListOptions,
  chosen: readonly PodRecord[],
  { home, records }: PodContext,
  terminal: Terminal,
): Promise<string> => {
  const { importedJson, importedRow, readImported } = await import('./imported-pods.ts');
  const imported = await readImported(home, await sinceOf(options));
  if (options.json === true) return `${JSON.stringify([...chosen.map(podJson), ...imported.map(importedJson)])}\n`;
  if (options.quiet === true)
    return [...chosen.map(({ entity }) => entity), ...imported.map(({ id }) => id), ''].join('\n');
  if (chosen.length + imported.length === 0) return none(records, options);
  const nowMs = Date.now();
  const others = imported.map((view) => importedRow(view, terminal, nowMs));
  return podTable(chosen, terminal, others);
};

const render = async (options: ListOptions, terminal: Terminal): Promise<string> => {
  const context = await openPodContext(options.home, terminal);
  if (options.allHosts === true) return renderFleet(options, context, terminal);
  const { records } = context;
  const chosen = chosenOf(records, options, await sinceOf(options));
  if (options.all === true && options.waiting !== true) return renderWithImported(options, chosen, context, terminal);
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
    .option('-a, --all', 'ended pods too, and what was imported of agents')
    .option('--since <time>', 'with --all: only what ran since: 2h, 30d, 2026-04, 2026-04-12T10:30')
    .addOption(new Option('--waiting', 'only those that wait: for a person, or for something to pass').conflicts('all'))
    .option('--all-hosts', 'pods of other hosts and homes too, as Redis tells of them')
    .option('-w, --watch', 'again each second, until Ctrl-C')
    .option('-q, --quiet', 'only ids')
    .option('--json', 'one array of objects')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText(
      'after',
      `
States: starting, running, waiting, paused, stale (silent for 30 s), stopping; completed, failed, cancelled, lost (its
process is gone without a word).

A pod that waits says for what, and since when. ◐ is a person's turn: permission (where a policy asks: nika pod allow,
nika pod deny), question, next prompt. … may pass by itself: rate limit, compacting, API error, silent (no sign of life
of its agent).

With --all come pods that ended, as many as pods.keepEnded says, and the sessions that "nika import" read, however many:
what they were about stands where pods have their last tool. "nika bus show <id>" tells what was done there.

With --all-hosts Redis has 300 ms to answer; where it does not, the pods of this home are shown, and the exit code is 1.
Commands such as show and stop work on the pods of one home: that of a pod elsewhere is in its --json.

Examples:
  $ nika pod ls
  $ nika pod ls --all --since 30d            what you did with agents in the last month
  $ nika pod ls --all --json | jq -r '.[] | select(.status == "failed") | .id'
  $ nika pod ls --waiting --json | jq -r '.[] | [.id, .reason, .why] | @tsv'
  $ nika pod ls --all-hosts
  $ nika pod stop $(nika pod ls -q)`,
    )
    .action(async (options: ListOptions) => {
      if (options.watch === true) await watch(options, terminal);
      else terminal.print(await render(options, terminal));
    });
};
