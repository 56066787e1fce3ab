/** Owns that what is on the bus comes to Qdrant also when no pod ends any more, as after an outage. */
import { localQdrant } from '../../../config/memory/local-qdrant.ts';
import type { Home } from '../../../config/home.ts';
import type { QdrantTarget } from '../../../config/memory/qdrant-settings.ts';
import type { Settings } from '../../../config/settings.ts';
import { readHomeStanding } from '../../../memory/sync/home-standing.ts';
import { startMemoryWriter } from '../../../pod/remember/start-memory-writer.ts';
import type { AlphaContext, Chore } from '../duty.ts';

const COUNT_BUS_MS = 1_000;
/** So often also where nothing waits: whether Qdrant lost its data is found by who asks it. */
const ANYWAY_EVERY = 15;

/** Also the one that `nika up` started after this Alpha. */
const targetOf = ({ runDir }: Home, { qdrant }: Settings): QdrantTarget | undefined =>
  qdrant.kind === 'on' ? qdrant : localQdrant(runDir, qdrant.collection);

/** Where something waits, Qdrant was away, or it is time. */
export const bringWaiting = async (
  { home, settings, env }: Pick<AlphaContext, 'home' | 'settings' | 'env'>,
  isDueAnyway: boolean,
  signal: AbortSignal,
): Promise<void> => {
  const target = targetOf(home, settings);
  if (target === undefined) return;
  const { busDir, runDir } = home;
  const standing = await readHomeStanding({ busDir, runDir, target, withinMs: COUNT_BUS_MS }, signal);
  const wasAway = standing.state !== undefined && standing.state.standing !== 'up';
  if (!standing.isWhole || wasAway || isDueAnyway) await startMemoryWriter(home, env);
};

export const bringMemory = (everyMs: number): Chore => {
  let nth = 0;
  return {
    name: 'memory',
    role: 'home',
    everyMs,
    run: async (context, signal) => {
      nth += 1;
      await bringWaiting(context, nth % ANYWAY_EVERY === 1, signal);
    },
  };
};
