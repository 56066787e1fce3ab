/** Owns `nika pod observe`: recall over one pod's tool calls. */
import type { Command } from 'commander';
import type { ObservedCall } from '../../memory/observe/observe-calls.ts';
import { bestEffort } from '../../failopen/best-effort.ts';
import { NikaError } from '../../model/error.ts';
import type { ObservedPod } from '../../swarm/api/observe-pod.ts';
import { closedPipe } from '../ending.ts';
import { formatDuration } from '../format.ts';
import { calledAs } from '../hint/called-as.ts';
import { cell } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { openPodContext, type PodContext } from './pod-context.ts';

interface ObserveFlags {
  readonly limit: string;
  readonly failed?: true;
  readonly json?: true;
  readonly home?: string;
}

const MAX_LIMIT = 100;
const RESOLVE_BUDGET_MS = 60_000;
const EXIT_NOTHING_FOUND = 1;

const parseLimit = (text: string): number => {
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw new NikaError('NIKA_CLI_USAGE', `--limit takes a number from 1 to ${MAX_LIMIT}, not "${text.slice(0, 40)}"`);
};

/** The words that match stand out. A snippet is a line, and steers no terminal. */
const marked = ({ text, marks }: ObservedCall['snippet'], terminal: Terminal): string => {
  let line = '';
  let at = 0;
  for (const { start, end } of marks) {
    line += text.slice(at, start) + terminal.paint('bold', text.slice(start, end));
    at = end;
  }
  return line + text.slice(at);
};

const wholeCommand = ({ id, entity }: Pick<ObservedCall, 'id' | 'entity'>, nika = 'nika'): string =>
  `${nika} bus grep ${id} --entity ${entity} --json`;

const rowsOf = (call: ObservedCall, terminal: Terminal): string => {
  const { ts, isOk, exitCode, durationMs, tool, sub } = call;
  const how = isOk
    ? terminal.paint('green', '✓ ok')
    : terminal.paint('red', `✗ failed${exitCode === undefined ? '' : `, exit code ${exitCode}`}`);
  const took = durationMs === null ? [] : [formatDuration(durationMs)];
  const about = [cell(tool), ...took, ...(sub === undefined ? [] : [sub])].join('  ');
  const head = `${terminal.paint('dim', ts)}  ${how}  ${about}`;
  return `${head}\n    ${marked(call.snippet, terminal)}\n    ${terminal.paint('dim', wholeCommand(call, calledAs(terminal.env)))}\n`;
};

const summaryOf = ({ id, callCount, matchCount, calls }: ObservedPod): string => {
  const all = `${callCount} ${callCount === 1 ? 'call' : 'calls'}`;
  if (calls.length === 0) return `Of the ${all} of ${id} none matches.`;
  return `${calls.length} of ${matchCount} that match, of ${all} of ${id}`;
};

const jsonOf = ({ id, callCount, matchCount, calls }: ObservedPod): string =>
  JSON.stringify({
    id,
    calls: callCount,
    matching: matchCount,
    best: calls.map(({ sub, tool, isOk, exitCode, durationMs, score, snippet, ...call }) => ({
      ...call,
      ...(sub === undefined ? {} : { sub }),
      tool,
      ok: isOk,
      ...(exitCode === undefined ? {} : { exit_code: exitCode }),
      duration_ms: durationMs,
      score: Math.round(score * 1000) / 1000,
      snippet: snippet.text,
      matches: snippet.marks.map(({ start, end }) => snippet.text.slice(start, end)),
      whole: wholeCommand(call),
    })),
  });

/** As pods are named; and what has no record here, as the bus knows it. @throws {NikaError} as for pods */
const idOf = async (name: string, { home, records }: PodContext): Promise<string> => {
  const { resolvePod } = await import('../../pod/registry/resolve-pod.ts');
  try {
    return resolvePod(name, records).entity;
  } catch (thrown) {
    if (!(thrown instanceof NikaError) || thrown.code !== 'NIKA_POD_UNKNOWN') throw thrown;
    const { resolveEntity } = await import('../bus/resolve-entity.ts');
    const onBus = await bestEffort('observe.resolve', { withinMs: RESOLVE_BUDGET_MS }, () =>
      resolveEntity(name, home.busDir),
    );
    if (onBus.kind !== 'done') throw thrown;
    return onBus.value;
  }
};

/** Exit code 0: found, 1: none matches. */
const observe = async (
  name: string,
  words: readonly string[],
  flags: ObserveFlags,
  terminal: Terminal,
): Promise<void> => {
  const limit = parseLimit(flags.limit);
  const context = await openPodContext(flags.home, terminal);
  const { observeNamed } = await import('../../swarm/api/observe-pod.ts');
  const question = { words: words.join(' '), limit, isFailedOnly: flags.failed === true };
  const observed = await observeNamed(await idOf(name, context), question, context, closedPipe(terminal));
  if (observed.calls.length === 0) process.exitCode = EXIT_NOTHING_FOUND;
  if (flags.json === true) terminal.print(`${jsonOf(observed)}\n`);
  else {
    const rows = observed.calls.map((call) => `${rowsOf(call, terminal)}\n`).join('');
    terminal.print(`${rows}${summaryOf(observed)}\n`);
  }
};

export const addObserveCommand = (pod: Command, terminal: Terminal): void => {
  pod
    .command('observe')
    .description(
      'Finds the tool calls of a pod that match some words, without reading its transcript; also while it runs.',
    )
    .argument('<id>', 'id, unique prefix, name of a job, or @last')
    .argument('<words...>', 'what may stand in the call, its error, or at the beginning of what it answered')
    .option('--limit <n>', `how many, at most ${MAX_LIMIT}`, '5')
    .option('--failed', 'only calls that failed')
    .option('--json', 'one JSON object')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText(
      'after',
      '\nExamples:\n  $ nika pod observe @last "websocket timeout"\n  $ nika pod observe k3f9 npm install --failed --limit 3',
    )
    .action((name: string, words: readonly string[], flags: ObserveFlags) => observe(name, words, flags, terminal));
};
