/** Owns what a service has to tell of itself, so that starting, ending and looking are the same for all of them. */
import type { ServiceName } from '../config/services/service-state.ts';
import type { Secret } from '../model/secret.ts';

/** Where programs are looked for. */
export interface Surroundings {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface ConfigOptions {
  readonly port: number;
  readonly secret: Secret;
  /** Absolute; also the folder that the service runs in. */
  readonly dataDir: string;
}

/**
 * `ready`: it does what it is asked. `busy`: it answers that it is not ready yet. `silent`: no answer in time, or nobody
 * listens. `stranger`: what answers does not know the secret, so it is not the service that was started.
 */
export type Answer = 'ready' | 'busy' | 'silent' | 'stranger';

export interface ProbeOptions {
  readonly port: number;
  readonly secret: Secret;
  readonly withinMs: number;
}

export interface ServiceKind {
  readonly name: ServiceName;
  /** What the system calls its process (`comm`). */
  readonly programs: readonly string[];
  /** Path of the program; `undefined`: it is not installed. */
  readonly find: (around: Surroundings) => string | undefined;
  /** In one sentence each: what is missing, and how it is installed. */
  readonly missing: { readonly what: string; readonly remedy: string };
  /** Text of its configuration; the secret stands in it, and nowhere else. */
  readonly config: (options: ConfigOptions) => string;
  readonly configFile: string;
  readonly args: (configPath: string) => readonly string[];
  /** Of its process, besides what every service is passed. */
  readonly env: Readonly<Record<string, string>>;
  /** Without the secret. */
  readonly urlOf: (port: number) => string;
  /** Who the secret belongs to, as a URL names it. */
  readonly user: string;
  /** Never rejects. */
  readonly probe: (options: ProbeOptions) => Promise<Answer>;
}
