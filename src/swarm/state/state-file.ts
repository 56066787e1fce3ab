/**
 * Owns `run/digest/state.json`: the swarm's state and up to where on the alpha bus it was read, so that the next who asks
 * reads only what is new. It is replaced as a whole; of several who write at once any one's is right.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { BusPlace } from '../../bus/query/bus-place.ts';
import { makeFolder } from '../../failopen/make-folder.ts';
import { endedCountsSchema } from './ended-counts.ts';
import type { EndedEntity, OpenEntity } from './swarm-entity.ts';
import { SwarmState } from './swarm-state.ts';

/** Counts up with each change of what is kept. */
const FORM = 1;
const DIR_MODE = 0o700;
const FILE_MODE = 0o600;

/** Only nika writes it: what lies deep within is not looked at. */
const openSchema = z.custom<OpenEntity>(
  (value) => z.object({ view: z.object({ id: z.string(), sessions: z.array(z.unknown()) }) }).safeParse(value).success,
);
const endedSchema = z.custom<EndedEntity>(
  (value) => z.object({ id: z.string(), endedAt: z.string(), clause: z.string() }).safeParse(value).success,
);

const fileSchema = z.object({
  form: z.literal(FORM),
  place: z.object({ begins: z.string(), byte: z.int().min(0) }),
  open: z.array(openSchema),
  ended: z.array(endedSchema),
  counts: endedCountsSchema,
});

export interface KnownState {
  readonly state: SwarmState;
  /** Up to where the alpha bus is in it; `undefined`: nothing is. */
  readonly place: BusPlace | undefined;
}

export const statePath = (runDir: string): string => join(runDir, 'digest', 'state.json');

/** `undefined`: there is none, or of another version, or damaged: all is read. */
export const readKnownState = (runDir: string): KnownState | undefined => {
  try {
    const parsed = fileSchema.safeParse(JSON.parse(readFileSync(statePath(runDir), 'utf8')));
    if (!parsed.success) return undefined;
    const { place, ...parts } = parsed.data;
    return { state: new SwarmState(parts), place };
  } catch {
    return undefined;
  }
};

/** @throws a system error */
export const writeKnownState = (runDir: string, { state, place }: KnownState): void => {
  if (place === undefined) return;
  makeFolder(join(runDir, 'digest'), DIR_MODE);
  const path = statePath(runDir);
  const temp = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temp, JSON.stringify({ form: FORM, place, ...state.toParts() }), { mode: FILE_MODE });
    renameSync(temp, path);
  } finally {
    rmSync(temp, { force: true });
  }
};
