/** Owns what a pod can do with all processes that were started for it, whatever they did to get away. */
import type { TreeKind } from '../registry/pod-record.ts';

export interface ProgramStart {
  readonly file: string;
  readonly args: readonly string[];
}

/** The processes of one session, but for the supervisor itself. */
export interface PodTree {
  readonly kind: TreeKind;
  /** What to spawn so that the program belongs to the tree from its first instruction on. */
  readonly wrap: (program: ProgramStart) => ProgramStart;
  /** Processes that run now; zombies do not count. */
  readonly members: () => readonly number[];
  /** Sends a signal to each of them, again while new ones appear. */
  readonly signalAll: (signal: NodeJS.Signals) => void;
  /** SIGTERM and SIGCONT, then SIGKILL to what still runs after the grace. Resolves with the number that is still there. */
  readonly end: (options: { readonly graceMs: number }) => Promise<number>;
  /** Takes away what the tree needs itself (an empty cgroup). */
  readonly remove: () => Promise<void>;
}
