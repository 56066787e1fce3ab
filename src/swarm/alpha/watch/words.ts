/** Owns how Alpha tells of times. Pure. */
import { formatDuration } from '../../../config/quantity.ts';

/** In whole seconds, from a second on. */
export const formatDurationShort = (ms: number): string =>
  formatDuration(ms < 1000 ? Math.round(ms) : Math.round(ms / 1000) * 1000);
