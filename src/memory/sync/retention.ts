/** Owns what is kept in Qdrant no longer (`memory.keep`): it is neither brought nor left there; the bus has it. */
import type { MemoryKind } from '../../model/memory.ts';
import type { MemoryPoint } from '../point.ts';

/** Milliseconds; missing: for ever. */
export type KeepMs = Readonly<Partial<Record<MemoryKind, number>>>;

export const isKept = ({ payload: { kind, ts } }: MemoryPoint, keepMs: KeepMs): boolean => {
  const ms = keepMs[kind];
  return ms === undefined || Date.parse(ts) >= Date.now() - ms;
};
