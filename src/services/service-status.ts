/** Owns how a service stands, by its note, its process and its answer. Changes nothing. */
import { readFileSync } from 'node:fs';
import {
  livenessOfService,
  readServiceSecret,
  readServiceState,
  type ServiceState,
} from '../config/services/service-state.ts';
import { dataDirOf, sizeOfFolder } from './service-files.ts';
import type { Answer, ServiceKind } from './service-kind.ts';

export type ServiceStatus =
  /** It was never started in this home. */
  | { readonly kind: 'none' }
  /** `running`: it serves. `loading`: it reads its data. `hung`: its process lives and does not answer. */
  | { readonly kind: 'running' | 'loading' | 'hung'; readonly state: ServiceState }
  /** Its process ended without `nika down`. */
  | { readonly kind: 'died'; readonly state: ServiceState }
  | { readonly kind: 'stopped'; readonly state: ServiceState }
  /** Another host, or container, with the same home runs it; only that one can tell more. */
  | { readonly kind: 'elsewhere'; readonly state: ServiceState };

const PROBE_MS = 500;

const KIND_OF: Readonly<Record<Answer, 'running' | 'loading' | 'hung'>> = {
  ready: 'running',
  busy: 'loading',
  silent: 'hung',
  stranger: 'hung',
};

/** Never rejects; answers within the time, by default half a second. */
export const readServiceStatus = async (
  kind: ServiceKind,
  runDir: string,
  withinMs = PROBE_MS,
): Promise<ServiceStatus> => {
  const state = readServiceState(runDir, kind.name);
  if (state === undefined) return { kind: 'none' };
  if (state.ended_at !== null) return { kind: 'stopped', state };
  const liveness = livenessOfService(state);
  if (liveness !== 'alive') return { kind: liveness === 'gone' ? 'died' : 'elsewhere', state };
  const secret = readServiceSecret(runDir, kind.name);
  if (secret === undefined) return { kind: 'hung', state };
  const answer = await kind.probe({ port: state.port, secret, withinMs });
  return { kind: KIND_OF[answer], state };
};

/** Memory of a process in bytes; `undefined`: it is gone, or the system does not tell. */
export const residentBytes = (pid: number): number | undefined => {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  } catch {
    return undefined;
  }
};

export const dataBytes = (kind: ServiceKind, runDir: string): number => sizeOfFolder(dataDirOf(runDir, kind.name));
