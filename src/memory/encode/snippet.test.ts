import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SNIPPET_CHARS, snippetOf } from './snippet.ts';

const marked = (text: string, words: string): readonly string[] => {
  const snippet = snippetOf(text, words);
  return snippet.marks.map(({ start, end }) => snippet.text.slice(start, end));
};
const FILL = 'Nothing of interest stands in this sentence. '.repeat(20);

describe('a snippet', () => {
  it('is a short text itself, with the words that match', () => {
    expect(snippetOf('Fixed the flaky\n\n  websocket test.', 'flaky tests')).toEqual({
      text: 'Fixed the flaky websocket test.',
      marks: [
        { start: 10, end: 15 },
        { start: 26, end: 30 },
      ],
    });
  });

  it('shows the place with most of the words, not the first', () => {
    const text = `A test. ${FILL}The flaky websocket test waits for its pong. ${FILL}`;
    const { text: shown } = snippetOf(text, 'flaky websocket test');
    expect(shown).toMatch(/^….*The flaky websocket test waits for its pong\..*…$/);
    expect(marked(text, 'flaky websocket test')).toEqual(['flaky', 'websocket', 'test']);
  });

  it('marks an identifier, or the part of it that was asked for', () => {
    expect(marked('see maxAttempts in src/bus/line.ts', 'maxAttempts')).toEqual(['maxAttempts']);
    expect(marked('see maxAttempts in src/bus/line.ts', 'attempt line.ts')).toEqual(['Attempts', 'line.ts']);
    expect(marked('Das Café ist zu', 'cafe')).toEqual(['Café']);
    expect(marked('東京都のログ', '京都')).toEqual(['京都']);
  });

  it('is the beginning where nothing matches, cut between words', () => {
    const { text, marks } = snippetOf(FILL, 'websocket');
    expect(text).toMatch(/^Nothing of interest .*\w…$/);
    expect(marks).toEqual([]);
  });

  it('has no character that would move the cursor of a terminal', () => {
    expect(snippetOf('a \u001b[31mred\u001b[0m\r\ntest\u0007\u202e', 'test').text).toBe('a [31mred [0m test');
  });

  it('is one short line with marks inside it, whatever the text', () => {
    const unit = fc.constantFrom(...Array.from('ab \nB.-/é東𠮷\u0301\u1112\u1161'));
    const anyText = fc.oneof(
      fc.string({ unit, minLength: 150, maxLength: 400 }),
      fc.string({ unit: 'binary', maxLength: 200 }),
    );
    fc.assert(
      fc.property(anyText, fc.string({ unit, maxLength: 10 }), (text, words) => {
        const { text: shown, marks } = snippetOf(text, words);
        expect(shown.length).toBeLessThanOrEqual(SNIPPET_CHARS);
        expect(shown.isWellFormed() && !/[\n\r\p{Cc}]/u.test(shown)).toBe(true);
        const isIn = marks.every(
          ({ start, end }, n) => start < end && end <= shown.length && start >= (marks[n - 1]?.end ?? 0),
        );
        expect(isIn).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('of a word longer than all of it is the beginning of that word', () => {
    const { text, marks } = snippetOf(`x ${'a'.repeat(1_000)} y`, 'a'.repeat(1_000));
    expect(text.length).toBeLessThanOrEqual(SNIPPET_CHARS);
    expect(marks).toHaveLength(1);
  });
});
