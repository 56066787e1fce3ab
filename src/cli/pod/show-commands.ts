/** Owns `nika pod show` and `nika pod result`. */
import { type Command, Option } from 'commander';
import { NikaError } from '../../model/error.ts';
import type { MemoryState } from '../../memory/sync/memory-files.ts';
import type { PodRecord } from '../../pod/registry/pod-record.ts';
import { describeTree } from '../../pod/tree/pod-tree.ts';
import { cell, renderTable } from '../table.ts';
import { droppedText } from '../words/dropped.ts';
import { changesText } from '../words/worktree.ts';
import { tokensText, usedText } from '../words/used.ts';
import { formatDuration, printable } from '../format.ts';
import type { Terminal } from '../terminal.ts';
import { namedPods, openPodContext, type PodContext } from './pod-context.ts';
import { podJson, standingOf, statusText } from './pod-table.ts';

interface ShowOptions {
  readonly json?: true;
  readonly maxTokens?: string;
  readonly home?: string;
}

const MS_PER_S = 1000;

const ago = (iso: string): string => `${formatDuration(Math.max(0, Date.now() - Date.parse(iso)))} ago`;

const endRows = ({ end, attempt, attempts }: PodRecord): readonly (readonly [string, string | undefined])[] =>
  end === null
    ? []
    : [
        ['outcome', `${end.outcome}, exit code ${end.exit_code}, after ${formatDuration(end.duration_ms)}`],
        ['ended', `${end.at} (${ago(end.at)})`],
        ['error', end.error ?? undefined],
        [
          'attempts',
          attempts > 1
            ? `${attempt} of ${attempts}${end.status === 'lost' && attempt < attempts ? ': nika pod restart goes on' : ''}`
            : undefined,
        ],
      ];

const sinceText = (iso: string): string => (iso === '' ? '' : ` (for ${formatDuration(Date.now() - Date.parse(iso))})`);

/** How each service stands, since when, and why (G9). */
const serviceRows = ({ beat, end }: PodRecord): readonly (readonly [string, string])[] => {
  const told = beat.services.map(({ service }) => service);
  const others = beat.degraded.filter(({ service }) => !told.includes(service));
  return [...beat.services, ...others].map(({ service, state, since, why }) => [
    service,
    `${state}${end === null ? sinceText(since) : ''}${why === null ? '' : `: ${why}`}`,
  ]);
};

const worktreeRows = ({ worktree, entity }: PodRecord): readonly (readonly [string, string | undefined])[] => {
  if (worktree === null) return [];
  const { path, branch, base, kept, changes, owner } = worktree;
  return [
    ['worktree', owner === entity ? `${path}${kept ? '' : ' (removed)'}` : `${path}, of ${owner}`],
    ['branch', `${branch}${kept ? '' : ' (removed)'}, from ${base.slice(0, 12)}`],
    ['changed', changes === null ? undefined : changesText(changes)],
  ];
};

/** Whether memory in Qdrant has what this pod did, as it was found the last time (G9). */
const memoryRows = ({ end }: PodRecord, state: MemoryState | undefined): readonly (readonly [string, string])[] => {
  if (state === undefined) return [];
  const { standing, since, why, whole_at: wholeAt } = state;
  if (standing !== 'up')
    return [['qdrant', `${standing}${sinceText(since)}: ${why ?? ''}; what is to be remembered waits on the bus`]];
  if (end === null || wholeAt === null) return [['qdrant', `up${sinceText(since)}`]];
  return [['qdrant', wholeAt >= end.at ? 'has its end' : 'has not its end yet: nika memory status']];
};

const showRows = (
  record: PodRecord,
  memory: MemoryState | undefined,
  terminal: Terminal,
): readonly (readonly string[])[] => {
  const { beat, end, process: by } = record;
  const { last_tool: last } = beat;
  const rows: (readonly [string, string | undefined])[] = [
    ['status', statusText(terminal, standingOf(record), Date.now())],
    ['why', beat.why ?? undefined],
    ...endRows(record),
    ['job', record.job_file === null ? record.job : `${record.job}  ${record.job_file}`],
    ['runner', record.runner],
    ['belongs to', record.parent ?? undefined],
    ['domain', `${record.domain}, intent ${record.intent}`],
    ['session', record.session],
    ['attempt', end === null && record.attempts > 1 ? `${record.attempt} of ${record.attempts}` : undefined],
    ['lease', record.lease === null ? undefined : `${record.lease.name}, token ${record.lease.token}`],
    ['process', `${by.pid} on ${by.host}${record.detached ? ', in the background' : ''}`],
    ['held by', describeTree(record.tree)],
    ['started', `${record.started_at} (${ago(record.started_at)})`],
    ['sign of life', end === null ? ago(beat.at) : undefined],
    ['calls', `${beat.calls}, ${beat.errors} ${beat.errors === 1 ? 'error' : 'errors'}`],
    ['used', usedText(beat.tokens, beat.cost_usd, beat.unpriced_tokens) || undefined],
    [
      'no price',
      beat.unpriced_tokens === 0 ? undefined : `${tokensText(beat.unpriced_tokens)}: see "prices" in nika.yaml`,
    ],
    [
      'last tool',
      last === null
        ? undefined
        : `${last.tool} ${last.what}${last.running && end === null ? ' (runs)' : `, ${ago(last.at)}`}`,
    ],
    ...serviceRows(record),
    ...memoryRows(record, memory),
    ['dropped', droppedText(beat.dropped) || undefined],
    ['runs in', record.cwd],
    ...worktreeRows(record),
    ['socket', end === null ? (record.socket ?? 'none') : undefined],
    ['tmux', record.tmux ?? undefined],
    ['output', record.stdout ?? undefined],
    ['', record.stderr ?? undefined],
  ];
  return rows.flatMap(([name, value]) => (value === undefined ? [] : [[terminal.paint('dim', name), shown(value)]]));
};

/** Colours of our own stay; foreign text cannot steer the terminal. */
const shown = (value: string): string => (value.includes('\u001B') ? value : cell(value));

const showJson = (record: PodRecord): Readonly<Record<string, unknown>> => {
  const { v: _version, ...rest } = record;
  return { ...podJson(record), record: rest };
};

const memoryState = async ({ home, settings }: PodContext): Promise<MemoryState | undefined> => {
  if (settings.qdrant.kind === 'off') return undefined;
  const { memoryTargetName, readMemoryState } = await import('../../memory/sync/memory-files.ts');
  const state = readMemoryState(home.runDir);
  return state?.target === memoryTargetName(settings.qdrant) ? state : undefined;
};

const show = async (names: readonly string[], options: ShowOptions, terminal: Terminal): Promise<void> => {
  const context = await openPodContext(options.home, terminal);
  const pods = await namedPods(names.length === 0 ? ['@last'] : names, context);
  const memory = await memoryState(context);
  for (const record of pods) {
    terminal.print(
      options.json === true
        ? `${JSON.stringify(showJson(record))}\n`
        : `${terminal.paint('bold', record.entity)}\n${renderTable(showRows(record, memory, terminal), 2)}`,
    );
  }
};

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value, undefined, 2) ?? 'null');

const result = async (name: string, options: ShowOptions, terminal: Terminal): Promise<void> => {
  const context = await openPodContext(options.home, terminal);
  const [record] = await namedPods([name], context);
  if (record === undefined) return;
  const { end } = record;
  if (end === null) {
    throw new NikaError('NIKA_POD_OVER', `${record.entity} has no result yet: it runs`, {
      subject: record.entity,
      remedy: `Wait for it: nika pod wait ${record.entity}`,
    });
  }
  const { wholeResult } = await import('../../pod/registry/pod-result.ts');
  const value = await wholeResult(record, context.home.busDir);
  process.exitCode = end.exit_code;
  if (options.json === true) {
    const { entity: id, session } = record;
    const ended = { id, session, outcome: end.outcome, exit_code: end.exit_code, result: value, error: end.error };
    terminal.print(`${JSON.stringify({ ...ended, duration_s: end.duration_ms / MS_PER_S })}\n`);
    return;
  }
  if (options.maxTokens !== undefined) {
    const { briefResult } = await import('./brief-result.ts');
    terminal.print(await briefResult(record, value, options.maxTokens));
    return;
  }
  if (value !== null) terminal.print(`${terminal.isInteractive ? printable(textOf(value)) : textOf(value)}\n`);
  if (end.error !== null) terminal.warn(printable(end.error));
};

export const addShowCommands = (pod: Command, terminal: Terminal): void => {
  pod
    .command('show')
    .description('Shows all that is known of pods: how they stand, who runs them, what was dropped.')
    .argument('[id...]', 'id, unique prefix, name of a job that runs, or @last (default)')
    .option('--json', 'one JSON object per pod')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText('after', '\nExamples:\n  $ nika pod show @last\n  $ nika pod show k3f9 --json | jq .record.process')
    .action((names: string[], options: ShowOptions) => show(names, options, terminal));
  pod
    .command('result')
    .description('Prints the result of a pod that has ended; its exit code is that of the pod.')
    .argument('<id>', 'id, unique prefix, name of a job, or @last')
    .addOption(new Option('--max-tokens <count>', 'for an LLM: error, and how the result begins').conflicts('json'))
    .option('--json', 'one JSON object: outcome, exit_code, result, error')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText(
      'after',
      '\nExamples:\n  $ nika pod wait @last && nika pod result @last\n  $ nika pod result k3f9 --json | jq .result',
    )
    .action((name: string, options: ShowOptions) => result(name, options, terminal));
};
