/** Owns the events that a pod tells those who watch it; `nika pod start --json` prints them, one object a line. */

import type { WaitReason } from '../model/message.ts';
import type { Usage } from '../model/usage.ts';
import type { WorktreeEnd } from './worktree/worktree-end.ts';
import type { Reached } from './budget/scope.ts';

/** How a service stands with a pod. */
export interface ServiceStanding {
  /** `bus`, `disk`, `redis`. */
  readonly service: string;
  readonly state: 'up' | 'degraded' | 'down';
  /** ISO 8601. */
  readonly since: string;
  /** Null: it is up. */
  readonly why: string | null;
}

/** One that cannot be used, or only in part. */
export interface Degradation extends ServiceStanding {
  readonly why: string;
}

export type PodOutcome =
  | 'completed'
  | 'failed'
  | 'cancelled'
  | 'timed_out'
  | 'limit'
  | 'interrupted'
  | 'awaiting_review'
  | 'superseded';

/** Every event has `at_ms`: milliseconds since the pod started. */
export type PodEvent =
  | {
      readonly event: 'pod_started';
      readonly id: string;
      readonly session: string;
      readonly job: string;
      readonly home: string;
      readonly cwd: string;
      readonly attempt: number;
    }
  | {
      readonly event: 'task_started' | 'task_ended';
      readonly task: string;
      readonly id: string;
      readonly state: string;
    }
  | {
      readonly event: 'tool_started';
      readonly call: string;
      readonly tool: string;
      readonly what: string;
      readonly step: string;
      readonly task?: string;
    }
  | {
      readonly event: 'tool_output';
      readonly call: string;
      readonly stream: 'stdout' | 'stderr';
      readonly text: string;
      /** Of a job that is one program: its output is what the job is about. */
      readonly isProgram?: boolean;
    }
  | {
      readonly event: 'tool_ended';
      readonly call: string;
      readonly tool: string;
      readonly what: string;
      readonly ok: boolean;
      readonly duration_ms: number;
      readonly error?: string;
      readonly task?: string;
    }
  | { readonly event: 'note'; readonly text: string }
  /** It works in a git worktree; `left_behind`: what is not committed where it was started, and so is not in it. */
  | {
      readonly event: 'worktree';
      readonly path: string;
      readonly branch: string;
      readonly base: string;
      readonly left_behind?: string;
    }
  /** A rule or a hook wants a person to say whether the call may be made. */
  | {
      readonly event: 'asked';
      readonly call: string;
      readonly tool: string;
      readonly what: string;
      readonly reason: string;
    }
  | { readonly event: 'answered'; readonly call: string; readonly allow: boolean }
  /** It cannot begin yet. */
  | { readonly event: 'queued'; readonly id: string; readonly why: string }
  | { readonly event: 'paused' | 'unpaused' }
  /** The agent does not go on, or does again. */
  | { readonly event: 'waiting'; readonly reason: WaitReason; readonly why: string }
  | { readonly event: 'going_on'; readonly reason: WaitReason }
  /** The agent says something between its calls. */
  | { readonly event: 'said'; readonly text: string }
  /** The agent used tokens; besides `usage`: what the session used so far. */
  | {
      readonly event: 'used';
      readonly usage: Usage;
      readonly tokens: number;
      readonly cost_usd: number;
      readonly unpriced_tokens: number;
    }
  /** Much of a budget is used. `is_first`: no other pod of those that it holds for said so before. */
  | ({ readonly event: 'budget'; readonly detail: string; readonly is_first: boolean } & Omit<Reached, 'isAbout'>)
  | { readonly event: 'degraded' | 'recovered'; readonly service: string; readonly why: string }
  | PodEnded;

export interface PodEnded {
  readonly event: 'pod_ended';
  readonly id: string;
  readonly session: string;
  readonly attempt: number;
  /** More than 0: it is tried again. */
  readonly attempts_left: number;
  readonly outcome: PodOutcome;
  readonly exit_code: number;
  readonly duration_ms: number;
  readonly calls: number;
  readonly errors: number;
  /** What was used of models, as far as it was told. */
  readonly tokens: number;
  /** Without what nobody knows the cost of: `unpriced_tokens`. */
  readonly cost_usd: number;
  readonly unpriced_tokens: number;
  /** Declared outputs, or the last step's output; `null` where there is none. */
  readonly result: unknown;
  readonly error?: string;
  /** The git worktree of its own: what was changed in it, and whether it is still there. */
  readonly worktree?: WorktreeEnd;
  /** Services that could not be used at the end, and why (G9). */
  readonly degraded: readonly Degradation[];
  /** What was dropped, cut or delayed, by name (G3); empty: nothing. */
  readonly dropped: Readonly<Record<string, number>>;
  /** The entity's channel: where to look. */
  readonly channel: string;
  readonly log: string | null;
}

export type PodListener = (event: PodEvent, atMs: number) => void;
