import { expect, it } from 'vitest';
import { parseRecallFilter } from './recall-filter.ts';

const NOW = Date.UTC(2026, 4, 10);

it('takes one value or several, and times as texts or dates', () => {
  expect(
    parseRecallFilter({ type: 'session', status: ['failed', 'lost'], from: '2026-04', to: new Date(NOW) }, NOW),
  ).toEqual({
    kind: ['session'],
    status: ['failed', 'lost'],
    fromMs: Date.UTC(2026, 3),
    untilMs: NOW,
  });
  expect(parseRecallFilter({ from: '10d' }, NOW)).toEqual({ fromMs: Date.UTC(2026, 3, 30) });
});

it.each<[object, RegExp]>([
  [{ type: 'jobs' }, /type does not know "jobs"/],
  [{ status: 'over' }, /status does not know "over"/],
  [{ from: 'x' }, /from is no time/],
  [{ from: 7 }, /from is no time/],
  [{ to: new Date(Number.NaN) }, /to is no time/],
  [{ from: '2026-05', to: '2026-05' }, /from is not before to/],
  [{ domain: [] }, /asked of memory is wrong: domain/],
  [{ colour: 'red' }, /asked of memory is wrong/],
])('refuses %j', (given, why) => {
  expect(() => parseRecallFilter(given, NOW)).toThrow(why);
});
