import { describe, expect, it } from 'vitest';
import { clip, columnsOf, formatBytes, formatDuration, padTo, printable } from './format.ts';

describe('durations and sizes', () => {
  it.each([
    [0, '0 ms'],
    [999.4, '999 ms'],
    [999.6, '1.0 s'],
    [65_000, '1m 05s'],
    [3_660_000, '1h 01m'],
    [90_000_000, '1d 1h'],
  ])('%d ms is %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

  it.each([
    [999, '999 B'],
    [999_499, '999 kB'],
    [1_440_000, '1.4 MB'],
  ])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
});

describe('text of others', () => {
  it('cannot steer the terminal', () => {
    expect(printable('a\u001B[31mred\r\u0007\u202Eb\tc\nd')).toBe('aredb\tc\nd');
    expect(
      printable('\u001B]0;title\u0007a\u001B]8;;http://x\u001B\\link\u001B]8;;\u001B\\ \u001B(B\u009B1mb\u001B'),
    ).toBe('alink b');
  });

  it('is cut and filled by the columns that it takes, not by its characters', () => {
    expect(clip('plain text', 6)).toBe('plain…');
    expect(clip('日本語の名前', 7)).toBe('日本語…');
    expect(columnsOf(padTo('日本', 10))).toBe(10);
    expect(clip('👩‍👩‍👧 family', 4)).toBe('👩‍👩‍👧 …');
    expect(clip('short', 80)).toBe('short');
  });
});
