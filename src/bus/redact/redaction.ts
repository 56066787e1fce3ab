/**
 * Owns `run/redactions/<id>.json`: a redaction that is not done everywhere yet, so that whoever runs next goes on with it.
 * It holds no body: what stands there is what comes in its place.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { syncFolder } from '../pack-file.ts';
import { lineTargetSchema } from './target.ts';
import { makeFolder } from '../../failopen/make-folder.ts';

/** In this order. */
export const REDACTION_STEPS = ['files', 'redis', 'qdrant'] as const;
export type RedactionStep = (typeof REDACTION_STEPS)[number];

const redactionSchema = z.object({
  v: z.literal(1),
  redaction: z.string().regex(/^[a-z0-9]{1,40}$/),
  reason: z.string(),
  by: z.string(),
  at: z.string(),
  lines: z.array(lineTargetSchema),
  /** SHA-256 of bodies that go. */
  blobs: z.array(z.string().regex(/^[0-9a-f]{64}$/)),
  /** Whether its `redaction` lines stand on the bus. */
  announced: z.boolean(),
  /** Steps that are not done. */
  open: z.array(z.enum(REDACTION_STEPS)),
});

export type Redaction = z.infer<typeof redactionSchema>;

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

const redactionsDir = (runDir: string): string => join(runDir, 'redactions');
const pathOf = (runDir: string, redaction: string): string => join(redactionsDir(runDir), `${redaction}.json`);

/** On stable storage. @throws a system error: a full disk. */
export const writeRedaction = async (runDir: string, redaction: Redaction): Promise<void> => {
  makeFolder(redactionsDir(runDir), FOLDER_MODE);
  const path = pathOf(runDir, redaction.redaction);
  const temp = `${path}.tmp`;
  try {
    await using file = await open(temp, 'w', FILE_MODE);
    await file.writeFile(JSON.stringify(redaction));
    await file.sync();
  } catch (thrown) {
    await rm(temp, { force: true });
    throw thrown;
  }
  await rename(temp, path);
  await syncFolder(redactionsDir(runDir));
};

export const removeRedaction = (runDir: string, redaction: string): void => {
  rmSync(pathOf(runDir, redaction), { force: true });
};

export interface OpenRedactions {
  readonly redactions: readonly Redaction[];
  /** Files that are none: damaged, or of another version. */
  readonly unreadable: readonly string[];
}

/** Those that are not done everywhere, the oldest first. */
export const readRedactions = (runDir: string): OpenRedactions => {
  const dir = redactionsDir(runDir);
  const names = existsSync(dir) ? readdirSync(dir).filter((name) => name.endsWith('.json')) : [];
  const redactions: Redaction[] = [];
  const unreadable: string[] = [];
  for (const name of names) {
    try {
      redactions.push(redactionSchema.parse(JSON.parse(readFileSync(join(dir, name), 'utf8'))));
    } catch {
      unreadable.push(join(dir, name));
    }
  }
  return { redactions: redactions.toSorted((a, b) => (a.at < b.at ? -1 : 1)), unreadable };
};
