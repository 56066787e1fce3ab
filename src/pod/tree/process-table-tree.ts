/**
 * Owns the tree of a pod where the system gives nothing better than its process table: the marker in the environment,
 * parents, groups and sessions, looked at every 250 ms while programs run.
 *
 * It cannot catch a process that, between two looks, cleaned its environment, made a session of its own *and* lost its
 * parent (a daemon that forks twice from `env -i`): nothing of it tells whose it is. Where there is no /proc (not Linux)
 * only the groups of the programs that were started are known.
 */
import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { endEach, killEach, type Processes, signalEach } from './end-tree.ts';
import type { PodTree, ProgramStart } from './pod-tree.ts';
import { type Look, type Member, ProcessTable } from './process-table.ts';
import { listPids, type ProcessRow, trySignal } from './process-row.ts';
import { pathIds, TREE_VARIABLE } from './tree-path.ts';

export interface TableTreeOptions {
  readonly session: string;
  readonly path: string;
  /** Of the supervisor: nothing that started before it can belong to it. */
  readonly sinceTicks: number;
}

const FIRST_LOOK_MS = 10;
const LOOK_EVERY_MS = 250;
/** Looks take at most this part of the time, however short programs are and however many run on the machine. */
const LOOK_SHARE = 0.05;

const signalGroup = ({ pid }: ProcessRow, signal: NodeJS.Signals): void => {
  trySignal(-pid, signal);
};

/** Looks at the table while it has members, often after a start: that is when daemons get away. */
class Tracker {
  readonly #table: ProcessTable;
  #timer: NodeJS.Timeout | undefined;
  #waitMs = FIRST_LOOK_MS;

  constructor(table: ProcessTable) {
    this.#table = table;
  }

  start(): void {
    this.#waitMs = FIRST_LOOK_MS;
    this.#timer ??= this.#plan(FIRST_LOOK_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #plan(waitMs: number): NodeJS.Timeout {
    return setTimeout(() => this.#look(), waitMs).unref();
  }

  #look(): void {
    const startedAtMs = performance.now();
    const isAnybodyThere = this.#table.look('quick').length > 0;
    const tookMs = performance.now() - startedAtMs;
    this.#waitMs = Math.min(2 * this.#waitMs, LOOK_EVERY_MS);
    this.#timer = isAnybodyThere ? this.#plan(Math.max(this.#waitMs, tookMs / LOOK_SHARE)) : undefined;
  }
}

export interface TableView {
  readonly look: (kind: Look) => readonly Member[];
}

/** The members that are in the tree `id`. */
export const viewOf = (table: ProcessTable, id: string): TableView => ({
  look: (kind) => table.look(kind).filter(({ path }) => pathIds(path).includes(id)),
});

export const markedEnv = (program: ProgramStart, path: string): ProgramStart => ({
  ...program,
  env: { ...program.env, [TREE_VARIABLE]: path },
});

/** Counts up from 1. */
export const countCalls = (): (() => number) => {
  let count = 0;
  return () => (count += 1);
};

export const callId = (call: number, of: string): string => `call-${call}-${of}`;

interface Place {
  readonly table: ProcessTable;
  readonly tracker: Tracker;
  readonly id: string;
  readonly path: string;
  /** Number of the next branch. */
  readonly nextCall: () => number;
}

const treeAt = (place: Place, remove: () => void): PodTree => {
  const { table, tracker, id, path } = place;
  const processes: Processes = { ...viewOf(table, id), ...(listPids() === undefined ? { signal: signalGroup } : {}) };
  const wrap = (program: ProgramStart): ProgramStart => markedEnv(program, path);
  return {
    kind: { kind: 'process table' },
    wrap,
    spawn: (program: ProgramStart, options: SpawnOptions): ChildProcess => {
      const { file, args, cwd, env } = wrap(program);
      const child = spawn(file, [...args], { ...options, cwd, env });
      if (child.pid === undefined) return child;
      table.adopt(child.pid, path);
      tracker.start();
      return child;
    },
    branch: () => {
      const branch = callId(place.nextCall(), id);
      return treeAt({ ...place, id: branch, path: `${path}/${branch}` }, () => undefined);
    },
    members: () => processes.look('whole').map(({ pid }) => pid),
    signalAll: (signal) => signalEach(processes, signal),
    end: ({ graceMs }) => endEach(processes, graceMs),
    killNow: () => killEach(processes),
    remove: async () => remove(),
  };
};

export const openTableTree = ({ session, path, sinceTicks }: TableTreeOptions): PodTree => {
  const table = new ProcessTable({ session, path, id: session, sinceTicks });
  const tracker = new Tracker(table);
  return treeAt({ table, tracker, id: session, path, nextCall: countCalls() }, () => tracker.stop());
};
