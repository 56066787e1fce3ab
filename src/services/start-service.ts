/**
 * Owns the start of a service in the background, and the wait until it serves.
 *
 * U1. One server per home and service: under a lock, and not while another process works on the same data.
 */
import { statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { livenessOfService, readServiceSecret, type ServiceState } from '../config/services/service-state.ts';
import type { Secret } from '../model/secret.ts';
import { findDataHolder } from './data-holder.ts';
import { type Launched, launchService, type StartOptions } from './launch-service.ts';
import { dataDirOf, makeServiceFolders, readLogEnd, writeServiceState } from './service-files.ts';
import type { ServiceKind } from './service-kind.ts';
import { lockService } from './service-lock.ts';
import { readServiceStatus } from './service-status.ts';
import { writeFailure } from './write-failure.ts';

export interface StartFailure {
  readonly kind: 'failed';
  readonly what: string;
  readonly remedy: string;
  /** The last that the service said; may be empty. */
  readonly logEnd: string;
  /** Its whole log; null: it said nothing. */
  readonly log: string | null;
}

export type StartOutcome =
  | {
      readonly kind: 'started';
      readonly state: ServiceState;
      readonly tookMs: number;
      /** The port it had before, where another program has that now; its secret is a new one too. */
      readonly movedFrom: number | undefined;
    }
  | { readonly kind: 'running'; readonly state: ServiceState; readonly tookMs: number }
  | { readonly kind: 'missing'; readonly what: string; readonly remedy: string }
  | StartFailure;

const ANSWER_WITHIN_MS = 10_000;
const PROBE_MS = 500;
const LOOK_EVERY_MS = 10;

const failed = (what: string, remedy: string): StartFailure => ({
  kind: 'failed',
  what,
  remedy,
  logEnd: '',
  log: null,
});

interface Awaited {
  readonly state: ServiceState;
  readonly secret: Secret;
  /** Where its log begins to be of interest. */
  readonly logBytes: number;
  /** How it ended; `undefined`: it has not. */
  readonly ended: () => string | undefined;
}

/** How long it took; or what is wrong. */
const untilItServes = async (
  kind: ServiceKind,
  { state, secret, logBytes, ended }: Awaited,
): Promise<number | StartFailure> => {
  const startedMs = performance.now();
  const told = (what: string, remedy: string): StartFailure => ({
    ...failed(what, remedy),
    logEnd: secret.takenOutOf(readLogEnd(state.log, logBytes)),
    log: state.log,
  });
  for (;;) {
    const answer = await kind.probe({ port: state.port, secret, withinMs: PROBE_MS });
    const how = ended(); // looked at after the answer: what answers may be another one at the same port
    const tookMs = performance.now() - startedMs;
    if (how !== undefined) return told(`it ${how}`, 'Mend what it says, and try again.');
    if (answer === 'ready') return tookMs;
    if (tookMs > ANSWER_WITHIN_MS) {
      const why = answer === 'busy' ? 'still reads its data' : 'does not answer';
      const remedy = `It was left running: look again with "nika up --status", or end it with "nika down --${kind.name}".`;
      return told(`after ${ANSWER_WITHIN_MS / 1000} s it ${why} (pid ${state.process.pid})`, remedy);
    }
    await delay(LOOK_EVERY_MS);
  }
};

const endOf = ({ child }: Launched): string | undefined => {
  if (child.exitCode === null && child.signalCode === null) return undefined;
  return `ended at once, with ${child.signalCode ?? `exit code ${child.exitCode}`}`;
};

/** One that is there already. */
const joinService = async (kind: ServiceKind, state: ServiceState, runDir: string): Promise<StartOutcome> => {
  const secret = readServiceSecret(runDir, kind.name);
  if (secret === undefined)
    return failed('it runs, but its secret cannot be read', `End it with "nika down --${kind.name}", and try again.`);
  const ended = (): string | undefined => (livenessOfService(state) === 'alive' ? undefined : 'ended meanwhile');
  const logBytes = statSync(state.log, { throwIfNoEntry: false })?.size ?? 0;
  const tookMs = await untilItServes(kind, { state, secret, logBytes, ended });
  return typeof tookMs === 'number' ? { kind: 'running', state, tookMs } : tookMs;
};

/** U1: under the lock. @throws a system error */
const startUnderLock = async (kind: ServiceKind, program: string, options: StartOptions): Promise<StartOutcome> => {
  const { runDir } = options;
  const status = await readServiceStatus(kind, runDir);
  switch (status.kind) {
    case 'running':
    case 'loading':
    case 'hung':
      return joinService(kind, status.state, runDir); // another command was faster
    case 'elsewhere':
      return failed(
        `${status.state.process.host} runs it on the data of this home`,
        'End it there with "nika down", or use another home here.',
      );
    case 'none':
    case 'died':
    case 'stopped':
  }
  const holder = findDataHolder(dataDirOf(runDir, kind.name), kind.programs);
  if (holder !== undefined)
    return failed(
      `process ${holder} works on its data, and there is no note of it`,
      `End it with "kill ${holder}", and try again.`,
    );
  const before = status.kind === 'none' ? undefined : status.state;
  const launched = await launchService(kind, program, before, options);
  const { state } = launched;
  const tookMs = await untilItServes(kind, { ...launched, ended: () => endOf(launched) });
  const movedFrom = before?.port === state.port ? undefined : before?.port;
  if (typeof tookMs === 'number') return { kind: 'started', state, tookMs, movedFrom };
  if (endOf(launched) !== undefined) writeServiceState(runDir, { ...state, ended_at: new Date().toISOString() });
  return tookMs;
};

/**
 * Sees to it that the service runs, on the data that it had. Never rejects: what is wrong is an outcome. Comes back after
 * some 10 s at the latest, or 15 s more where another command is at work.
 */
export const startService = async (kind: ServiceKind, options: StartOptions): Promise<StartOutcome> => {
  const { runDir } = options;
  const status = await readServiceStatus(kind, runDir);
  if (status.kind === 'running' || status.kind === 'loading' || status.kind === 'hung')
    return joinService(kind, status.state, runDir);
  const program = kind.find(options);
  if (program === undefined) return { kind: 'missing', ...kind.missing };
  try {
    makeServiceFolders(runDir, kind.name);
    await using lock = await lockService(runDir, kind.name);
    if (lock === undefined)
      return failed('another "nika up" or "nika down" is at work on it', 'Wait for that one, and try again.');
    return await startUnderLock(kind, program, options);
  } catch (thrown) {
    const { what, remedy } = writeFailure(thrown, runDir);
    return failed(what, remedy);
  }
};
