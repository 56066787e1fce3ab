import { describe, expect, it } from 'vitest';
import { busLine } from '../../../test/fixtures/memory-lines.ts';
import { pointOf } from '../point.ts';
import { StandingFold } from './standing-fold.ts';

const fold = (...lines: readonly ReturnType<typeof busLine>[]) => {
  const standing = new StandingFold();
  return lines.flatMap((line) => {
    const point = pointOf(line);
    return point === undefined ? [] : [standing.add(point)];
  });
};

describe('StandingFold', () => {
  it('lets the first end of an entity stand, and takes it from its beginning', () => {
    const created = busLine('entity_created', 'JOB-a');
    const failed = busLine('job_failed', 'JOB-a');
    const late = busLine('job_completed', 'JOB-a');
    const folded = fold(created, failed, late);
    expect(folded.map(({ point, cleared }) => [point.payload.status, point.payload.standing, cleared])).toEqual([
      ['created', true, undefined],
      ['failed', true, created.id],
      ['completed', false, undefined],
    ]);
  });

  it('lets a beginning that is written after the end not stand, and what is open stand', () => {
    const folded = fold(
      busLine('job_cancelled', 'JOB-a'),
      busLine('entity_created', 'JOB-a'),
      busLine('entity_created', 'JOB-b'),
    );
    expect(folded.map(({ point }) => point.payload.standing)).toEqual([true, false, true]);
  });

  it('lets the first end of a session stand, beside that of its entity', () => {
    const folded = fold(
      busLine('job_completed', 'JOB-a'),
      busLine('session_end_summary', 'JOB-a'),
      busLine('session_end_summary', 'JOB-a'),
    );
    expect(folded.map(({ point }) => point.payload.standing)).toEqual([true, true, false]);
  });
});
