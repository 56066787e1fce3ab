/** Owns the states of entities and which transition leads from one to the next (design, section 4). Pure. */
import { NikaError } from './error.ts';

export const ENTITY_STATES = ['created', 'in_progress', 'awaiting_review', 'completed', 'failed', 'cancelled'] as const;
export type EntityState = (typeof ENTITY_STATES)[number];

export interface Transition {
  /** `undefined`: the entity does not exist yet. */
  readonly from: readonly (EntityState | undefined)[];
  readonly to: EntityState;
  /** The name on the feed. */
  readonly event: string;
  /** The type of the line on the bus. */
  readonly busType: TransitionType;
}

export type TransitionType =
  | 'entity_created'
  | 'entity_started'
  | 'review_request'
  | 'review_decision'
  | 'job_completed'
  | 'job_failed'
  | 'job_cancelled';

const OPEN = ['created', 'in_progress', 'awaiting_review'] as const;

export const TRANSITIONS: readonly Transition[] = [
  { from: [undefined], to: 'created', event: 'created', busType: 'entity_created' },
  { from: ['created'], to: 'in_progress', event: 'started', busType: 'entity_started' },
  { from: ['in_progress'], to: 'awaiting_review', event: 'review_requested', busType: 'review_request' },
  { from: ['awaiting_review'], to: 'in_progress', event: 'review_rejected', busType: 'review_decision' },
  { from: ['in_progress', 'awaiting_review'], to: 'completed', event: 'completed', busType: 'job_completed' },
  { from: OPEN, to: 'failed', event: 'failed', busType: 'job_failed' },
  { from: OPEN, to: 'cancelled', event: 'cancelled', busType: 'job_cancelled' },
];

export const isTerminal = (state: EntityState | undefined): boolean =>
  state === 'completed' || state === 'failed' || state === 'cancelled';

/** The transition that a line of this bus type tells of, if it tells of one. */
export const transitionOfBusType = (type: string): Transition | undefined =>
  TRANSITIONS.find((transition) => transition.busType === type);

/**
 * The transition from one state to another.
 * @throws {NikaError} `NIKA_MODEL_BAD_TRANSITION`; the caller has written nothing yet.
 */
export const resolveTransition = (from: EntityState | undefined, to: EntityState): Transition => {
  const found = TRANSITIONS.find((transition) => transition.to === to && transition.from.includes(from));
  if (found !== undefined) return found;
  throw new NikaError('NIKA_MODEL_BAD_TRANSITION', `an entity cannot go from ${from ?? 'nothing'} to ${to}`);
};

/** Significant transitions are kept on stable storage and, later, in memory (design, section 2). */
export const isSignificant = (transition: Transition, isRoot: boolean): boolean =>
  isTerminal(transition.to) || (transition.to === 'created' && isRoot);
