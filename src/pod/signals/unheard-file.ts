/**
 * Owns `run/signals/<JOB>.unheard.json`: what came to an attempt, straight or by Redis, and was heard by nobody in it; its
 * sender was told that the pod has it, so the next attempt gets it. Best effort: a kill -9 in between loses what came straight.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import { type Signal, signalSchema } from '../../ipc/signals/signal.ts';
import type { EntityId } from '../../model/id.ts';

const unheardSchema = z.array(signalSchema);

const pathOf = (runDir: string, job: EntityId): string => join(runDir, 'signals', `${job}.unheard.json`);

export const readUnheard = (runDir: string, job: EntityId): readonly Signal[] => {
  try {
    return unheardSchema.parse(JSON.parse(readFileSync(pathOf(runDir, job), 'utf8')));
  } catch {
    return []; // there is none, or it was half written by a machine that lost its power
  }
};

/** None: what was there is removed. */
export const writeUnheard = (runDir: string, job: EntityId, signals: readonly Signal[]): void => {
  bestEffortSync('signals.unheard', () => {
    const path = pathOf(runDir, job);
    if (signals.length === 0) {
      rmSync(path, { force: true });
      return;
    }
    mkdirSync(join(runDir, 'signals'), { recursive: true, mode: 0o700 });
    writeFileSync(`${path}.new`, JSON.stringify(signals), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  });
};
