/** Owns what is known of the services that `nika up` started for a home, by their notes. */
import { hasDied } from '../config/services/service-state.ts';
import { degraded, type Finding, info } from './finding.ts';

/** There are no settings for it, and nothing of nika asks it: before that is so, it is well whether it is there or not. */
export const qdrantFinding = (runDir: string): Finding => {
  if (hasDied(runDir, 'qdrant')) {
    const says = 'the Qdrant that "nika up" started for this home is gone';
    return degraded('qdrant.reach', says, 'Start it again, with its data: nika up --qdrant');
  }
  return info('qdrant.reach', 'not configured: questions are answered from the bus');
};
