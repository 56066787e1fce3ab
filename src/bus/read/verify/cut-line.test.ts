import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCutLine } from './cut-line.ts';

const H = '0123456789abcdef'.repeat(4);
const lineOf = (data: unknown): string =>
  `{"ts":"2026-11-20T11:27:03.123Z","type":"note","entity":"JOB-a","writer":"w","seq":1,"id":"i","meta":{"v":1},"data":${JSON.stringify(data)},"h":"${H}"}`;

/** Bytes as characters, as a verification reads them. */
const latin1 = (text: string): string => Buffer.from(text).toString('latin1');
const data = fc.dictionary(fc.string(), fc.jsonValue());

describe('a torn line', () => {
  it('is told by its being the beginning of a line, at whichever byte it was cut', () => {
    const property = fc.property(data, (value) => {
      const line = latin1(lineOf(value));
      for (let at = 1; at < line.length; at += 1) expect(isCutLine(line.slice(0, at))).toBe(true);
      expect(isCutLine(line)).toBe(false);
    });
    fc.assert(property, { numRuns: 50 });
  });

  it('may have others glued to it, and zeros after it', () => {
    const cuts = fc.array(fc.tuple(data, fc.double({ min: 0.01, max: 0.99, noNaN: true })), {
      minLength: 1,
      maxLength: 6,
    });
    const property = fc.property(cuts, fc.nat(5), (glued, zeros) => {
      const text = glued.map(([value, at]) => {
        const line = latin1(lineOf(value));
        return line.slice(0, Math.min(line.length - 1, Math.ceil(at * line.length)));
      });
      expect(isCutLine(text.join('') + '\0'.repeat(zeros))).toBe(true);
    });
    fc.assert(property, { numRuns: 200 });
  });

  it.each([
    ['whole but for a byte inside', lineOf({ a: 1 }).replace('"data"', '"dat!"')],
    ['whole but for its last byte', `${lineOf({}).slice(0, -1)}X`],
    ['whole but for a quote', lineOf({ a: 'b' }).replace('"b"', '"bX')],
    ['with something after its end', `${lineOf({})} `],
    ['the end of a line only', lineOf({}).slice(10)],
    ['with spaces between its keys', lineOf({}).slice(0, 60).replaceAll(',', ', ')],
    ['with keys in another order', '{"type":"note","ts":"2026'],
    ['with a hash that is longer than one', `${lineOf({}).slice(0, -2)}0`],
    ['not of the bus', 'rubbish'],
  ])('is not taken for one that is %s', (_, text) => {
    expect(isCutLine(text)).toBe(false);
  });
});
