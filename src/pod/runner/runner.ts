/** Owns what each way to do a job's work has in common: steps, a module, a command. */
import type { Scope } from '../../config/expression/evaluate.ts';
import type { Home } from '../../config/home.ts';
import type { Job } from '../../config/job/job.ts';
import type { Settings } from '../../config/settings.ts';
import type { HookPipeline } from '../../hooks/hook-pipeline.ts';
import type { AgentKind } from '../../model/agent.ts';
import type { PodEntity } from '../entity.ts';
import type { Session } from '../session.ts';
import type { Stop } from '../ending.ts';
import type { PodHost } from '../host/pod-host.ts';
import type { PodControl } from '../pod-control.ts';
import type { SignalStation } from '../signals/signal-station.ts';
import type { SocketFaults } from '../socket/faults.ts';
import type { PodDoor } from '../socket/protocol.ts';
import type { PodTree } from '../tree/pod-tree.ts';
import type { OutputLog } from './output-log.ts';

export interface RunnerContext {
  readonly job: Job;
  /** What expressions see, with the environment of this session. */
  readonly scope: Scope;
  /** Environment of all that is started, complete. */
  readonly env: Readonly<Record<string, string>>;
  /** Absolute. */
  readonly cwd: string;
  readonly home: Home;
  readonly settings: Settings;
  readonly session: Session;
  /** The job. */
  readonly entity: PodEntity;
  readonly hooks: HookPipeline;
  readonly host: PodHost;
  /** The agent that runs has told its own id of its session. */
  readonly onAgentSession: (kind: string, session: string) => void;
  readonly stop: Stop;
  readonly tree: PodTree;
  readonly door: PodDoor;
  readonly faults: SocketFaults;
  readonly control: PodControl;
  readonly signals: SignalStation;
  readonly output: OutputLog;
  /** A program gets the terminal itself, as if it had been started there. */
  readonly passTerminal: boolean;
  /** Whoever shows the output has enough for now: resolves when there is room again. `undefined`: there is. */
  readonly viewerRoom: () => Promise<unknown> | undefined;
  /** How long what is told to end may take. */
  readonly graceMs: () => number;
}

export type RunnerOutcome =
  | { readonly kind: 'completed'; readonly result: unknown }
  /** `exitCode`: of a program that ended with another code than 0; else 1. */
  | {
      readonly kind: 'failed' | 'timed_out';
      readonly error: string;
      readonly exitCode?: number;
      readonly result?: unknown;
    }
  /** Ended from outside, for the stop's reason. */
  | { readonly kind: 'cancelled' };

/**
 * Makes what runs an agent. Whoever composes a pod gives it, since agents build on pods.
 * @throws {NikaError} its CLI is not installed: nothing was written yet.
 */
export type OpenAgentRunner = (
  kind: AgentKind,
  place: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
) => Promise<Runner>;

/** Ends soon after the stop's signal is aborted. A rejection is a bug. */
export type Runner = (context: RunnerContext) => Promise<RunnerOutcome>;
