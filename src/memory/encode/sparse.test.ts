import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { BM25, encodeDocument, encodeQuestion, SparseEncoder, termsOf } from './sparse.ts';

const scoreOf = (question: string, text: string): number => {
  const { indices, values } = encodeDocument(text);
  const wanted = new Set(encodeQuestion(question).indices);
  return indices.reduce((sum, hash, n) => sum + (wanted.has(hash) ? (values[n] ?? 0) : 0), 0);
};

describe('the sparse vector of a document', () => {
  it('has each token once, in the order of the hashes, with short numbers', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
        const { indices, values } = encodeDocument(text);
        expect(values).toHaveLength(indices.length);
        expect(indices.every((hash, n) => n === 0 || hash > (indices[n - 1] ?? 0))).toBe(true);
        expect(indices.every((hash) => Number.isInteger(hash) && hash >= 0 && hash < 2 ** 32)).toBe(true);
        expect(values.every((value) => value > 0 && value <= BM25.k1 + 1 && String(value).length <= 6)).toBe(true);
      }),
    );
  });

  it('is empty for what has no word', () => {
    expect(encodeDocument(' … !? \n')).toEqual({ indices: [], values: [] });
  });

  it('does not remember the document before it', () => {
    const alone = new SparseEncoder().document('a flaky websocket test');
    encodeDocument('a flaky flaky flaky test of something else');
    expect(encodeDocument('a flaky websocket test')).toEqual(alone);
  });

  it('says more of what is named often, and less and less so', () => {
    const [once, twice, often] = [1, 2, 20].map((times) => scoreOf('flaky', 'flaky '.repeat(times))) as [
      number,
      number,
      number,
    ];
    expect(once).toBeLessThan(twice);
    expect(often / once).toBeLessThan(BM25.k1 + 1);
  });

  it('holds a long document back', () => {
    expect(scoreOf('flaky', `flaky ${'word '.repeat(2_000)}`)).toBeLessThan(scoreOf('flaky', 'flaky test'));
  });
});

describe('a question', () => {
  it('has each word once, each with the same weight', () => {
    const { indices, values } = encodeQuestion('flaky flaky tests, test');
    expect(indices).toHaveLength(2);
    expect(values).toEqual([1, 1]);
  });

  it('has none of the words that nothing is found by', () => {
    expect(termsOf('has anyone fixed a flaky websocket test before, and how?').map(({ token }) => token)).toEqual([
      'fixed',
      'flaky',
      'websocket',
      'test',
    ]);
  });

  it('names the token to each hash', () => {
    const terms = termsOf('maxAttempts of ENOENT');
    expect(terms.map(({ token }) => token)).toEqual(['max', 'attempts', 'maxattempts', 'enoent']);
    expect(terms.map(({ hash }) => hash).toSorted((a, b) => a - b)).toEqual(
      encodeQuestion('maxAttempts of ENOENT').indices,
    );
  });
});
