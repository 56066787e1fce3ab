/** Owns what is said of a tool call to the pod that it is made in. */
import type { CallResult } from '../../hooks/tool-call.ts';
import type { ToolCallSource } from '../../model/tool-event.ts';
import type { PodEntity } from '../entity.ts';

/** A call as its maker wishes it. */
export interface WantedCall {
  readonly tool: string;
  readonly input: unknown;
  /** One line for people. */
  readonly what: string;
  readonly cwd?: string;
  readonly task?: string | undefined;
  readonly step?: string;
  /** What it does, in the words of the job. */
  readonly title?: string;
  readonly source: ToolCallSource;
  /** Of {@link PodHost.signalOf}: aborted when who makes the call is gone, or the pod is to end. Default: only the latter. */
  readonly signal?: AbortSignal;
  /** Asked at its end; false: it is told, and has no line of its own on the bus. */
  readonly isRecorded?: () => boolean;
  /** As its maker names it; default: one is made. */
  readonly id?: string;
  /** Whose call it is, where it is neither the job's nor a task's: a subagent's. */
  readonly entity?: PodEntity;
  /** The agent's id of the turn. */
  readonly turn?: string;
  /** Told when its line is on the bus: before the hooks that follow it. */
  readonly onRecorded?: () => void;
}

/** A call that was made and is told of afterwards. */
export interface FinishedCall extends WantedCall {
  readonly result: CallResult;
  readonly durationMs: number;
}
