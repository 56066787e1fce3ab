/** Owns `nika memory sync` and `nika memory rebuild`. */
import type { Command } from 'commander';
import type { BringOutcome, BringWay } from '../../pod/remember/bring-memory.ts';
import { interruption } from '../ending.ts';
import { formatDuration, printable } from '../format.ts';
import { asCalled } from '../hint/called-as.ts';
import type { Terminal } from '../terminal.ts';
import { startBringProgress } from './bring-progress.ts';

interface BringFlags {
  readonly full?: true;
  readonly json?: true;
  readonly home?: string;
}

const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;

const points = (count: number): string => `${count.toLocaleString('en-US')} ${count === 1 ? 'entry' : 'entries'}`;

const remedyOf = (kind: 'away' | 'refused' | 'other-shape', command: string): string => {
  switch (kind) {
    case 'away':
      return `what is missing waits on the bus; "${command}" goes on where it was`;
    case 'refused':
      return 'set qdrant.apiKey (NIKA_QDRANT_API_KEY)';
    case 'other-shape':
      return 'nothing was changed there: "nika memory status" tells more; qdrant.collection can name another one';
  }
};

const sentenceOf = (outcome: BringOutcome, way: BringWay, { paint }: Terminal): string => {
  const command = way === 'rebuild' ? 'nika memory rebuild' : 'nika memory sync';
  switch (outcome.kind) {
    case 'off':
      return `${outcome.why}: there is nothing to bring anything to`;
    case 'interrupted':
      return `${paint('red', '✗')} interrupted after ${points(outcome.writtenCount)} written; "${command}" goes on where it was`;
    case 'failed': {
      const { failure, writtenCount } = outcome;
      return `${paint('red', '✗')} Qdrant: ${printable(failure.why)}; ${points(writtenCount)} written; ${remedyOf(failure.kind, command)}`;
    }
    case 'done': {
      const { writtenCount, comparedCount, refusedCount, isFull, durationMs } = outcome;
      const looked = isFull ? `, ${comparedCount.toLocaleString('en-US')} looked at (all of the bus)` : '';
      const written = writtenCount === 0 && !isFull ? 'nothing was missing' : `${points(writtenCount)} written`;
      const refused = refusedCount === 0 ? '' : `, ${points(refusedCount)} that Qdrant does not take (nika doctor)`;
      return `${paint('green', '✓')} ${written}${looked}${refused}, in ${formatDuration(durationMs)}`;
    }
  }
};

const jsonOf = (outcome: BringOutcome): Readonly<Record<string, unknown>> => {
  if (outcome.kind === 'off') return { kind: 'off', why: outcome.why };
  const { kind, writtenCount: written, comparedCount: compared, refusedCount: refused, durationMs } = outcome;
  const why = outcome.kind === 'failed' ? { failure: outcome.failure.kind, why: outcome.failure.why } : {};
  const full = outcome.kind === 'done' ? { full: outcome.isFull } : {};
  return { kind, ...full, written, compared, refused, duration_ms: Math.round(durationMs), ...why };
};

const bring = async (way: BringWay, flags: BringFlags, terminal: Terminal): Promise<void> => {
  const [{ openBus, nothingYet }, { loadSettings }, { bringMemory }] = await Promise.all([
    import('../bus/open-bus.ts'),
    import('../../config/settings.ts'),
    import('../../pod/remember/bring-memory.ts'),
  ]);
  const { env } = terminal;
  const bus = openBus(flags.home, terminal);
  const settings = loadSettings(bus.home, env);
  if (bus.isEmpty) {
    if (flags.json === true) terminal.print(`${JSON.stringify({ kind: 'empty', written: 0, compared: 0 })}\n`);
    else terminal.print(`${nothingYet(bus)}.\n`);
    return;
  }
  const signal = interruption();
  using progress = startBringProgress(terminal);
  const { onProgress, clear } = progress;
  const say = (text: string): void => {
    clear();
    terminal.warn(terminal.paint('dim', text));
  };
  const outcome = await bringMemory(
    {
      home: bus.home,
      settings,
      env,
      way,
      onProgress,
      onWait: () => say('another process of this home is at it: waiting for it to end'),
      onResume: () => say('going on where the last rebuild was broken off'),
    },
    signal,
  ).catch((thrown: unknown): BringOutcome => {
    if (!signal.aborted) throw thrown;
    return { kind: 'interrupted', writtenCount: 0, comparedCount: 0, refusedCount: 0, durationMs: 0 };
  });
  clear();
  if (outcome.kind === 'failed' || (outcome.kind === 'off' && way === 'rebuild')) process.exitCode = EXIT_FAILED;
  if (outcome.kind === 'interrupted') process.exitCode ??= EXIT_INTERRUPTED;
  if (outcome.kind === 'done') process.exitCode = 0; // Ctrl-C came too late to matter
  const sentence = asCalled(terminal, sentenceOf(outcome, way, terminal));
  if (flags.json === true) terminal.print(`${JSON.stringify(jsonOf(outcome))}\n`);
  else if (outcome.kind === 'done' || process.exitCode === undefined) terminal.print(`${sentence}\n`);
  else terminal.warn(sentence);
};

const JSON_OPTION = [
  '--json',
  'one object: kind (done, failed, interrupted, off, empty), full, written, compared, refused, duration_ms, why',
] as const;
const HOME_OPTION = ['--home <dir>', 'the home: config/, _bus/, logs/, run/'] as const;

const addSync = (memory: Command, terminal: Terminal): void => {
  memory
    .command('sync')
    .description(
      'Brings to Qdrant what the bus of this home has and Qdrant has not. Pods and Alpha do it by themselves.',
    )
    .option('--full', 'compare all of the bus, not only what is new since the last time')
    .option(...JSON_OPTION)
    .option(...HOME_OPTION)
    .addHelpText(
      'after',
      `
It may be run at any time, and twice: what is written has the id of its line on the bus. Where Qdrant lost its data, or
was given an older state of it, all of the bus is compared by itself.

Exit codes: 0 done, or nothing to do; 1 Qdrant could not be reached, refused, or has a collection of another shape under
that name (which is never changed); 130 Ctrl-C: what was written stays, the next one goes on.

Examples:
  $ nika memory sync
  $ nika memory sync --full --json | jq .written`,
    )
    .action((flags: BringFlags) => bring(flags.full === true ? 'full' : 'sync', flags, terminal));
};

const addRebuild = (memory: Command, terminal: Terminal): void => {
  memory
    .command('rebuild')
    .description('Writes all that the bus of this home and its archives have for memory to Qdrant again.')
    .option(...JSON_OPTION)
    .option(...HOME_OPTION)
    .addHelpText(
      'after',
      `
For a Qdrant that is empty, new, or not to be trusted; what other homes wrote there stays. It can be ended at any time
with Ctrl-C, or by a kill or a reboot: run it again, and it goes on where it was.

Exit codes: 0 done; 1 Qdrant could not be reached, refused, or is not configured; 130 Ctrl-C.

Examples:
  $ nika memory rebuild
  $ nika memory rebuild --json`,
    )
    .action((flags: BringFlags) => bring('rebuild', flags, terminal));
};

export const addBringCommands = (memory: Command, terminal: Terminal): void => {
  addSync(memory, terminal);
  addRebuild(memory, terminal);
};
