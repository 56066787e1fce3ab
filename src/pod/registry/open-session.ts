/**
 * Owns `run/sessions/<session>.json`: which sessions of Alpha and of workers have not ended. One that was killed leaves its
 * own, and is closed by whoever runs next (`lost-session`).
 */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolder } from '../../failopen/make-folder.ts';
import { nikaMetaSchema } from '../../model/envelope.ts';
import { sessionIdSchema } from '../../model/id.ts';
import { podProcessSchema } from './pod-record.ts';

const openSessionSchema = z.object({
  v: z.literal(1),
  session: sessionIdSchema,
  /** Its writer on the bus. */
  writer: z.string(),
  /** Of its own JOB. */
  meta: nikaMetaSchema,
  process: podProcessSchema,
  started_at: z.string(),
});
export type OpenSession = z.infer<typeof openSessionSchema>;

const DIR_MODE = 0o700;
const FILE_MODE = 0o600;
const ENDING = '.json';

const sessionsDir = (runDir: string): string => join(runDir, 'sessions');
const pathOf = (runDir: string, session: string): string => join(sessionsDir(runDir), `${session}${ENDING}`);

/** @throws a system error */
export const writeOpenSession = (runDir: string, open: OpenSession): void => {
  makeFolder(sessionsDir(runDir), DIR_MODE);
  const path = pathOf(runDir, open.session);
  writeFileSync(`${path}.new`, `${JSON.stringify(open)}\n`, { mode: FILE_MODE });
  renameSync(`${path}.new`, path);
};

export const removeOpenSession = (runDir: string, session: string): void => {
  for (const ending of ['', '.new']) rmSync(`${pathOf(runDir, session)}${ending}`, { force: true });
};

export const isOpenSession = (runDir: string, session: string): boolean => existsSync(pathOf(runDir, session));

const tryRead = (path: string): OpenSession | undefined => {
  try {
    return openSessionSchema.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data;
  } catch {
    return undefined; // gone since the listing
  }
};

export const readOpenSessions = (runDir: string): readonly OpenSession[] => {
  try {
    const names = readdirSync(sessionsDir(runDir)).filter((name) => name.endsWith(ENDING));
    return names.flatMap((name) => tryRead(join(sessionsDir(runDir), name)) ?? []);
  } catch {
    return []; // neither Alpha nor a worker has run here yet
  }
};
