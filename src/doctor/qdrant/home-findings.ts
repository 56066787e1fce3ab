/** Owns what is said of how far the bus of a home is in Qdrant (G9). */
import type { HomeStanding } from '../../memory/sync/home-standing.ts';
import { counted, degraded, type Finding, info, ok } from '../finding.ts';

/** What is newer is on its way. */
const YOUNG_MS = 60_000;
const SYNC = 'Bring it: nika memory sync';

const sinceText = ({ state }: HomeStanding): string =>
  state === undefined || state.standing === 'up' ? '' : `; it was found ${state.standing} since ${state.since}`;

/** Pure. */
export const homeFinding = (standing: HomeStanding, nowMs: number): Finding => {
  const { isWhole, waitingCount, state } = standing;
  if (isWhole) return ok('qdrant.home', 'all that this home remembers is there');
  if (waitingCount === undefined) return degraded('qdrant.home', 'not all of this home is there yet', SYNC);
  const wait = waitingCount === 1 ? 'waits' : 'wait';
  const says = `${counted(waitingCount, 'line')} of this home ${wait} on its bus${sinceText(standing)}`;
  const isYoung = state?.standing === 'up' && nowMs - Date.parse(state.whole_at ?? state.since) < YOUNG_MS;
  return isYoung ? info('qdrant.home', `${says} and will be there soon`) : degraded('qdrant.home', says, SYNC);
};
