/**
 * Owns who works on an entity: one supervisor at a time, which holds a lock that the kernel frees however it ends; and how
 * the entity stands that a further attempt goes on with.
 */
import { tryLock } from '../bus/segments.ts';
import type { BusWriter } from '../bus/writer.ts';
import type { Home } from '../config/home.ts';
import { bestEffort } from '../failopen/best-effort.ts';
import { isTerminal } from '../model/entity.ts';
import { NikaError } from '../model/error.ts';
import type { EntityId } from '../model/id.ts';
import type { EntityStanding } from './entity.ts';

export interface EntityHold extends AsyncDisposable {
  /** The attempt that comes next. */
  readonly attempt: number;
  /** `undefined`: the entity is new. */
  readonly standing: EntityStanding | undefined;
  /** How long its sessions worked until now: without pauses, and what was between them. */
  readonly workedMs: number;
}

const LOCK_BUDGET_MS = 1_000;

const readStanding = async ({ busDir }: Home, id: EntityId): Promise<Omit<EntityHold, typeof Symbol.asyncDispose>> => {
  const { readEntity } = await import('../bus/query/entities.ts'); // a new entity does not need it: start-up time
  const view = await readEntity(busDir, id);
  if (view?.state === undefined) throw new NikaError('NIKA_BUS_NO_ENTITY', `${id} is not on the bus`, { subject: id });
  if (isTerminal(view.state)) {
    throw new NikaError('NIKA_MODEL_BAD_TRANSITION', `${id} is over: ${view.state}`, { subject: id });
  }
  const workedMs = view.sessions.reduce((sum, { durationMs = 0, pausedMs = 0 }) => sum + durationMs - pausedMs, 0);
  return { attempt: view.attempts + 1, standing: { state: view.state, rev: view.rev }, workedMs };
};

/**
 * Takes the entity. `resumes`: it is on the bus, and goes on.
 * @throws {NikaError} `NIKA_ENTITY_EXISTS`: another pod works on it; `NIKA_BUS_NO_ENTITY`; `NIKA_MODEL_BAD_TRANSITION`
 */
export const claimEntity = async (home: Home, id: EntityId, resumes: boolean): Promise<EntityHold> => {
  // A bus that cannot be made has no lock either, and the pod goes on (G1).
  const locked = await bestEffort('pod.claim', { withinMs: LOCK_BUDGET_MS }, () => tryLock(home.busDir, `pod/${id}`));
  const lock = locked.kind === 'done' ? locked.value : { [Symbol.asyncDispose]: () => Promise.resolve() };
  if (lock === undefined) {
    throw new NikaError('NIKA_ENTITY_EXISTS', `another pod works on ${id} now`, { subject: id });
  }
  const dispose = (): Promise<void> => Promise.resolve(lock[Symbol.asyncDispose]());
  if (!resumes) return { attempt: 1, standing: undefined, workedMs: 0, [Symbol.asyncDispose]: dispose };
  try {
    return { ...(await readStanding(home, id)), [Symbol.asyncDispose]: dispose };
  } catch (thrown) {
    await dispose();
    throw thrown;
  }
};

/** Makes the channel of an entity that is new. @throws {NikaError} `NIKA_ENTITY_EXISTS` */
export const claimChannel = (bus: BusWriter, id: EntityId): void => {
  if (bus.createChannel(id) === 'created') return;
  throw new NikaError('NIKA_ENTITY_EXISTS', `${id} is on the bus already`, { subject: id });
};
