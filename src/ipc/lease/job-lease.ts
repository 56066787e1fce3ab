/** Owns the name of a job's lease, and what its holder is called. */
import type { EntityId } from '../../model/id.ts';

/**
 * A job that a review sends back is leased anew: what was leased before is over (`settled`), and stays so. Each round adds
 * two transitions: created, started | review requested, rejected | …
 */
export const jobLeaseName = (entity: EntityId, rev: number): string => {
  const round = Math.max(1, Math.ceil(rev / 2));
  return round === 1 ? entity : `${entity}.round${round}`;
};

export const holderOf = (host: string, session: string): string => `${host}/${session}`;

/** The session of the pod that holds it. */
export const sessionOfHolder = (holder: string): string => holder.slice(holder.lastIndexOf('/') + 1);
