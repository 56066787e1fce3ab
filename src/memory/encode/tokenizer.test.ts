import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { MAX_CHARS, readableOf, Tokenizer } from './tokenizer.ts';
import { MAX_TOKENS } from './tokens.ts';

const tokenizer = new Tokenizer();

const hashesOf = (text: string): readonly number[] => {
  const { count, hashes } = tokenizer.tokens(text);
  return [...hashes.subarray(0, count)];
};
const wordsOf = (text: string): readonly string[] => {
  const { count, starts, ends } = tokenizer.tokens(text);
  return Array.from({ length: count }, (_, n) => text.slice(starts[n], ends[n]));
};
/** Whether the question finds the text by every token it has. */
const finds = (question: string, text: string): boolean => {
  const there = new Set(hashesOf(text));
  return hashesOf(question).every((hash) => there.has(hash));
};

describe('what a text is found by', () => {
  it.each([
    ['maxAttempts', ['max', 'Attempts', 'maxAttempts']],
    ['max_attempts', ['max', 'attempts', 'max_attempts']],
    ['--no-types', ['no', 'types', 'no-types']],
    ['parseHTTP2Frame', ['parse', 'HTTP2', 'Frame', 'parseHTTP2Frame']],
    ['IDs and URLs', ['IDs', 'and', 'URLs']],
    ['see src/bus/entities.ts.', ['see', 'src', 'bus', 'entities', 'ts', 'entities.ts', 'src/bus/entities.ts']],
    ['C:\\nika\\a.ts', ['C', 'nika', 'a', 'ts', 'a.ts', 'nika\\a.ts']],
    ['ENOENT TS2345 E0308', ['ENOENT', 'TS2345', 'E0308']],
    ['HTTP 404', ['HTTP', '404']],
    ['300ms 2kB', ['300', 'ms', '300ms', '2', 'kB', '2kB']],
    ['1.16.3 0.5', ['1.16.3', '0.5']],
    ['1,000,000 and 1,2', ['1,000,000', 'and', '1', '2']],
    ["don't, the pod's", ["don't", 'the', 'pod']],
    ['東京都', ['東京', '京都']],
    ['車', ['車']],
    ['nikaのログ', ['nika', 'のロ', 'ログ']],
    ['aGVsbG8gd29ybGQ5ZmZhYmNkZWY', ['aGVsbG8gd29ybGQ5ZmZhYmNkZWY']],
  ])('%s', (text, words) => {
    expect(wordsOf(text)).toEqual(words);
  });

  it.each([
    ['max_attempts', 'maxAttempts'],
    ['websocket', 'WebSocket'],
    ['web socket', 'WebSockets'],
    ['STRASSE', 'Straße'],
    ['cafe naive', 'Café, naïve'],
    ['cafe', 'cafe\u0301'],
    ['ＴＳ２３４５', 'TS2345'],
    ['1000000', '1,000,000'],
    ['1.16.3', 'v1.16.3'],
    ['retry', 'retries retried'],
    ['sockets that stop', 'it stopped the socket: that one'],
    ['write caches', 'writing a cache'],
    ['entities.ts', 'src/bus/query/entities.ts:12:5'],
    ['src\\bus\\line.ts', './src/bus/line.ts'],
    ['JOB k3f9xq2m', 'JOB-20261120-k3f9xq2m'],
    ['한국어', '\u1112\u1161\u11ab\u1100\u116e\u11a8\u110b\u1165'],
  ])('"%s" finds "%s"', (question, text) => {
    expect(finds(question, text)).toBe(true);
  });

  it('keeps words apart that only look alike', () => {
    const groups = [
      'string',
      'str',
      'status',
      'stat',
      'redis',
      'red',
      'add',
      'ad',
      'TS2345',
      'TS2346',
      'E0308',
      '0308',
    ];
    expect(new Set(groups.flatMap(hashesOf)).size).toBe(groups.length);
  });

  it('gives the same hash in every process (T1)', () => {
    expect(hashesOf('nika feed src/bus/line.ts')).toMatchInlineSnapshot(`
      [
        505294120,
        2872403493,
        3543982537,
        1607822841,
        911001080,
        1178947184,
        1009593474,
        3625415941,
      ]
    `);
  });
});

describe('on any text', () => {
  it('gives tokens that lie in the text', () => {
    const odd = fc.string({ unit: 'binary', maxLength: 100 });
    const near = fc.string({
      unit: fc.constantFrom(...Array.from(`aZ9_-./\\',’ é東ｶ\u0301\u1112\u1161𠮷`)),
      maxLength: 200,
    });
    fc.assert(
      fc.property(fc.oneof(odd, near), (text) => {
        const { count, starts, ends } = tokenizer.tokens(text);
        const { length } = readableOf(text);
        const isIn = Array.from({ length: count }, (_, n) => [starts[n] ?? 0, ends[n] ?? 0] as const).every(
          ([start, end]) => start < end && end <= length,
        );
        expect(isIn).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('gives the same tokens for what stands between others as for it alone', () => {
    const word = fc.string({ unit: fc.constantFrom(...Array.from(`aBc9_-./é東'`)), minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(word, word, (one, other) => {
        expect(hashesOf(`${one} ; ${other}`)).toEqual([...hashesOf(one), ...hashesOf(other)]);
      }),
      { numRuns: 500 },
    );
  });

  it.each(['a', 'aB1', 'é', '東', 'a/', "a'", '𠮷', '\u1100', '1,', '-', 'Aa.', 'a b '])(
    'a million characters of "%s" take a bounded time and number of tokens (T2)',
    (unit) => {
      const atMs = performance.now();
      const { count } = tokenizer.tokens(unit.repeat(Math.ceil(1_000_000 / unit.length)));
      expect(performance.now() - atMs).toBeLessThan(1_000); // some ms; the machine may be busy
      expect(count).toBeLessThanOrEqual(MAX_TOKENS);
    },
  );

  it('reads so much of it and no more', () => {
    const text = `${'. '.repeat(MAX_CHARS / 2)}late`;
    expect(hashesOf(text)).toEqual([]);
  });
});
