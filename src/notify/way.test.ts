import { describe, expect, it } from 'vitest';
import { END_FIXTURE, noticeFixture } from '../../test/fixtures/notice.ts';
import { notifySchema, type NotifyWay } from '../config/notify/notify-settings.ts';
import type { Notice } from '../model/notice.ts';
import { keyOf, nameOf, wants } from './way.ts';

const wayOf = (fields: object): NotifyWay => {
  const [way] = notifySchema.parse([{ desktop: true, ...fields }]);
  if (way === undefined) throw new Error('no way');
  return way;
};

const ended = (on: Notice['on'], durationMs = 65_000): Notice =>
  noticeFixture({ on, waiting: null, end: { ...END_FIXTURE, duration_ms: durationMs } });

describe('a way to notify', () => {
  it('tells by default of all but that a pod has finished', () => {
    const all = [noticeFixture(), ended('failed'), ended('lost'), ended('budget'), ended('finished')];
    expect(all.map((notice) => wants(wayOf({}), notice))).toEqual([true, true, true, true, false]);
    expect(wants(wayOf({ on: ['finished'] }), ended('finished'))).toBe(true);
  });

  it('takes a pod that was ended by its limit for one that failed, and a warning for none', () => {
    expect(wants(wayOf({ on: ['failed'] }), ended('budget'))).toBe(true);
    expect(wants(wayOf({ on: ['failed'] }), noticeFixture({ on: 'budget', waiting: null }))).toBe(false);
  });

  it.each([
    [{ jobs: ['build'] }, true],
    [{ jobs: ['b*d', 'x'] }, true],
    [{ jobs: ['bui'] }, false],
    [{ jobs: ['b.*d'] }, false],
    [{ domains: ['bill*'] }, true],
    [{ domains: ['docs'], jobs: ['build'] }, false],
  ])('%j: %j', (fields, isWanted) => {
    expect(wants(wayOf(fields), noticeFixture())).toBe(isWanted);
  });

  it('leaves out the ends of short pods, and nothing else, where it is told to', () => {
    const way = wayOf({ on: ['finished', 'failed', 'waiting', 'lost'], minDuration: '1m' });
    const notices = [ended('finished', 59_000), ended('failed', 61_000), ended('lost', 1), noticeFixture()];
    expect(notices.map((notice) => wants(way, notice))).toEqual([false, true, true, true]);
  });

  it('is known by its target alone, and named without what may be secret in an address', () => {
    const one = wayOf({ jobs: ['a'] });
    expect(keyOf(one.target)).toBe(keyOf(wayOf({ after: '1s' }).target));
    expect(keyOf(one.target)).toMatch(/^[0-9a-f]{12}$/);
    const webhook = (url: unknown) => nameOf(wayOf({ desktop: undefined, webhook: { url } }).target);
    expect(webhook('https://hooks.slack.com/services/T0/B0/verysecret')).toBe('webhook hooks.slack.com');
    expect(webhook({ env: 'SLACK' })).toBe('webhook $SLACK');
    expect(nameOf(wayOf({ desktop: undefined, command: ['./tell.sh', 'x'] }).target)).toBe('command ./tell.sh x');
  });
});
