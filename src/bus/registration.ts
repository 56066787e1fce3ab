/**
 * Owns `run/writers/<writer>.json`: which processes have the bus open, and which file each holds as the alpha bus.
 * A full segment is compressed only when no registered writer that may live still holds it.
 */
import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolder } from '../failopen/make-folder.ts';
import { DIR_MODE, FILE_MODE } from './layout.ts';

const registrationSchema = z.object({
  writer: z.string(),
  host: z.string(),
  boot_id: z.string(),
  pid: z.int(),
  pid_ns: z.string(),
  start_ticks: z.string(),
  alpha_ino: z.number().nullable(),
});

/** `host`, `boot_id`, `pid_ns`, `pid` and `start_ticks` name one process for ever (design, section 4). */
export type Registration = z.infer<typeof registrationSchema>;

const writersDir = (runDir: string): string => join(runDir, 'writers');
const fileOf = (runDir: string, writer: string): string => join(writersDir(runDir), `${writer}.json`);

/** @throws a system error; the caller goes on without (best effort). */
export const writeRegistration = (runDir: string, registration: Registration): void => {
  makeFolder(writersDir(runDir), DIR_MODE);
  const path = fileOf(runDir, registration.writer);
  writeFileSync(`${path}.tmp`, JSON.stringify(registration), { mode: FILE_MODE });
  renameSync(`${path}.tmp`, path);
};

export const removeRegistration = (runDir: string, writer: string): void => {
  rmSync(fileOf(runDir, writer), { force: true });
};

/** When the writer registered last, milliseconds since 1970; 0: it has left meanwhile. */
export const registeredAtMs = (runDir: string, writer: string): number =>
  statSync(fileOf(runDir, writer), { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** All that are registered; files that are none are passed over. */
export const readRegistrations = (runDir: string): readonly Registration[] => {
  let names: string[];
  try {
    names = readdirSync(writersDir(runDir));
  } catch {
    return []; // no writer has registered yet
  }
  return names.flatMap((name) => {
    if (!name.endsWith('.json')) return [];
    try {
      return [registrationSchema.parse(JSON.parse(readFileSync(join(writersDir(runDir), name), 'utf8')))];
    } catch {
      return []; // gone since the listing, or not ours
    }
  });
};
