/** Owns how the heads of a writer that is gone are told, however many files it wrote to: in notes before the line that ends it. */
import type { Head } from '../../model/message.ts';
import type { PodEntity } from '../entity.ts';

/** A head has about 150 bytes, and a line 64 KiB. */
const HEADS_PER_LINE = 200;

/** Those for the line itself. */
export const tellHeads = (entity: PodEntity, heads: readonly Head[]): Head[] => {
  const surplus = heads.slice(0, -HEADS_PER_LINE);
  for (let at = 0; at < surplus.length; at += HEADS_PER_LINE) {
    entity.record('note', { text: 'heads of a writer that is gone', heads: surplus.slice(at, at + HEADS_PER_LINE) });
  }
  return heads.slice(-HEADS_PER_LINE);
};
