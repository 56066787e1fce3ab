/**
 * Owns what a record says of a pod now: whether it lives, is silent, or is gone (design, section 4).
 *
 * T1. Only somebody of the same host and boot may call a pod lost, or of the same installed system after a reboot; all
 *     others say stale.
 * T2. Silence is measured by the clock of the boot that stands still while the machine sleeps: neither a clock that jumps
 *     nor a suspended laptop makes a pod stale.
 */
import { readFileSync } from 'node:fs';
import { livenessOf, thisProcess } from '../../failopen/process-identity.ts';
import { ENDED_STATUSES, type PodProcess, type PodRecord, type PodStatus } from './pod-record.ts';

/** Silent for so long, a pod is stale. */
export const STALE_AFTER_MS = 30_000;

let machine: string | undefined;

/** Of the installed system (machine-id(5)); empty where there is none. */
const machineId = (): string => {
  try {
    machine ??= readFileSync('/etc/machine-id', 'utf8').trim();
  } catch {
    machine = '';
  }
  return machine;
};

export const thisPodProcess = (): PodProcess => {
  const { host, bootId, pid, pidNamespace, startTicks } = thisProcess();
  return { host, machine_id: machineId(), boot_id: bootId, pid, pid_ns: pidNamespace, start_ticks: startTicks };
};

/** Whether the process of a pod runs; `gone` is certain (T1). */
export const podLiveness = (process: PodProcess): 'alive' | 'gone' | 'elsewhere' => {
  const { host, machine_id, boot_id, pid, pid_ns, start_ticks } = process;
  const here = thisProcess();
  if (host === here.host && boot_id !== here.bootId) {
    return machine_id !== '' && machine_id === machineId() ? 'gone' : 'elsewhere'; // a reboot, or a namesake
  }
  return livenessOf({ host, bootId: boot_id, pid, pidNamespace: pid_ns, startTicks: start_ticks });
};

const silentMs = ({ beat }: PodRecord): number => Number(process.hrtime.bigint() / 1_000_000n) - beat.mono_ms;

/** `lost`: its process is gone without a word; whoever sees that closes it. */
export const statusOf = (record: PodRecord): PodStatus => {
  if (record.end !== null) return record.end.status;
  const liveness = podLiveness(record.process);
  if (liveness === 'gone') return 'lost';
  if (liveness === 'elsewhere') {
    const seenMs = Date.now() - Date.parse(record.beat.at); // another boot's clock means nothing here
    return seenMs < STALE_AFTER_MS ? record.beat.status : 'stale';
  }
  return silentMs(record) < STALE_AFTER_MS ? record.beat.status : 'stale'; // T2
};

/**
 * Whether no attempt of the pod follows: the last one has ended, or its supervisor is gone. Between two attempts a record
 * has an end, and the pod lives.
 */
export const isOver = (record: PodRecord): boolean => {
  const { end, attempt, attempts } = record;
  if (end === null) return false;
  if (end.status !== 'failed' || attempt >= attempts) return true;
  return podLiveness(record.process) !== 'alive';
};

/** It has not ended, as far as anybody here can tell. */
export const isLiving = (status: PodStatus): boolean => !ENDED_STATUSES.some((ended) => ended === status);
