/** Owns what a hook of a user is, whether it is a program or a module. */
import type { ToolEvent } from '../../model/tool-event.ts';
import type { HookAnswer } from './hook-answer.ts';

export type HookPhase = 'pre' | 'post' | 'failure';

export interface HookCall {
  readonly phase: HookPhase;
  readonly event: ToolEvent;
  readonly timeoutMs: number;
}

export interface HookProcess {
  /** Asks once, within the time limit. Never rejects. */
  readonly ask: (call: HookCall, signal: AbortSignal) => Promise<HookAnswer>;
  /** Ends what it keeps running, in bounded time. */
  readonly close: () => Promise<void>;
}
