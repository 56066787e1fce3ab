import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatBytes, formatDuration, parseBytes, parseDurationMs } from './quantity.ts';

describe('parseBytes', () => {
  it('reads the units that people write, and numbers as bytes', () => {
    expect(['64MiB', '100MB', '1.5 KiB', '2GiB', '7', '0', '12b', '1kB'].map(parseBytes)).toEqual([
      67_108_864, 100_000_000, 1536, 2_147_483_648, 7, 0, 12, 1000,
    ]);
    expect(parseBytes(1024)).toBe(1024);
  });

  it('refuses what is no size', () => {
    for (const text of ['', 'MiB', '-1', '1 MiB MiB', '1e9', '5m', '9999999TiB', Number.NaN, -1, '1,5MB']) {
      expect(parseBytes(text)).toBeUndefined();
    }
  });

  it('reads back what formatBytes writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 50 }), (bytes) => {
        const back = parseBytes(formatBytes(bytes)) ?? Number.NaN;
        expect(Math.abs(back - bytes)).toBeLessThanOrEqual(bytes * 0.01);
      }),
    );
    expect(formatBytes(64 * 1024 ** 2)).toBe('64MiB');
  });
});

describe('parseDurationMs', () => {
  it('reads single and joined units, the greatest first', () => {
    expect(['30s', '10m', '1h30m', '250ms', '2d', '1.5s', '1m500ms', ' 5s '].map(parseDurationMs)).toEqual([
      30_000, 600_000, 5_400_000, 250, 172_800_000, 1500, 60_500, 5000,
    ]);
  });

  it('refuses what is no duration, a bare number above all: its unit is anybody’s guess', () => {
    for (const text of ['', '30', 's', '30 s', '5 minutes', '30m1h', '1h1h', '-5s', '1e3s', 'ms']) {
      expect(parseDurationMs(text)).toBeUndefined();
    }
  });

  it('reads back what formatDuration writes', () => {
    fc.assert(
      fc.property(fc.nat(1e9), (ms) => {
        expect(parseDurationMs(formatDuration(ms))).toBe(ms);
      }),
    );
    expect(formatDuration(5_400_000)).toBe('1h30m');
  });
});
