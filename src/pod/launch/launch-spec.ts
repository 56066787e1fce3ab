/**
 * Owns what a pod was asked to do: `run/launch/<session>.json`. A detached supervisor is given it, and a restart begins
 * from it. It holds inputs as they were given, for the user's eyes alone (0600), and goes with the pod's record.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolder } from '../../failopen/make-folder.ts';
import { entityIdSchema, type SessionId, sessionIdSchema } from '../../model/id.ts';

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
  inputs: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  parent: entityIdSchema.nullable(),
  entity: entityIdSchema,
  /** An attempt of an entity that is on the bus: its number. */
  resume_attempt: z.int().min(1).nullable(),
  called_in: z.string(),
  tmux: z.string().nullable(),
  may_wait: z.boolean(),
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

export const specPath = (runDir: string, session: string): string => join(launchDir(runDir), `${session}.json`);
/** What a detached supervisor printed: nothing, unless nika has a bug. */
export const errorsPath = (runDir: string, session: string): string => join(launchDir(runDir), `${session}.err`);
export const answerPath = (runDir: string, session: string): string => join(launchDir(runDir), `${session}.answer`);

/** @throws a system error */
export const writeSpec = (runDir: string, spec: LaunchSpec): void => {
  makeFolder(launchDir(runDir), DIR_MODE);
  writeFileSync(specPath(runDir, spec.session), `${JSON.stringify(spec)}\n`, { mode: FILE_MODE });
};

/** `undefined`: there is none, or none that can be read. */
export const readSpec = (runDir: string, session: SessionId): LaunchSpec | undefined => {
  try {
    const parsed = launchSpecSchema.safeParse(JSON.parse(readFileSync(specPath(runDir, session), 'utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined; // pruned, or of a pod that could not write
  }
};

export const removeSpec = (runDir: string, session: string): void => {
  const paths = [specPath(runDir, session), answerPath(runDir, session), errorsPath(runDir, session)];
  for (const path of paths) rmSync(path, { force: true });
};
