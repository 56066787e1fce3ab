/** Owns `run/pods/<session>.json`: what names the process of a pod for ever (design, section 4). */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../failopen/make-folder.ts';
import { thisProcess } from '../bus/process-identity.ts';

export interface PodFacts {
  readonly session: string;
  readonly entity: string;
  readonly job: string;
  readonly cwd: string;
  readonly writer: string;
  readonly started_at: string;
}

const podsDir = (runDir: string): string => join(runDir, 'pods');
const pathOf = (runDir: string, session: string): string => join(podsDir(runDir), `${session}.json`);

/** @throws a system error; the pod goes on without (G1). */
export const writePodFile = (runDir: string, facts: PodFacts): void => {
  const { host, bootId, pid, pidNamespace, startTicks } = thisProcess();
  makeFolder(podsDir(runDir), 0o700);
  const path = pathOf(runDir, facts.session);
  const process = { host, boot_id: bootId, pid, pid_ns: pidNamespace, start_ticks: startTicks };
  writeFileSync(`${path}.tmp`, JSON.stringify({ ...facts, ...process }), { mode: 0o600 });
  renameSync(`${path}.tmp`, path);
};

export const removePodFile = (runDir: string, session: string): void => {
  rmSync(pathOf(runDir, session), { force: true });
};
