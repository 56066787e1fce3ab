/** Owns what `nika memory status` finds: Qdrant, its collection, and how far the bus of this home is there. */
import type { QdrantTarget } from '../../config/memory/qdrant-settings.ts';
import { absentQdrant } from '../../config/services/absent-qdrant.ts';
import type { Settings } from '../../config/settings.ts';
import type { Judgement } from '../../memory/qdrant/collection-shape.ts';
import { countPoints, type PointCounts } from '../../memory/qdrant/count-points.ts';
import { inspectQdrant } from '../../memory/qdrant/inspect.ts';
import { type HomeStanding, readHomeStanding } from '../../memory/sync/home-standing.ts';
import type { OpenedBus } from '../bus/open-bus.ts';

export type Reach =
  | { readonly kind: 'off'; readonly why: string; readonly hasDied: boolean }
  | { readonly kind: 'away'; readonly why: string }
  | {
      readonly kind: 'reached';
      readonly version: string;
      readonly answeredWithinMs: number;
      /** `undefined`: it is not made yet. */
      readonly judged: Judgement | undefined;
      readonly counts: PointCounts | undefined;
    };

export interface MemoryStatus {
  readonly target: QdrantTarget | undefined;
  readonly reach: Reach;
  /** `undefined`: nothing has run in this home, or there is no Qdrant. */
  readonly home: HomeStanding | undefined;
  /** Of the embeddings that are configured. */
  readonly model: string | undefined;
}

const ASK_MS = 2_000;
const COUNT_BUS_MS = 5_000;

const reachOf = async (target: QdrantTarget, settings: Settings, signal: AbortSignal): Promise<Reach> => {
  const { embeddings } = settings.memory;
  const options = { target, withinMs: ASK_MS, ...(embeddings === undefined ? {} : { dense: embeddings }) };
  const seen = await inspectQdrant(options, signal);
  if ('kind' in seen) return { kind: 'away', why: seen.why };
  const { version, answeredWithinMs, collection } = seen;
  if (collection !== undefined && 'kind' in collection) return { kind: 'away', why: collection.why };
  const judged = collection?.judged;
  const isDense = judged?.kind === 'fits' && judged.dense.kind === 'on';
  const counts =
    collection === undefined ? undefined : await countPoints({ target, isDense, withinMs: ASK_MS }, signal);
  return {
    kind: 'reached',
    version,
    answeredWithinMs,
    judged,
    counts: counts?.kind === 'done' ? counts.value : undefined,
  };
};

/** @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason */
export const readMemoryStatus = async (
  { home, isEmpty }: OpenedBus,
  settings: Settings,
  signal: AbortSignal,
): Promise<MemoryStatus> => {
  const { qdrant } = settings;
  const model = settings.memory.embeddings?.model;
  const { busDir, runDir } = home;
  if (qdrant.kind === 'off')
    return { target: undefined, reach: { kind: 'off', ...absentQdrant(runDir) }, home: undefined, model };
  const [reach, standing] = await Promise.all([
    reachOf(qdrant, settings, signal),
    isEmpty ? undefined : readHomeStanding({ busDir, runDir, target: qdrant, withinMs: COUNT_BUS_MS }, signal),
  ]);
  return { target: qdrant, reach, home: standing, model };
};

/** Whether memory is in Qdrant, or shall not be. */
export const isWell = ({ reach }: MemoryStatus): boolean => {
  if (reach.kind === 'off') return !reach.hasDied;
  return reach.kind === 'reached' && (reach.judged === undefined || reach.judged.kind === 'fits');
};
