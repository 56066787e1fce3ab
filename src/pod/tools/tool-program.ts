/** Owns the programs that tool calls of this process run: how they are started, and that none outlives a sudden end. */
import type { ChildProcess } from 'node:child_process';
import type { PodTree, ProgramStart } from '../tree/pod-tree.ts';

export interface ToolProgram extends ProgramStart {
  /** Of the call that starts it. */
  readonly tree: PodTree;
  /** `closed`: reads end at once (`/dev/null`). */
  readonly stdin: 'closed' | 'pipe';
}

const living = new Set<PodTree>();

/**
 * Starts the program in a session and process group of its own; `error` of the child tells where it cannot be started.
 * @throws a system error such as E2BIG.
 */
export const spawnProgram = ({ tree, stdin, ...program }: ToolProgram): ChildProcess => {
  const stdio = [stdin === 'pipe' ? 'pipe' : 'ignore', 'pipe', 'pipe'] as const;
  const child = tree.spawn(program, { detached: true, stdio: [...stdio] });
  if (child.pid !== undefined) {
    living.add(tree);
    child.once('exit', () => living.delete(tree));
  }
  return child;
};

/** SIGKILL to all that the running calls started: for a process that has to end at once (a second Ctrl-C). */
export const killLivingPrograms = (): void => {
  for (const tree of living) tree.killNow();
};
