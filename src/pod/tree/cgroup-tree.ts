/**
 * Owns the tree of a pod that is held together by a cgroup: whatever a program does with its session, group, parents or
 * environment, it and what it starts stay inside. One cgroup for the session, one for each running tool call below it.
 *
 * C1. A program is inside before its first instruction, by way of a shell that enters and then becomes the program.
 * C2. What the shell would change (the environment) or could not tell (a program that is not there) does not go by it.
 * C3. Who left by moving to another cgroup (`systemd-run`), or never came in, is found by the marker in its environment.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import {
  leaveParentTree,
  locateOwnCgroup,
  makeCgroup,
  readProcs,
  removeCgroup,
  removeCgroupSoon,
  tryKillCgroup,
  tryWrite,
} from './cgroup.ts';
import { endEach, killEach, type Processes, signalEach } from './end-tree.ts';
import { findProgram } from './find-program.ts';
import type { PodTree, ProgramStart } from './pod-tree.ts';
import { ProcessTable } from './process-table.ts';
import { readProcess } from './process-row.ts';
import { callId, countCalls, markedEnv, type TableTreeOptions, viewOf } from './process-table-tree.ts';

export interface CgroupTreeOptions extends TableTreeOptions {
  /** Folder of the session's cgroup. */
  readonly cgroup: string;
}

const SHELL = '/bin/sh';
const ENTER = 'echo 0 >"$0/cgroup.procs"';
/** Shells export these of themselves. */
const SHELL_VARIABLES = ['PWD', 'OLDPWD', 'SHLVL'];

let keepsOddNames: boolean | undefined;

/** Shells but bash drop variables with names that are none to them (`BASH_FUNC_x%%`, `npm_config_//host/:_auth`). */
const mayPassShell = (env: Readonly<Record<string, string>>): boolean => {
  if (Object.keys(env).every((name) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name))) return true;
  try {
    keepsOddNames ??= basename(realpathSync(SHELL)) === 'bash';
  } catch {
    return false; // no shell
  }
  return keepsOddNames;
};

/** The program by way of a shell that enters the cgroup first (C1); `undefined`: that is not possible (C2). */
const throughShell = (program: ProgramStart, cgroup: string): ProgramStart | undefined => {
  const found = findProgram(program);
  if (found === undefined || !mayPassShell(program.env)) return undefined;
  const unset = SHELL_VARIABLES.filter((name) => program.env[name] === undefined);
  // A cgroup that cannot be entered (somebody removed it) does not keep the program from its work (G1, C3).
  const script = `{ ${ENTER}; } 2>/dev/null; ${unset.length === 0 ? '' : `unset ${unset.join(' ')}; `}exec "$@"`;
  const isFoundAlike = program.env['PATH'] !== undefined && !program.file.startsWith('-');
  const file = isFoundAlike || program.file.includes('/') ? program.file : found;
  return { ...program, file: SHELL, args: ['-c', script, cgroup, file, ...program.args] };
};

interface Place {
  readonly table: ProcessTable;
  readonly cgroup: string;
  readonly id: string;
  readonly path: string;
  /** Number of the next branch. */
  readonly nextCall: () => number;
}

/** What runs in the cgroup and below it, and who is found outside (C3); never this process. */
const processesOf = ({ table, cgroup, id }: Place): Processes => {
  const view = viewOf(table, id);
  return {
    look: (kind) => {
      const inside = readProcs(cgroup).filter((pid) => pid !== process.pid);
      const rows = inside.flatMap((pid) => readProcess(pid) ?? []).filter((row) => !row.isZombie);
      const pids = new Set(inside);
      return [...rows, ...view.look(kind).filter(({ pid }) => !pids.has(pid))];
    },
    strike: () => {
      stepOutOf(cgroup);
      tryKillCgroup(cgroup);
    },
  };
};

/** Whoever ends the rest of a dead pod from within it (its agent said `nika pod ls`) must not end itself. */
const stepOutOf = (cgroup: string): void => {
  const own = locateOwnCgroup();
  if (own.kind === 'at' && `${own.path}/`.startsWith(`${cgroup}/`)) leaveParentTree();
};

const treeAt = (place: Place, remove: () => Promise<void>): PodTree => {
  const { cgroup, path } = place;
  const processes = processesOf(place);
  const enter = (program: ProgramStart): { readonly started: ProgramStart; readonly isInside: boolean } => {
    const marked = markedEnv(program, path);
    const wrapped = throughShell(marked, cgroup);
    return { started: wrapped ?? marked, isInside: wrapped !== undefined };
  };
  return {
    kind: { kind: 'cgroup', path: cgroup },
    wrap: (program) => enter(program).started,
    spawn: (program, options): ChildProcess => {
      const { started, isInside } = enter(program);
      const { file, args, cwd, env } = started;
      const child = spawn(file, [...args], { ...options, cwd, env });
      // What it started before this line is told by its marker (C3).
      if (child.pid !== undefined && !isInside) tryWrite(join(cgroup, 'cgroup.procs'), String(child.pid));
      return child;
    },
    branch: () => branchOf(place),
    members: () => processes.look('whole').map(({ pid }) => pid),
    signalAll: (signal) => signalEach(processes, signal),
    end: ({ graceMs }) => endEach(processes, graceMs),
    killNow: () => killEach(processes),
    remove,
  };
};

/** A call that leaves programs in the background leaves its cgroup too; that goes with the session's. */
const branchOf = (place: Place): PodTree => {
  const call = place.nextCall();
  const cgroup = join(place.cgroup, `call-${call}`);
  bestEffortSync('pod.cgroup', () => makeCgroup(cgroup)); // without it, its programs are found by their marker (C3)
  const id = callId(call, place.id);
  return treeAt({ ...place, cgroup, id, path: `${place.path}/${id}` }, async () => {
    removeCgroup(cgroup);
  });
};

/** The cgroup has to be there, or nothing of it any more. */
export const openCgroupTree = ({ session, path, sinceTicks, cgroup }: CgroupTreeOptions): PodTree => {
  const table = new ProcessTable({ session, path, id: session, sinceTicks });
  const place = { table, cgroup, id: session, path, nextCall: countCalls() };
  return treeAt(place, () => removeCgroupSoon(cgroup));
};
