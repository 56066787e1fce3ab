/** Owns what all entities of a session have in common. */
import type { NikaMeta } from '../model/envelope.ts';

/** What all entities of a session have in common in their envelopes. */
export type Lineage = Pick<NikaMeta, 'job' | 'domain' | 'intent' | 'role' | 'agent' | 'tags' | 'root_id'>;
