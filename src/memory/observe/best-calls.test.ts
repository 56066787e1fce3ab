import { describe, expect, it } from 'vitest';
import { encodeQuestion } from '../encode/sparse.ts';
import { BestCalls } from './best-calls.ts';
import { callText } from './call-text.ts';

const bestOf = (texts: readonly string[], words: string): readonly string[] => {
  const best = new BestCalls<{ readonly id: string }>(encodeQuestion(words));
  for (const [n, text] of texts.entries()) best.add(text, () => ({ id: `${n}`.padStart(6, '0') }));
  return best.best(3).map(({ id }) => texts[Number(id)] ?? '');
};

describe('the calls that match best', () => {
  it('are those with the words that few other calls have; of equals the newest', () => {
    const common = Array.from({ length: 50 }, (_, n) => `npm test file${n}`);
    const found = bestOf([...common, 'npm run websocket', 'npm run build'], 'npm websocket');
    expect(found[0]).toBe('npm run websocket');
    expect(found[1]).toBe('npm run build');
  });

  it('G6: are found among more than are kept, counted all the same', () => {
    const best = new BestCalls<{ readonly id: string }>(encodeQuestion('alpha beta'));
    for (let n = 0; n < 5_000; n += 1)
      best.add(n === 700 ? 'alpha beta' : 'alpha and others', () => ({ id: `${n}`.padStart(6, '0') }));
    best.add('alpha', () => undefined); // not wanted
    expect([best.callCount, best.matchCount]).toEqual([5_001, 5_000]);
    expect(best.best(2).map(({ id }) => id)).toEqual(['000700', '004999']);
  });
});

describe('the text of a call', () => {
  it('is its tool, title, the values of its input, its error and how it was answered', () => {
    const data = {
      tool_name: 'Edit',
      title: 'mend',
      tool_input: { file_path: 'a.ts', edits: [{ old: 'x', n: 3 }] },
      error: 'it failed',
      tool_response: { $blob: 'f00', bytes: 90_000, head: '{"stdout":"one\\ntwo' },
    };
    expect(callText({ data })).toBe('Edit\nmend\na.ts\nx 3\nit failed\n{"stdout":"one two');
    expect(callText({ data: {} })).toBe('');
  });
});
