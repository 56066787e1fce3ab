/** Owns how the Qdrant is found that `nika up --qdrant` started in a home: by its note, as long as its process lives. */
import { livenessOfService, readServiceSecret, readServiceState } from '../services/service-state.ts';
import type { QdrantTarget } from './qdrant-settings.ts';

/** `undefined`: none runs here. Never throws; a note that cannot be read is none. */
export const localQdrant = (runDir: string, collection: string): QdrantTarget | undefined => {
  const state = readServiceState(runDir, 'qdrant');
  if (state === undefined || state.ended_at !== null || livenessOfService(state) !== 'alive') return undefined;
  const apiKey = readServiceSecret(runDir, 'qdrant');
  if (apiKey === undefined) return undefined; // without it nothing could be said to it
  return { kind: 'on', url: `http://127.0.0.1:${state.port}`, apiKey, collection };
};
