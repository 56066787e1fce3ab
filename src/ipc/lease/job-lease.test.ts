import { expect, it } from 'vitest';
import { entityIdSchema } from '../../model/id.ts';
import { holderOf, jobLeaseName, sessionOfHolder } from './job-lease.ts';

const job = entityIdSchema.parse('JOB-x');

it('a job has one lease through all attempts of a round, and another after a review sent it back', () => {
  expect([1, 2].map((rev) => jobLeaseName(job, rev))).toEqual(['JOB-x', 'JOB-x']); // created, in progress
  expect([4, 6].map((rev) => jobLeaseName(job, rev))).toEqual(['JOB-x.round2', 'JOB-x.round3']); // sent back
});

it('a holder names the session of its pod', () => {
  expect(sessionOfHolder(holderOf('a-host', 'a-session'))).toBe('a-session');
});
