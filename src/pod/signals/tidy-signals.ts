/** Owns the removal of what `run/signals` has of jobs that are over, or whose pod died and never came again (G6). */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../model/error.ts';
import { entityIdSchema } from '../../model/id.ts';
import { standingHere } from './home-way.ts';

/** Longer than its stream lives in Redis; a job may await its review for some days. */
const KEPT_MS = 7 * 24 * 60 * 60 * 1000;

const jobOf = (file: string) => entityIdSchema.safeParse(file.replace(/(?:\.unheard)?\.json(?:\.new)?$/, '')).data;

/** @throws a system error */
export const tidySignals = async (runDir: string): Promise<void> => {
  const dir = join(runDir, 'signals');
  const files = await readdir(dir).catch((thrown: unknown) => {
    if (errnoOf(thrown) === 'ENOENT') return [];
    throw thrown;
  });
  for (const file of files) {
    const path = join(dir, file);
    const atMs = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => Date.now(), // gone since the listing
    );
    if (Date.now() - atMs < KEPT_MS) continue;
    const job = jobOf(file);
    if (job === undefined || standingHere(runDir, job).kind !== 'living') await rm(path, { force: true });
  }
};
