import { expect, it } from 'vitest';
import { entityIdSchema } from '../../model/id.ts';
import { queuedJob } from '../../../test/fixtures/given-job.ts';
import { needsNoPod, standingOf } from './job-standing.ts';
import { nextJobId } from './dispatch-next.ts';

const id = entityIdSchema.parse('JOB-x');

it('of a home that has not the channel the queue says how a job stands', () => {
  const standing = { state: 'in_progress', rev: 2, attempt: 1 } as const;
  const found = standingOf(undefined, { ...queuedJob('x', id), standing });
  expect(found).toEqual({ standing, view: undefined });
});

it('a job that was only created has no attempts, whatever was counted', () => {
  const standing = { state: 'created', rev: 1, attempt: 1 } as const;
  const found = standingOf(undefined, { ...queuedJob('x', id), standing });
  expect(found.standing.attempt).toBe(0);
});

it('what is over, or with who reviews it, needs no pod', () => {
  const of = (state: 'created' | 'in_progress' | 'awaiting_review' | 'failed') =>
    needsNoPod({ state, rev: 2, attempt: 1 });
  expect([of('created'), of('in_progress'), of('awaiting_review'), of('failed')]).toEqual([false, false, true, true]);
});

it('the next job of a result has the same id whoever dispatches it, and tells how deep it is', () => {
  const first = nextJobId(id, 'reporting');
  expect(first).toBe(nextJobId(id, 'reporting'));
  expect(first).toMatch(/^JOB-next-1-[0-9a-f]{12}$/);
  expect(nextJobId(first, 'reporting')).toMatch(/^JOB-next-2-/);
});
