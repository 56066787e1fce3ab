/**
 * Owns who belongs to a tree by what the process table says.
 *
 * M1. A process is a member if its environment says so, else if its parent, or the leader of its group or session, is
 *     or was one. Once a member it stays one until its end, whatever it changes.
 * M2. A process whose environment names another tree and not this one is none, nor is what descends from it: a detached
 *     pod. A pod in the foreground names both. It stays none, also when it writes over its environment, as servers do
 *     that set their title.
 * M3. A member is a pid with its start time; the pid alone says nothing.
 */
import { uptime } from 'node:os';
import { claimOf, pathIds } from './tree-path.ts';
import { listPids, type ProcessRow, readEnviron, readProcess, trySignal } from './process-row.ts';

export interface Member extends ProcessRow {
  /** The trees that it is in. */
  readonly path: string;
}

interface Candidate extends ProcessRow {
  /** The path that it says; `null`: of another tree; `undefined`: it says nothing. */
  readonly claimed: string | null | undefined;
}

export interface ProcessTableOptions {
  /** Of the pod: what processes say that have a session but no path. */
  readonly session: string;
  readonly path: string;
  /** The id in the path that makes a process a member of the whole table. */
  readonly id: string;
  /** Nothing that started before can belong to it. */
  readonly sinceTicks: number;
}

/**
 * - `quick`: what was judged before is not read again; a pid that was given to another process in the
 *   meantime may be missed.
 * - `whole`: the start time of everything is read.
 */
export type Look = 'quick' | 'whole';

/** A process that is just being started has the environment of its parent: it is judged again until it is 1 s old. */
const YOUNG_TICKS = 100;
/** In which /proc counts, on every Linux. */
const TICKS_PER_S = 100;

export class ProcessTable {
  readonly #options: ProcessTableOptions;
  #members = new Map<number, Member>();
  /** Groups and sessions that a member leads or led, with the trees they are in. */
  readonly #led = new Map<number, string>();
  /** Pids of those that are no members and never will be, with their start ticks. */
  readonly #others = new Map<number, number>();

  /** Pids of those that named another tree, with their start ticks (M2). */
  readonly #foreign = new Map<number, number>();

  constructor(options: ProcessTableOptions) {
    this.#options = options;
  }

  /** A program that was just started is a member whatever its environment says. */
  adopt(pid: number, path: string): void {
    const row = readProcess(pid);
    // Without /proc, its group is all that is known of it.
    this.#join(row ?? { pid, ppid: process.pid, pgid: pid, sid: pid, startTicks: 0, isZombie: false }, path);
  }

  /** Those that run now. */
  look(kind: Look): readonly Member[] {
    const pids = listPids();
    if (pids === undefined) return this.#lookAtGroups();
    const unknown = this.#readAll(pids, kind);
    let joined: number;
    do {
      joined = 0; // a child may have a smaller pid than its parent, so once through is not enough
      for (const row of unknown.values()) {
        const path = this.#judge(row);
        if (path === undefined) continue;
        this.#join(row, path);
        unknown.delete(row.pid);
        joined += 1;
      }
    } while (joined > 0);
    this.#forget(new Set(pids), unknown);
    return [...this.#members.values()].filter((member) => !member.isZombie);
  }

  /** Reads again the members, and reads whom it does not know. Gives the latter. */
  #readAll(pids: readonly number[], kind: Look): Map<number, Candidate> {
    const before = this.#members;
    this.#members = new Map();
    const unknown = new Map<number, Candidate>();
    for (const pid of pids) {
      const other = this.#others.get(pid);
      if (pid === process.pid || (other !== undefined && kind === 'quick')) continue;
      const row = readProcess(pid);
      if (row === undefined || row.startTicks === other) continue; // M3
      if (row.startTicks < this.#options.sinceTicks) {
        this.#others.set(pid, row.startTicks);
        continue;
      }
      const known = before.get(pid);
      const claimed = this.#claimedBy(row);
      if (known?.startTicks !== row.startTicks) unknown.set(pid, { ...row, claimed }); // M3
      else if (claimed !== null) this.#join(row, known.path); // M1
      // A detached supervisor says whose it is only from its exec on: until then it looks like its parent (M2).
    }
    return unknown;
  }

  #claimedBy({ pid, startTicks }: ProcessRow): Candidate['claimed'] {
    const { id, session, path } = this.#options;
    const claim = claimOf(readEnviron(pid));
    if (claim.path !== '') {
      if (pathIds(claim.path).includes(id)) return claim.path;
      this.#foreign.set(pid, startTicks);
      return null;
    }
    if (this.#foreign.get(pid) === startTicks) return null; // M2
    return claim.session === session ? path : undefined;
  }

  #judge(row: Candidate): string | undefined {
    if (row.claimed !== undefined) return row.claimed ?? undefined;
    return this.#members.get(row.ppid)?.path ?? this.#led.get(row.pgid) ?? this.#led.get(row.sid); // M1
  }

  #join(row: ProcessRow, path: string): void {
    const { pid, pgid, sid, ppid, startTicks, isZombie } = row;
    this.#members.set(pid, { pid, pgid, sid, ppid, startTicks, isZombie, path });
    if (pgid === pid || sid === pid) this.#led.set(pid, path);
  }

  /** A group of which nobody is left may be another's next time (M3), as may a pid. */
  #forget(living: ReadonlySet<number>, unknown: ReadonlyMap<number, ProcessRow>): void {
    const inUse = new Set([...this.#members.values()].flatMap(({ pgid, sid }) => [pgid, sid]));
    for (const id of this.#led.keys()) if (!inUse.has(id)) this.#led.delete(id);
    for (const known of [this.#others, this.#foreign])
      for (const pid of known.keys()) if (!living.has(pid)) known.delete(pid);
    const oldTicks = uptime() * TICKS_PER_S - YOUNG_TICKS;
    for (const { pid, startTicks } of unknown.values()) if (startTicks < oldTicks) this.#others.set(pid, startTicks);
  }

  /** No /proc: a program stands for its whole group. */
  #lookAtGroups(): readonly Member[] {
    for (const pid of this.#members.keys()) if (!trySignal(-pid, 0)) this.#members.delete(pid);
    return [...this.#members.values()];
  }
}
