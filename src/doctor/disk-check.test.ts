import { describe, expect, it } from 'vitest';
import { forecastDays, isFull, kindOfDisk } from './disk-check.ts';

const DAY_MS = 24 * 3_600_000;

describe('the disk under the bus', () => {
  it.each([
    [0xef53, 'ok', 'local'],
    [0x6969, 'degraded', 'NFS'],
    [0xff534d42, 'degraded', 'CIFS'],
    [0xff534d42 | 0, 'degraded', 'CIFS'], // as a number with a sign
    [0x65735546, 'degraded', 'FUSE'],
    [0x794c7630, 'degraded', 'overlay'],
    [0x01021994, 'degraded', 'tmpfs'],
  ])('of the type %i: %s, %s', (type, status, says) => {
    expect(kindOfDisk(type, '/home/_bus')).toMatchObject({ status, says: expect.stringContaining(says) });
  });
});

describe('a disk that is full', () => {
  const roomy = { blocks: 100, bavail: 1, files: 100, ffree: 1 };

  it('has no block or no file left; one without a limit is not', () => {
    expect(isFull(roomy)).toBe(false);
    expect(isFull({ ...roomy, bavail: 0 })).toBe(true);
    expect(isFull({ ...roomy, ffree: 0 })).toBe(true);
    expect(isFull({ blocks: 0, bavail: 0, files: 0, ffree: 0 })).toBe(false);
  });
});

describe('the forecast', () => {
  const room = { freeBytes: 150, totalBytes: 1000 };

  it('says in how many days 5 % are free, at the pace of the bus', () => {
    expect(forecastDays(room, 5, { grownBytes: 70, grownMs: 7 * DAY_MS })).toBeCloseTo(10);
    expect(forecastDays({ ...room, freeBytes: 40 }, 5, { grownBytes: 70, grownMs: 7 * DAY_MS })).toBe(0);
  });

  it('says nothing of a bus that is younger than a day, or stands still', () => {
    expect(forecastDays(room, 5, { grownBytes: 70, grownMs: DAY_MS / 2 })).toBeUndefined();
    expect(forecastDays(room, 5, { grownBytes: 0, grownMs: 7 * DAY_MS })).toBeUndefined();
  });
});
