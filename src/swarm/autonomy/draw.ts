/**
 * Owns the draw: from an event's id and the seed alone, so that whoever draws again for the same event, later or
 * elsewhere, draws the same, and makes the same id of what follows. Pure.
 */
import { createHash } from 'node:crypto';
import { type EntityId, entityIdFrom } from '../../model/id.ts';

export interface Draw {
  /** From 0 on, below 1. */
  readonly value: number;
  /** Which of so many. */
  choose(count: number): number;
  /** Of the entity that follows. */
  readonly entity: EntityId;
}

const VALUE_BITS = 48;
const CHOICE_AT = 6;
const ID_AT = 16;

/** `ts`: of the event. */
export const drawFor = (event: { readonly id: string; readonly ts: string }, seed: string): Draw => {
  const digest = createHash('sha256').update(`${seed}\0${event.id}`).digest();
  return {
    value: digest.readUIntBE(0, CHOICE_AT) / 2 ** VALUE_BITS,
    choose: (count) => digest.readUInt32BE(CHOICE_AT) % count,
    entity: entityIdFrom('JOB', new Date(event.ts), digest.subarray(ID_AT)),
  };
};
