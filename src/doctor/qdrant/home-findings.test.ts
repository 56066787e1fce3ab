import { expect, it } from 'vitest';
import type { HomeStanding } from '../../memory/sync/home-standing.ts';
import { homeFinding } from './home-findings.ts';

const NOW = Date.parse('2026-11-30T10:00:00.000Z');
const state = (standing: 'up' | 'away', since: string): HomeStanding['state'] => ({
  v: 1,
  target: 't',
  url: 'http://127.0.0.1:6333',
  collection: 'nika_memory',
  standing,
  since,
  why: null,
  at: since,
  whole_at: null,
  retained_at: null,
});

it('tells how much of a home is not in Qdrant, and since when that is away (G9)', () => {
  const find = (standing: HomeStanding) => homeFinding(standing, NOW);
  expect(find({ isWhole: true, waitingCount: 0, state: undefined })).toMatchObject({ status: 'ok' });
  const young = { isWhole: false, waitingCount: 1, state: state('up', '2026-11-30T09:59:50.000Z') };
  expect(find(young)).toMatchObject({
    status: 'info',
    says: expect.stringMatching(/^1 line of this home waits .* soon$/),
  });
  const away = { isWhole: false, waitingCount: 17, state: state('away', '2026-11-30T09:00:00.000Z') };
  expect(find(away)).toMatchObject({
    status: 'degraded',
    says: '17 lines of this home wait on its bus; it was found away since 2026-11-30T09:00:00.000Z',
    remedy: 'Bring it: nika memory sync',
  });
  expect(find({ isWhole: false, waitingCount: undefined, state: undefined })).toMatchObject({ status: 'degraded' });
});
