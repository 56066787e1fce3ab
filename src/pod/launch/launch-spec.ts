/**
 * Owns what a pod was asked to do: `run/launch/<entity>.json`, the same for all its attempts. A detached supervisor is
 * given it, and a restart begins from it. It holds inputs as they were given, for the user's eyes alone (0600), and goes
 * with the last of the pod's records.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { worktreeOrderSchema } from '../../config/job/worktree-field.ts';
import { makeFolder } from '../../failopen/make-folder.ts';
import { ENTITY_STATES } from '../../model/entity.ts';
import { heldLeaseSchema } from '../../model/held-lease.ts';
import { rejectionSchema } from '../../model/rejection.ts';
import { type EntityId, entityIdSchema, sessionIdSchema } from '../../model/id.ts';

const DIR_MODE = 0o700;
const FILE_MODE = 0o600;

export const launchSpecSchema = z.object({
  v: z.literal(1),
  session: sessionIdSchema,
  /** `file`: absolute. `inline`: a job that has no file (`nika run`), in the form of a job file. */
  job: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('file'), file: z.string() }),
    z.object({ kind: z.literal('inline'), job: z.record(z.string(), z.unknown()) }),
  ]),
  /** What the command line said of the worktree; null: as the job has it. */
  worktree: worktreeOrderSchema.nullable().default(null),
  inputs: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  parent: entityIdSchema.nullable(),
  entity: entityIdSchema,
  /** The entity is on the bus, and goes on with its next attempt. */
  resumes: z.boolean(),
  called_in: z.string(),
  tmux: z.string().nullable(),
  may_wait: z.boolean(),
  /** It was rejected in review, and is done again. */
  rejected: rejectionSchema.optional(),
  /** Of a job that a worker took: the pod keeps it, and settles it before it says how the job ended. */
  lease: heldLeaseSchema.nullable().default(null),
  /** How the job stands, where its channel is in another home, or behind. */
  standing: z
    .object({ state: z.enum(ENTITY_STATES), rev: z.int(), attempt: z.int().min(0) })
    .nullable()
    .default(null),
  /** To which its parent belongs, where that is in another home. */
  root: entityIdSchema.nullable().default(null),
  /** Tries in all; null: as the job says. */
  attempts: z.int().min(1).nullable().default(null),
});

export type LaunchSpec = z.infer<typeof launchSpecSchema>;

/** What a detached supervisor says of its start. */
export const launchAnswerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('started') }),
  z.object({ kind: z.literal('queued'), why: z.string() }),
  z.object({
    kind: z.literal('refused'),
    code: z.string(),
    message: z.string(),
    remedy: z.string(),
    subject: z.string().nullable(),
  }),
]);
export type LaunchAnswer = z.infer<typeof launchAnswerSchema>;

const launchDir = (runDir: string): string => join(runDir, 'launch');

export const specPath = (runDir: string, entity: string): string => join(launchDir(runDir), `${entity}.json`);
/** What a detached supervisor printed: nothing, unless nika has a bug. */
export const errorsPath = (runDir: string, session: string): string => join(launchDir(runDir), `${session}.err`);
const envPath = (runDir: string, session: string): string => join(launchDir(runDir), `${session}.env`);
export const answerPath = (runDir: string, session: string): string => join(launchDir(runDir), `${session}.answer`);

/** @throws a system error */
export const writeSpec = (runDir: string, spec: LaunchSpec): void => {
  makeFolder(launchDir(runDir), DIR_MODE);
  writeFileSync(specPath(runDir, spec.entity), `${JSON.stringify(spec)}\n`, { mode: FILE_MODE });
};

/** `undefined`: there is none, or none that can be read. */
export const readSpec = (runDir: string, entity: EntityId): LaunchSpec | undefined => {
  try {
    const parsed = launchSpecSchema.safeParse(JSON.parse(readFileSync(specPath(runDir, entity), 'utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined; // pruned, or of a pod that could not write
  }
};

/** Of a session: what its start left behind. */
export const removeStart = (runDir: string, session: string): void => {
  const paths = [answerPath(runDir, session), errorsPath(runDir, session), envPath(runDir, session)];
  for (const path of paths) rmSync(path, { force: true });
};

/** Nobody will start the pod again. */
export const removeSpec = (runDir: string, entity: string): void => {
  rmSync(specPath(runDir, entity), { force: true });
};

/**
 * The environment of a supervisor that cannot be given one: what stands in the arguments of a command is for all to read.
 * @throws a system error
 */
export const writeEnv = (runDir: string, session: string, env: Readonly<Record<string, string>>): void => {
  writeFileSync(envPath(runDir, session), JSON.stringify(env), { mode: FILE_MODE });
};

/** Reads and removes it. @throws where it is not there */
export const takeEnv = (runDir: string, session: string): Readonly<Record<string, string>> => {
  const text = readFileSync(envPath(runDir, session), 'utf8');
  rmSync(envPath(runDir, session));
  return z.record(z.string(), z.string()).parse(JSON.parse(text));
};
