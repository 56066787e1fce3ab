import { describe, expect, it } from 'vitest';
import { editDistance, nearest, suggestion } from './nearest.ts';

describe('nearest', () => {
  it('counts a swap of two letters as one edit', () => {
    expect([editDistance('nightly', 'nigthly'), editDistance('', 'abc'), editDistance('kitten', 'sitting')]).toEqual([
      1, 3, 3,
    ]);
  });

  it('finds the word that was meant, whatever its dashes and capitals', () => {
    const known = ['continue_on_error', 'timeout', 'tool', 'if', 'id'];
    expect(['continueOnError', 'timout', 'toool', 'ToolS', 'is'].map((word) => nearest(word, known))).toEqual([
      'continue_on_error',
      'timeout',
      'tool',
      'tool',
      'if',
    ]);
  });

  it('suggests nothing far-fetched, but names what is known', () => {
    expect(nearest('banana', ['timeout', 'tool'])).toBeUndefined();
    expect(suggestion('banana', ['timeout', 'tool'])).toBe('known: timeout, tool');
    expect(suggestion('banana', [])).toBe('');
    expect(nearest('x'.repeat(1_000_000), ['tool'])).toBeUndefined();
  });
});
