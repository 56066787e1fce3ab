import { describe, expect, it } from 'vitest';
import { MAX_AGE_MS, MAX_TRIES, parseRetryAfter, pauseAfter } from './retry.ts';

const NOW = Date.parse('2026-11-20T11:00:00Z');

describe('a notification that could not be sent', () => {
  it('is tried six times within an hour, each pause seven times as long, with some chance in it', () => {
    const pauses: number[] = [];
    let ageMs = 0;
    for (let tries = 1; ; tries += 1) {
      const pauseMs = pauseAfter({ tries, ageMs }, 0.5);
      if (pauseMs === undefined) break;
      pauses.push(pauseMs);
      ageMs += pauseMs;
    }
    expect(pauses).toEqual([1_000, 7_000, 49_000, 343_000, 2_401_000]);
    expect(pauses.length + 1).toBe(MAX_TRIES);
    expect(pauseAfter({ tries: 2, ageMs: 0 }, 0)).toBe(5_600);
    expect(pauseAfter({ tries: 2, ageMs: 0 }, 1)).toBe(8_400);
  });

  it('is not tried sooner than the server wishes, and not after an hour', () => {
    expect(pauseAfter({ tries: 1, ageMs: 0, retryAfterMs: 120_000 }, 0.5)).toBe(120_000);
    expect(pauseAfter({ tries: 3, ageMs: 0, retryAfterMs: 10 }, 0.5)).toBe(49_000);
    expect(pauseAfter({ tries: 1, ageMs: 0, retryAfterMs: MAX_AGE_MS + 1 }, 0.5)).toBeUndefined();
    expect(pauseAfter({ tries: 1, ageMs: MAX_AGE_MS }, 0.5)).toBeUndefined();
  });

  it.each([
    ['120', 120_000],
    [' 0 ', 0],
    ['Fri, 20 Nov 2026 11:00:30 GMT', 30_000],
    ['Fri, 20 Nov 2026 10:00:00 GMT', 0],
    ['soon', undefined],
    [null, undefined],
  ])('reads Retry-After: %j', (text, ms) => {
    expect(parseRetryAfter(text, NOW)).toBe(ms);
  });
});
