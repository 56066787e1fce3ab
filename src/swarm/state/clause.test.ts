import { describe, expect, it } from 'vitest';
import { clauseOf } from './clause.ts';

describe('a clause', () => {
  it('is one line of what says most, whatever form it has', () => {
    const said = (value: unknown): string => clauseOf(value, 60);
    expect(said('Exit code 1\n  3 tests failed.\n\tSee the log')).toBe('Exit code 1; 3 tests failed. See the log');
    expect(said({ files: 3, summary: 'All is well' })).toBe('All is well');
    expect(said({ files: 3, found: ['a'] })).toBe('files: 3, found: ["a"]');
    expect(said({ $blob: 'f00', bytes: 9_000, head: 'how it begins' })).toBe('how it begins');
    expect(said({ $cut: true, head: 'how it begins' })).toBe('how it begins');
    expect([null, undefined, '', '\u0000\u200B', {}].map(said)).toEqual(['', '', '', '', '']);
    expect(said([1, 2])).toBe('[1,2]');
    expect(said(`${'\n'.repeat(1_000)}said late`)).toBe('said late');
  });

  it('holds nothing that people do not see and a model reads', () => {
    const unseen = '\u{E0049}\u{E0067}\u{E006E}\u00AD\u061C\uFE01\u{E0100}\u3164\u202E\u2066\u180E';
    expect(clauseOf(`seen${unseen}, and ${unseen}seen`, 60)).toBe('seen , and seen');
  });

  it('is cut without cutting a character, and takes no longer for a long text', () => {
    expect(clauseOf('👩'.repeat(100), 10)).toBe('👩👩👩👩…');
    expect(clauseOf(`a${'👩'.repeat(100)}`, 10)).toBe('a👩👩👩👩…');
    expect(clauseOf('\u0000'.repeat(1e7), 10)).toBe('');
  });
});
