/** Owns what is said when a pod asks for review of what it came to. */
import type { EntityId } from '../../model/id.ts';

export interface ReviewCall {
  readonly reason: string;
  /** The pod that is asked; missing: people. */
  readonly reviewer?: EntityId;
  /** From 1: how often it was asked for, with this time; of how many. */
  readonly round: number;
  readonly rounds: number;
}
