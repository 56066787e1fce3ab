/** Owns what a pod can do with all processes that were started for it, whatever they did to get away. */
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import type { TreeKind } from '../registry/pod-record.ts';

export interface ProgramStart {
  readonly file: string;
  readonly args: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  /** Complete. */
  readonly env: Readonly<Record<string, string>>;
}

/** The processes of one session, or of one tool call of it, but for the supervisor itself. */
export interface PodTree {
  readonly kind: TreeKind;
  /**
   * What somebody else is to start (tmux, say) so that the program belongs to the tree from its first instruction on.
   * A program that cannot be started stays as it is: its start fails as it would without a tree.
   */
  readonly wrap: (program: ProgramStart) => ProgramStart;
  /** Starts the program in the tree; `error` of the child tells where it cannot be started. @throws a system error such as E2BIG. */
  readonly spawn: (program: ProgramStart, options: SpawnOptions) => ChildProcess;
  /** The tree of one tool call, inside of this one. */
  readonly branch: () => PodTree;
  /** Processes that run now, stopped ones too; zombies do not count. */
  readonly members: () => readonly number[];
  /** Sends a signal to each of them, again while new ones appear. */
  readonly signalAll: (signal: NodeJS.Signals) => void;
  /** SIGTERM and SIGCONT, then SIGKILL to what still runs after the grace. Resolves with the number that is still there. */
  readonly end: (options: { readonly graceMs: number }) => Promise<number>;
  /** SIGKILL to all of them before it returns: for a process that has to end at once (a second Ctrl-C). */
  readonly killNow: () => void;
  /** Takes away what the tree needs itself (an empty cgroup, a timer). Programs that still run keep running. */
  readonly remove: () => Promise<void>;
}

/** One sentence for a person: what is in force, and what it cannot catch. */
export const describeTree = (kind: TreeKind): string =>
  kind.kind === 'cgroup'
    ? `cgroup ${kind.path}; not caught: a process that moved itself to another cgroup and cleaned its environment`
    : process.platform === 'linux'
      ? 'process table; not caught: a process that left its session, its parents and its environment behind between two looks (250 ms)'
      : 'process groups; not caught: a process that left the group of the program that started it';
