/** Owns what is said of a summary that is handed to memory. Pods never talk to Qdrant: the bus is the queue. */
import type { QdrantSettings } from './qdrant-settings.ts';

/** `queued`: whoever brings the bus to Qdrant brings it, too; `off`: there is no Qdrant. */
export const toldMemory = ({ qdrant }: { readonly qdrant: Pick<QdrantSettings, 'kind'> }): 'queued' | 'off' =>
  qdrant.kind === 'on' ? 'queued' : 'off';
