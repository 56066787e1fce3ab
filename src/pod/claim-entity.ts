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
import type { PodWish } from './plan.ts';

export interface EntityHold extends AsyncDisposable {
  /** The attempt that comes next. */
  readonly attempt: number;
  /** `undefined`: the entity is new. */
  readonly standing: EntityStanding | undefined;
  /** How long its sessions worked until now: without pauses, and what was between them. */
  readonly workedMs: number;
  /** How often review was asked for. */
  readonly reviewRounds: number;
}

/** The channel of a new entity: made by one process alone. @throws {NikaError} `NIKA_ENTITY_EXISTS` */
export const claimChannel = (bus: BusWriter, id: EntityId): void => {
  if (bus.createChannel(id) === 'created') return;
  throw new NikaError('NIKA_ENTITY_EXISTS', `${id} is on the bus already`, { subject: id });
};

/** As whoever gave the job tells it: its channel is in another home, or behind what happened there. */
export interface GivenStanding extends EntityStanding {
  /** Those that were made. */
  readonly attempt: number;
}

const LOCK_BUDGET_MS = 1_000;

const readStanding = async (
  { busDir }: Home,
  id: EntityId,
  given: GivenStanding | undefined,
): Promise<Omit<EntityHold, typeof Symbol.asyncDispose>> => {
  const { readEntity } = await import('../bus/query/entities.ts'); // a new entity does not need it: start-up time
  const view = await readEntity(busDir, id);
  const newest = [view, given].filter((one) => one?.state !== undefined).sort((a, b) => (b?.rev ?? 0) - (a?.rev ?? 0));
  const { state, rev = 0 } = view !== undefined && isTerminal(view.state) ? view : (newest[0] ?? {});
  if (state === undefined) throw new NikaError('NIKA_BUS_NO_ENTITY', `${id} is not on the bus`, { subject: id });
  if (isTerminal(state)) {
    throw new NikaError('NIKA_MODEL_BAD_TRANSITION', `${id} is over: ${state}`, { subject: id });
  }
  if (state === 'awaiting_review') {
    throw new NikaError('NIKA_REVIEW_PENDING', `${id} awaits review`, { subject: id });
  }
  const { sessions = [], review } = view ?? {};
  const made = Math.max(sessions.length === 0 ? 0 : (view?.attempts ?? 0), given?.attempt ?? 0);
  const workedMs = sessions.reduce((sum, { durationMs = 0, pausedMs = 0 }) => sum + durationMs - pausedMs, 0);
  return { attempt: made + 1, standing: { state, rev }, workedMs, reviewRounds: review?.round ?? 0 };
};

/** `undefined`: somebody works on it, or decides on it. @throws a system error: no lock can be had. */
export const tryLockEntity = ({ busDir }: Home, id: EntityId): Promise<AsyncDisposable | undefined> =>
  tryLock(busDir, `pod/${id}`);

/**
 * Takes the entity. `resumes`: it is on the bus, and goes on.
 * @throws {NikaError} `NIKA_ENTITY_EXISTS`: another pod works on it; `NIKA_BUS_NO_ENTITY`; `NIKA_MODEL_BAD_TRANSITION`
 */
export const claimEntity = async (
  home: Home,
  id: EntityId,
  resumes: boolean,
  { standing: given, lease }: Pick<PodWish, 'standing' | 'lease'> = {},
): Promise<EntityHold> => {
  // A bus that cannot be made has no lock either, and the pod goes on (G1).
  const locked = await bestEffort('pod.claim', { withinMs: LOCK_BUDGET_MS }, () => tryLockEntity(home, id));
  const none = { [Symbol.asyncDispose]: () => Promise.resolve() };
  // Who has the job's lease goes before a pod that lost it, and may hold the lock for as long as it is stopped.
  const lock = locked.kind === 'done' ? (locked.value ?? (lease === undefined ? undefined : none)) : none;
  if (lock === undefined) {
    throw new NikaError('NIKA_ENTITY_EXISTS', `another pod works on ${id} now`, { subject: id });
  }
  const dispose = (): Promise<void> => Promise.resolve(lock[Symbol.asyncDispose]());
  const fresh = { attempt: 1, standing: undefined, workedMs: 0, reviewRounds: 0 };
  if (!resumes) return { ...fresh, [Symbol.asyncDispose]: dispose };
  try {
    return { ...(await readStanding(home, id, given)), [Symbol.asyncDispose]: dispose };
  } catch (thrown) {
    await dispose();
    throw thrown;
  }
};
