import fc from 'fast-check';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { beforeAll, describe, expect, it } from 'vitest';
import { clauseOf } from '../state/clause.ts';
import { cutToTokens, fillGroups } from './cut-to-tokens.ts';
import { type DigestItem, SECTIONS } from './digest-item.ts';
import { MIN_MAX_TOKENS } from './max-tokens.ts';
import { type CountTokens, openTokenCount } from './token-count.ts';
import { writeDigest } from './write-digest.ts';

const tokensOf = (text: string): number => countTokens(text, { disallowedSpecial: new Set() });

let count: CountTokens;
beforeAll(async () => {
  count = await openTokenCount();
});

/** Texts that take more tokens than they look, or would like to be something else. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: fc.constantFrom('漢', '字', 'ก', 'ا', '한', '\u0301'), maxLength: 300 }),
  fc.string({ unit: fc.constantFrom('👩‍👩‍👧‍👦', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', '\uD83D', '\uDC69', '⚙️'), maxLength: 100 }),
  fc.base64String({ maxLength: 400 }),
  fc.string({ unit: fc.constantFrom('/usr/lib/', 'node_modules/', '..', 'ä', '%20', '\\', ' '), maxLength: 80 }),
  fc.constantFrom('<|endoftext|>'.repeat(20), '\n\n\n/\n/\n', '   \n\t', '-'.repeat(300), '0123456789'.repeat(30), ''),
);

const item = fc.record({
  section: fc.constantFrom(...SECTIONS),
  id: fc.oneof(
    fc.integer({ min: 0, max: 400 }).map((n) => `JOB-${n}`),
    fc.stringMatching(/^JOB-20261120-[a-z2-7]{8}$/),
    fc.stringMatching(/^JOB-[A-Za-z0-9][A-Za-z0-9._-]{90,99}$/),
  ),
  job: hostile,
  parent: fc.option(
    fc.integer({ min: 0, max: 400 }).map((n) => `JOB-${n}`),
    { nil: undefined },
  ),
  rank: fc.integer({ min: 0, max: 3 }),
  at: fc.integer({ min: 0, max: 1e9 }).map((ms) => new Date(ms).toISOString()),
  facts: fc.array(fc.constantFrom('3m ago', 'attempt 2/3', '$0.42', 'on a-host-with-a-name'), { maxLength: 4 }),
  clause: hostile.map((text) => clauseOf(text, 240)),
  isNew: fc.constant(true),
  costUsd: fc.constant(0),
});

const options = (maxTokens: number, missing: string) => ({
  maxTokens,
  count,
  nowMs: Date.UTC(2026, 10, 20, 12),
  cursor: `d1-ffff-${'f0'.repeat(5)}-${'z'.repeat(11)}-${'z9'.repeat(4)}`,
  span: { kind: 'cursor' as const, ms: 8_888_888_888 },
  missing,
  manner: 'cli' as const,
});

describe('a digest', () => {
  it('has never more tokens than it may, whatever names, errors and results hold', () => {
    const more = fc.dictionary(hostile, fc.integer({ min: 1, max: 1e9 }), { maxKeys: 60 });
    fc.assert(
      fc.property(
        fc.array(item, { maxLength: 250, size: 'max' }),
        more,
        fc.integer({ min: MIN_MAX_TOKENS, max: 1_500 }),
        hostile,
        (items: readonly DigestItem[], rest, maxTokens, missing) => {
          const gathered = { items, more: new Map([['finished', new Map(Object.entries(rest))] as const]) };
          const { text, tokens } = writeDigest(gathered, options(maxTokens, missing));
          expect(tokensOf(text)).toBe(tokens);
          expect(tokens).toBeLessThanOrEqual(maxTokens);
          expect(text).toMatch(/\n$/);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('tells of every job, each or in a count, where there is room for the counts', () => {
    fc.assert(
      fc.property(fc.uniqueArray(item, { selector: ({ id }) => id, maxLength: 80 }), (items: readonly DigestItem[]) => {
        const told = writeDigest({ items, more: new Map() }, options(1_500, ''));
        const omitted = Object.values(told.omitted).flatMap((byJob) => Object.values(byJob));
        const count_ = told.items.length + omitted.reduce((sum, n) => sum + n, 0) + told.foldedCount;
        expect(count_).toBe(items.length);
      }),
      { numRuns: 40 },
    );
  });
});

describe('a text within so many tokens', () => {
  it('is as long as it can be, and no character is cut in two', () => {
    fc.assert(
      fc.property(fc.array(hostile, { maxLength: 12 }), fc.integer({ min: 0, max: 300 }), (texts, maxTokens) => {
        const text = texts.join('\n');
        const cut = cutToTokens(text, maxTokens, count);
        expect(tokensOf(cut)).toBeLessThanOrEqual(maxTokens);
        expect(text.startsWith(cut)).toBe(true);
        const isShort = text.isWellFormed() && tokensOf(text) < maxTokens / 2;
        expect(cut.isWellFormed() || !text.isWellFormed()).toBe(true);
        expect(cut === text || !isShort).toBe(true);
      }),
      { numRuns: 80 },
    );
  });

  it('a long word takes no long time', () => {
    const fromMs = performance.now();
    expect(tokensOf(cutToTokens('abcdefghij'.repeat(100_000), 800, count))).toBeLessThanOrEqual(800);
    expect(performance.now() - fromMs).toBeLessThan(3_000);
  });

  it('of several kinds: each has its share, and what one leaves is for the others', () => {
    const lines = (word: string, n: number): string[] => Array.from({ length: n }, (_, at) => `${word} ${at}`);
    const groups = [
      { title: 'A', lines: lines('a', 100), share: 0.5 },
      { title: 'B', lines: lines('b', 2), share: 0.5, isReversed: true },
    ];
    const [a, b] = fillGroups(groups, 100, count);
    expect(b?.text).toEqual(['B', 'b 1', 'b 0']);
    expect(a?.leftOut).toBeGreaterThan(0);
    expect(count(`${[...(a?.text ?? []), ...(b?.text ?? [])].join('\n')}\n`)).toBeLessThanOrEqual(100);
  });
});
