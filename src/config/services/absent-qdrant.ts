/** Owns what is said where no Qdrant is configured: whether one of this home died, and what can be done. */
import { hasDied } from './service-state.ts';

export interface AbsentQdrant {
  /** The one that `nika up` started here is gone, and nobody said `nika down`. */
  readonly hasDied: boolean;
  /** Without a full stop. */
  readonly why: string;
}

/** Never throws. */
export const absentQdrant = (runDir: string): AbsentQdrant => {
  if (hasDied(runDir, 'qdrant'))
    return {
      hasDied: true,
      why: 'the Qdrant that "nika up" started for this home died; start it again, with its data: nika up --qdrant',
    };
  return {
    hasDied: false,
    why: 'no Qdrant is configured (qdrant.url, NIKA_QDRANT_URL), and "nika up" runs none for this home',
  };
};
