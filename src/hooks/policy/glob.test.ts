import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileGlob, compileTools } from './glob.ts';

/** The same language as a regular expression. */
const toRegex = (pattern: string): RegExp => {
  const source = pattern.replaceAll(/\\[*\\]|\*|[^*]/gsu, (part) => {
    if (part === '*') return '.*';
    const literal = part.length === 2 && part.startsWith('\\') ? part.slice(1) : part;
    return literal.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
  });
  return new RegExp(`^${source}$`, 's');
};

const letters = fc.constantFrom('a', 'b', '*', '\\', '/', '\n', '.');

describe('compileGlob', () => {
  it('matches what the same pattern as a regular expression matches', () => {
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 8 }), fc.array(letters, { maxLength: 10 }), (pattern, text) => {
        expect(compileGlob(pattern.join(''))(text.join(''))).toBe(toRegex(pattern.join('')).test(text.join('')));
      }),
      { numRuns: 20_000 },
    );
  });

  it('takes time linear in the text where a regular expression would backtrack for ever', () => {
    const startedAtMs = performance.now();
    expect(compileGlob(`${'*a'.repeat(30)}*b`)('a'.repeat(1_000_000))).toBe(false);
    expect(performance.now() - startedAtMs).toBeLessThan(500);
  });

  it.each([
    ['shell', 'shell', true],
    ['shell', 'Shell', false],
    ['Write|Edit', 'Edit', true],
    ['mcp__*__get|x', 'mcp__a__get', true],
    ['Write|Edit', 'WriteEdit', false],
  ])('of tools: %s, %s: %s', (tools, tool, isMatch) => {
    expect(compileTools(tools)(tool)).toBe(isMatch);
  });
});
