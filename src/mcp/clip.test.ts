import { describe, expect, it } from 'vitest';
import { clip, clipLine, clipList } from './clip.ts';
import { partOf } from './result-text.ts';

const rest = (count: number): string => `… and ${count} more`;

describe('clip', () => {
  it('leaves what fits, and never cuts a character in two', () => {
    expect(clip('abc', 3)).toBe('abc');
    expect(clip('abcd', 3)).toBe('ab…');
    expect(clip('a🙂bc', 3)).toBe('a…');
  });

  it('makes one line of foreign text', () => {
    expect(clipLine('  a\n\tb\u001B[31mc ', 20)).toBe('a b [31mc');
  });
});

describe('clipList', () => {
  it('keeps whole lines, says how many have no room, and stays within it', () => {
    const lines = Array.from({ length: 50 }, (_, at) => `line ${at}`);
    const text = clipList({ lines, maxChars: 100, rest });
    expect(text.length).toBeLessThanOrEqual(100);
    const shown = text.split('\n').length - 1;
    expect(text.endsWith(`\n… and ${50 - shown} more`)).toBe(true);
    expect(clipList({ lines, maxChars: 1_000, rest })).toBe(lines.join('\n'));
  });

  it('shows the first line in any case, so that an answer is never empty', () => {
    expect(clipList({ lines: ['a long first line', 'b'], maxChars: 10, rest })).toBe('a long first line\n… and 1 more');
  });
});

describe('partOf', () => {
  it('goes through a text from part to part without losing or doubling anything', () => {
    const whole = 'a🙂🙂b'.repeat(100);
    for (const size of [1, 2, 3, 7, 1_000]) {
      let text = '';
      for (let offset = 0; offset < whole.length;) {
        const part = partOf(whole, offset, size);
        expect(part.text.isWellFormed()).toBe(true);
        text += part.text;
        offset = part.nextOffset;
      }
      expect(text).toBe(whole);
    }
  });
});
