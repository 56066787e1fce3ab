/**
 * Owns the end of a service: politely, then by force. Its data stay.
 *
 * E1. A signal goes only to the very process that was started, asked anew before each: a pid that others have now is
 *     left alone.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { livenessOfService, readServiceState, type ServiceState } from '../config/services/service-state.ts';
import { errnoOf, errorMessage } from '../model/error.ts';
import { noteEnd } from './service-files.ts';
import type { ServiceKind } from './service-kind.ts';
import { lockService } from './service-lock.ts';
import { readServiceStatus } from './service-status.ts';
import { writeFailure, type WriteFailure } from './write-failure.ts';

export type EndOutcome =
  | {
      readonly kind: 'ended';
      readonly state: ServiceState;
      readonly by: 'SIGTERM' | 'SIGKILL';
      readonly tookMs: number;
      /** Its note still says that it runs. */
      readonly unnoted: WriteFailure | undefined;
    }
  /** It had ended before, without being told to. */
  | { readonly kind: 'died'; readonly state: ServiceState }
  | { readonly kind: 'not running' }
  | { readonly kind: 'failed'; readonly what: string; readonly remedy: string };

const GRACE_MS = 10_000;
/** What was killed may take a moment to be gone, longer on a disk that is slow. */
const KILL_MS = 5_000;
const LOOK_EVERY_MS = 10;

/** E1. Whether it is gone at the latest after so long. */
const signalAndWait = async (state: ServiceState, signal: NodeJS.Signals, withinMs: number): Promise<boolean> => {
  const untilMs = performance.now() + withinMs;
  if (livenessOfService(state) === 'alive') process.kill(state.process.pid, signal);
  while (livenessOfService(state) === 'alive') {
    if (performance.now() > untilMs) return false;
    await delay(LOOK_EVERY_MS);
  }
  return true;
};

const endProcess = async (state: ServiceState): Promise<EndOutcome> => {
  const startedMs = performance.now();
  const isPolite = await signalAndWait(state, 'SIGTERM', GRACE_MS);
  const isGone = isPolite || (await signalAndWait(state, 'SIGKILL', KILL_MS));
  if (isGone)
    return {
      kind: 'ended',
      state,
      by: isPolite ? 'SIGTERM' : 'SIGKILL',
      tookMs: performance.now() - startedMs,
      unnoted: undefined,
    };
  const what = `process ${state.process.pid} does not end, not even by SIGKILL`;
  return { kind: 'failed', what, remedy: 'It hangs in the system, perhaps on its disk: see "nika up --status".' };
};

/** What hindered it. It is gone all the same: that no note can be written of it is no failure to end it. */
const tryNoteEnd = (runDir: string, state: ServiceState): WriteFailure | undefined => {
  try {
    noteEnd(runDir, { ...state, ended_at: new Date().toISOString() });
    return undefined;
  } catch (thrown) {
    return writeFailure(thrown, runDir);
  }
};

/** Under the lock. @throws a system error */
const endUnderLock = async (kind: ServiceKind, runDir: string): Promise<EndOutcome> => {
  const status = await readServiceStatus(kind, runDir);
  switch (status.kind) {
    case 'none':
    case 'stopped':
      return { kind: 'not running' };
    case 'elsewhere': {
      const { host } = status.state.process;
      return { kind: 'failed', what: `${host} runs it`, remedy: 'End it there with "nika down".' };
    }
    case 'died':
      // Where no note can be written, it may well have been told to end: the note of that is what is missing.
      return tryNoteEnd(runDir, status.state) === undefined ? status : { kind: 'not running' };
    case 'running':
    case 'loading':
    case 'hung':
  }
  const { state } = status;
  const { pid, start_ticks } = state.process;
  if (start_ticks === '' && status.kind !== 'running')
    return {
      kind: 'failed',
      what: `process ${pid} does not answer, and this system cannot tell whether it is the one that was started`,
      remedy: `Look at it with "ps -p ${pid}", and end it yourself.`,
    };
  const outcome = await endProcess(state);
  return outcome.kind === 'ended' ? { ...outcome, unnoted: tryNoteEnd(runDir, state) } : outcome;
};

/** Never rejects: what is wrong is an outcome. Nothing running is no error. */
export const endService = async (kind: ServiceKind, runDir: string): Promise<EndOutcome> => {
  const state = readServiceState(runDir, kind.name);
  if (state === undefined || state.ended_at !== null) return { kind: 'not running' };
  try {
    await using lock = await lockService(runDir, kind.name);
    if (lock === undefined) {
      const what = 'another "nika up" or "nika down" is at work on it';
      return { kind: 'failed', what, remedy: 'Wait for that one, and try again.' };
    }
    return await endUnderLock(kind, runDir);
  } catch (thrown) {
    const what = `${errnoOf(thrown) ?? errorMessage(thrown)} at process ${state.process.pid}`;
    return { kind: 'failed', what, remedy: `See that ${runDir} and the process are yours, and try again.` };
  }
};
