/**
 * Owns `run/signals/<JOB>.json`: up to where the signals of a job were taken, so that its next attempt hears what is new.
 * Best effort: after a kill the last second of it is heard again.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import type { EntityId } from '../../model/id.ts';

const takenSchema = z.object({
  /** Redis's id: all that came before was taken. */
  lastId: z.string().regex(/^\d+-\d+$/),
  /** Ids of signals that were taken, the newest last. */
  ids: z.array(z.string()).readonly(),
});

export type TakenPlace = Readonly<z.infer<typeof takenSchema>>;

export const BEGIN: TakenPlace = { lastId: '0-0', ids: [] };

const pathOf = (runDir: string, job: EntityId): string => join(runDir, 'signals', `${job}.json`);

export const readTaken = (runDir: string, job: EntityId): TakenPlace => {
  try {
    return takenSchema.parse(JSON.parse(readFileSync(pathOf(runDir, job), 'utf8')));
  } catch {
    return BEGIN; // the first attempt, or half written by a machine that lost its power
  }
};

export const writeTaken = (runDir: string, job: EntityId, place: TakenPlace): void => {
  bestEffortSync('signals.taken', () => {
    mkdirSync(join(runDir, 'signals'), { recursive: true, mode: 0o700 });
    const path = pathOf(runDir, job);
    writeFileSync(`${path}.new`, JSON.stringify(place), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  });
};

export const removeTaken = (runDir: string, job: EntityId): void => {
  bestEffortSync('signals.taken', () => rmSync(pathOf(runDir, job), { force: true }));
};
