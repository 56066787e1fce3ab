import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toTs, tryParseTimeSpan } from './time-span.ts';

const NOW_MS = Date.parse('2026-11-20T12:00:00.000Z');

const spanOf = (text: string): readonly string[] | undefined => {
  const span = tryParseTimeSpan(text, NOW_MS);
  return span === undefined ? undefined : [toTs(span.fromMs), toTs(span.untilMs)];
};

describe('a time on the command line', () => {
  it.each([
    ['30s', '2026-11-20T11:59:30.000Z'],
    ['15m', '2026-11-20T11:45:00.000Z'],
    ['2h', '2026-11-20T10:00:00.000Z'],
    ['2d', '2026-11-18T12:00:00.000Z'],
    ['3w', '2026-10-30T12:00:00.000Z'],
    ['999999999w', '1970-01-01T00:00:00.000Z'],
    ['2026-04-12T10:30', '2026-04-12T10:30:00.000Z'],
    ['2026-04-12 10:30:05', '2026-04-12T10:30:05.000Z'],
    ['2026-04-12T10:30:05.123Z', '2026-04-12T10:30:05.123Z'],
    ['2026-04-12T10:30+02:00', '2026-04-12T08:30:00.000Z'],
  ])('%s is an instant', (text, from) => {
    expect(spanOf(text)?.[0]).toBe(from);
  });

  it.each([
    ['2026', '2026-01-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
    ['2026-04', '2026-04-01T00:00:00.000Z', '2026-05-01T00:00:00.000Z'],
    ['2026-12', '2026-12-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z', '2024-03-01T00:00:00.000Z'],
  ])('%s is all of it, so that it can be "since" and "until" at once', (text, from, until) => {
    expect(spanOf(text)).toEqual([from, until]);
  });

  it.each([
    '',
    'x',
    '2',
    '2y',
    '-2d',
    '2d3h',
    '2026-13',
    '2026-02-30',
    '2026-02-30T10:00',
    '2026-04-12T24:00',
    '10:30',
  ])('refuses "%s" rather than to guess', (text) => {
    expect(tryParseTimeSpan(text, NOW_MS)).toBeUndefined();
  });

  it('reads back every time that stands on the bus', () => {
    const span = { min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true };
    fc.assert(
      fc.property(fc.date(span), (date) => {
        expect(tryParseTimeSpan(date.toISOString(), NOW_MS)?.fromMs).toBe(date.getTime());
      }),
    );
  });

  it('is text of one length, also where the span ends after the year 9999', () => {
    expect(toTs(tryParseTimeSpan('9999', NOW_MS)?.untilMs ?? 0)).toBe('9999-12-31T23:59:59.999Z');
  });
});
