/** Owns which means holds a pod's processes together on this machine. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { startTicksOf } from '../../failopen/process-identity.ts';
import type { TreeKind } from '../registry/pod-record.ts';
import { cgroupNameOf, isCgroupOf, type Located, locateOwnCgroup, tryMakeCgroup } from './cgroup.ts';
import { openCgroupTree } from './cgroup-tree.ts';
import type { PodTree } from './pod-tree.ts';
import { openTableTree } from './process-table-tree.ts';
import { pathOfPod } from './tree-path.ts';

export interface OpenTreeOptions {
  readonly session: string;
  /** False: the process table is used also where a cgroup could be made. */
  readonly allowCgroup: boolean;
  /** Environment of the supervisor: it says which pod started this one. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told why there is no cgroup. */
  readonly onFallback?: (why: string) => void;
}

const ownStartTicks = (): number => Number(startTicksOf(process.pid));

/** The cgroup of the session, made below that of this process; `none`: the machine or this user's rights do not give one. */
export const tryMakeSessionCgroup = (session: string): Located => {
  const own = locateOwnCgroup();
  return own.kind === 'none' ? own : tryMakeCgroup(join(own.path, cgroupNameOf(session)));
};

/** The tree of a pod that starts: a cgroup where that is possible, else what the process table tells. */
export const openTree = ({ session, allowCgroup, env, onFallback }: OpenTreeOptions): PodTree => {
  const tree = { session, path: pathOfPod(session, env), sinceTicks: ownStartTicks() };
  const cgroup: Located = allowCgroup ? tryMakeSessionCgroup(session) : { kind: 'none', why: 'switched off' };
  if (cgroup.kind === 'at') return openCgroupTree({ ...tree, cgroup: cgroup.path });
  onFallback?.(cgroup.why);
  return openTableTree(tree);
};

/** The tree of one tool call that no pod makes. */
export const openCallTree = (env: Readonly<Record<string, string | undefined>>): PodTree => {
  const session = `call-${randomUUID()}`;
  return openTableTree({ session, path: pathOfPod(session, env), sinceTicks: ownStartTicks() });
};

export interface TreeOfOptions {
  readonly session: string;
  /** Start ticks of the supervisor that died, from its record; 0 where it has none. */
  readonly sinceTicks: number;
}

/** The tree of a pod of this host and boot that died, to end what is left of it. */
export const treeOf = (kind: TreeKind, { session, sinceTicks }: TreeOfOptions): PodTree => {
  const tree = { session, path: session, sinceTicks };
  const isCgroup = kind.kind === 'cgroup' && isCgroupOf(kind.path, session);
  return isCgroup ? openCgroupTree({ ...tree, cgroup: kind.path }) : openTableTree(tree);
};
