/** Owns `nika pod stop` and `nika pod kill`. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { NikaError } from '../../model/error.ts';
import type { PodRecord } from '../../pod/registry/pod-record.ts';
import { isOver, podLiveness, statusOf } from '../../pod/registry/pod-status.ts';
import { latestOfEach } from '../../pod/registry/resolve-pod.ts';
import type { Terminal } from '../terminal.ts';
import { namedPods, openPodContext, type PodContext } from './pod-context.ts';
import { durationOption, waitFor } from './wait-command.ts';

interface StopFlags {
  readonly grace?: string;
  readonly reason?: string;
  readonly all?: true;
  readonly home?: string;
}

export interface StopWishes {
  /** Milliseconds; default: the pod's own. */
  readonly graceMs?: number;
  readonly why?: string | undefined;
  /** SIGKILL to all it started, at once. */
  readonly isKill?: boolean;
  /** Only the attempt ends. */
  readonly isAttempt?: boolean;
}

const DEFAULT_GRACE_MS = 10_000;
/** What a pod needs besides the grace: to write its story. */
const STORY_MS = 5_000;
/** A supervisor on a machine that is busy answers late; one that hangs is killed in the end. */
const ASK_BUDGET_MS = 5_000;
const ASK_TO_KILL_BUDGET_MS = 2_000;
const KILLED_BUDGET_MS = 2_000;
const EXIT_FAILED = 1;

const isKillWish = ({ isKill }: StopWishes): boolean => isKill === true;

/** Asks the pod; where it does not answer, its process is told by a signal. */
const tell = async (record: PodRecord, wishes: StopWishes): Promise<void> => {
  const { graceMs, why = isKillWish(wishes) ? 'nika pod kill' : 'nika pod stop', isKill, isAttempt } = wishes;
  const reason = { reason: why };
  if (podLiveness(record.process) === 'alive') trySignal(record.process.pid, 'SIGCONT'); // one that is stopped cannot answer
  if (record.socket !== null) {
    const { connect } = await import('../../pod/client/client.ts');
    try {
      await using client = await connect({
        path: record.socket,
        signal: AbortSignal.timeout(isKill === true ? ASK_TO_KILL_BUDGET_MS : ASK_BUDGET_MS),
      });
      if (isKill === true) await client.kill(reason);
      else {
        const grace = graceMs === undefined ? {} : { grace_ms: graceMs };
        await client.stop({ ...grace, ...reason, ...(isAttempt === true ? { keep_open: true } : {}) });
      }
      return;
    } catch {
      // it does not answer: hung, stopped, or just ended
    }
  }
  if (podLiveness(record.process) !== 'alive') return;
  trySignal(record.process.pid, 'SIGTERM');
};

const trySignal = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended meanwhile
  }
};

/** The last resort: the supervisor itself is killed, and whoever kills it closes the pod. */
const force = async (record: PodRecord, context: PodContext, why: string): Promise<void> => {
  const { closeDead, endLeftovers } = await import('../../pod/registry/lost.ts');
  const { home, settings } = context;
  if (podLiveness(record.process) === 'alive') trySignal(record.process.pid, 'SIGKILL');
  const untilMs = performance.now() + KILLED_BUDGET_MS;
  while (podLiveness(record.process) === 'alive' && performance.now() < untilMs) await delay(10);
  await endLeftovers(record);
  await closeDead({ home, settings }, record.session, { status: 'cancelled', error: why, exitCode: 137 });
};

/** Stops them all at once, and waits. The number that could not be stopped. */
export const stopPods = async (
  pods: readonly PodRecord[],
  context: PodContext,
  wishes: StopWishes,
  terminal: Terminal,
): Promise<number> => {
  const living = pods.filter((record) => !isOver(record) && podLiveness(record.process) !== 'elsewhere');
  const graceMs = wishes.isKill === true ? 0 : (wishes.graceMs ?? DEFAULT_GRACE_MS);
  await Promise.all(living.map((record) => tell(record, wishes)));
  const untilMs = performance.now() + graceMs + (wishes.isKill === true ? KILLED_BUDGET_MS : STORY_MS);
  const { pods: now } = await waitFor(living, context, { isAny: false, untilMs }, new AbortController().signal);
  const stuck = now.filter((record) => !isOver(record));
  const why = wishes.isKill === true ? 'killed' : 'it did not end when it was told to, and was killed';
  await Promise.all(stuck.map((record) => force(record, context, why)));
  for (const record of pods.filter(isOver)) {
    terminal.warn(`${record.entity} has ended already: ${statusOf(record)}`);
  }
  const elsewhere = pods.filter((record) => !isOver(record) && !living.includes(record));
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
  const left = await stopPods(pods, context, wishes, terminal);
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
