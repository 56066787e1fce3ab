/**
 * Owns the form of `run/services/<name>.json`, the note on a service that `nika up` started, and how it is read. No
 * password stands in it: that is in a file of its own, so that this one can be shown to anybody.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { livenessOf } from '../../failopen/process-identity.ts';
import { Secret } from '../../model/secret.ts';

export const SERVICE_NAMES = ['redis', 'qdrant'] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

const processSchema = z.object({
  host: z.string(),
  boot_id: z.string(),
  pid: z.int().min(2),
  pid_ns: z.string(),
  /** A pid is given again to others; together with the boot these never are. */
  start_ticks: z.string(),
});

export const serviceStateSchema = z.object({
  v: z.literal(1),
  service: z.enum(SERVICE_NAMES),
  /** Path of the program. */
  program: z.string(),
  process: processSchema,
  /** Without the password. */
  url: z.string(),
  /** On 127.0.0.1. */
  port: z.int().min(1).max(65_535),
  log: z.string(),
  started_at: z.string(),
  /** Set by `nika down`; null: it runs, or it died. */
  ended_at: z.string().nullable(),
});

/** Times are ISO 8601, paths absolute. */
export type ServiceState = z.infer<typeof serviceStateSchema>;

export const servicesDir = (runDir: string): string => join(runDir, 'services');
export const statePath = (runDir: string, name: ServiceName): string => join(servicesDir(runDir), `${name}.json`);
/** Holds what belongs to one service: `data/`, its configuration, its log, its secret. */
export const serviceDir = (runDir: string, name: ServiceName): string => join(servicesDir(runDir), name);
export const secretPath = (runDir: string, name: ServiceName): string => join(serviceDir(runDir, name), 'secret');

/** `undefined`: it was never started here, or the note cannot be read. */
export const readServiceState = (runDir: string, name: ServiceName): ServiceState | undefined => {
  try {
    const parsed = serviceStateSchema.safeParse(JSON.parse(readFileSync(statePath(runDir, name), 'utf8')));
    return parsed.success && parsed.data.service === name ? parsed.data : undefined;
  } catch {
    return undefined; // no such file, nearly always
  }
};

/** What the service asks for; `undefined`: there is none yet. */
export const readServiceSecret = (runDir: string, name: ServiceName): Secret | undefined => {
  try {
    const text = readFileSync(secretPath(runDir, name), 'utf8').trim();
    return text === '' ? undefined : new Secret(text);
  } catch {
    return undefined; // none yet, or somebody else's
  }
};

/** Whether the very process that was started still lives; `elsewhere`: only its own host can tell. */
export const livenessOfService = ({ process: { host, boot_id, pid, pid_ns, start_ticks } }: ServiceState) =>
  livenessOf({ host, bootId: boot_id, pid, pidNamespace: pid_ns, startTicks: start_ticks });

/** Whether its process is gone although nobody said `nika down`. */
export const hasDied = (runDir: string, name: ServiceName): boolean => {
  const state = readServiceState(runDir, name);
  return state?.ended_at === null && livenessOfService(state) === 'gone';
};
