/** Owns `nika pod wait`. */
import { type Command, Option } from 'commander';
import { NikaError } from '../../model/error.ts';
import { statusOf } from '../../pod/registry/pod-status.ts';
import { interruption } from '../ending.ts';
import type { Terminal } from '../terminal.ts';
import { namedPods, openPodContext } from './pod-context.ts';

interface WaitOptions {
  readonly any?: true;
  readonly for: 'end' | 'waiting';
  readonly timeout?: string;
  readonly json?: true;
  readonly home?: string;
}

const EXIT_TIMED_OUT = 3;

/** A duration that a person gave. @throws {NikaError} `NIKA_CLI_USAGE` */
export const durationOption = async (flag: string, text: string): Promise<number> => {
  const { parseDurationMs } = await import('../../config/quantity.ts');
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : parseDurationMs(text);
  if (ms !== undefined) return ms;
  throw new NikaError('NIKA_CLI_USAGE', `${flag} takes a time such as 10s or 5m, not "${text}"`, { subject: flag });
};

const wait = async (names: readonly string[], options: WaitOptions, terminal: Terminal): Promise<void> => {
  const timeoutMs = options.timeout === undefined ? Infinity : await durationOption('--timeout', options.timeout);
  const [context, { waitFor, waitsOrIsOver }] = await Promise.all([
    openPodContext(options.home, terminal),
    import('../../pod/registry/wait-for.ts'),
  ]);
  const named = await namedPods(names, context);
  const signal = interruption();
  const isAny = options.any === true;
  const awaited = {
    isAny,
    untilMs: performance.now() + timeoutMs,
    ...(options.for === 'end' ? {} : { isDone: waitsOrIsOver }),
  };
  const { pods, isInTime } = await waitFor(named, context, awaited, signal);
  for (const record of pods) {
    const { entity: id, end, beat } = record;
    const exitCode = end?.exit_code ?? null;
    const line = { id, status: statusOf(record), exit_code: exitCode };
    const reason = end === null ? beat.reason : null;
    if (options.json === true) terminal.print(`${JSON.stringify(reason === null ? line : { ...line, reason })}\n`);
    else if (names.length > 1 || isAny || options.for === 'waiting')
      terminal.print(`${id} ${line.status} ${exitCode ?? reason ?? '–'}\n`);
  }
  if (signal.aborted) return; // the exit code is that of the signal
  if (!isInTime) {
    terminal.warn(`nika: ${options.for === 'end' ? 'not ended' : 'nothing waited for'} within ${options.timeout}`);
    process.exitCode = EXIT_TIMED_OUT;
    return;
  }
  process.exitCode = pods.find(({ end }) => end !== null && end.exit_code !== 0)?.end?.exit_code ?? 0;
};

export const addWaitCommand = (pod: Command, terminal: Terminal): void => {
  pod
    .command('wait')
    .description('Waits until pods have ended; its exit code is that of the pod.')
    .argument('<id...>', 'id, unique prefix, name of a job that runs, or @last')
    .option('--any', 'until one of them has ended')
    .addOption(
      new Option('--for <what>', 'until they have ended, or until they wait for something or have ended')
        .choices(['end', 'waiting'])
        .default('end'),
    )
    .option('--timeout <time>', 'at most so long, such as 10m; then exit code 3')
    .option('--json', 'one JSON object per pod: id, status, exit_code; where it waits, reason')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText(
      'after',
      `
Of several pods the exit code is the first that is not 0; 4: it awaits review (nika review). A pod that waits for a
person has not ended.

Examples:
  $ nika pod wait @last --timeout 30m
  $ nika pod wait --any k3f9 x2ma
  $ nika pod wait --for waiting @last && nika pod show @last`,
    )
    .action((names: string[], options: WaitOptions) => wait(names, options, terminal));
};
