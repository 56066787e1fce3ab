/** Owns how a session's first and last line are woven to what other writers wrote (G8). */
import { readWeave, SEEN_PER_LINE, type Weave } from '../bus/read/weave.ts';
import type { PodEntity } from './entity.ts';

/** For a line that `entity` writes next, as `writer`. What has no room in it goes before it, as notes. */
export const weave = (busDir: string, writer: string, entity: PodEntity): Weave => {
  const { alpha_head, seen } = readWeave(busDir, writer);
  for (let at = SEEN_PER_LINE; at < seen.length; at += SEEN_PER_LINE) {
    entity.record('note', { text: 'heads of other writers', heads: seen.slice(at, at + SEEN_PER_LINE) });
  }
  return { alpha_head, seen: seen.slice(0, SEEN_PER_LINE) };
};
