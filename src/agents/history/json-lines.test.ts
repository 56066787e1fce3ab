import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JsonLines, MAX_LINE_BYTES } from './json-lines.ts';
import type { Unreadable } from './told.ts';

let dir: string;
let path: string;
let unreadable: Unreadable[];
let bytes: number;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nika-lines-'));
  path = join(dir, 'x.jsonl');
  unreadable = [];
  bytes = 0;
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const open = (isOpen = false): JsonLines =>
  new JsonLines(path, {
    isOpen,
    onUnreadable: (one) => unreadable.push(one),
    onBytes: (count) => (bytes += count),
  });

const numbersIn = (lines: JsonLines): readonly unknown[] => {
  const all: unknown[] = [];
  for (let record = lines.next(); record !== undefined; record = lines.next()) all.push([lines.line, record['n']]);
  return all;
};

describe('lines of JSON', () => {
  it('come with their numbers, whatever their length, and the bytes that were read are told', () => {
    const lengths = [0, 10, 65_530, 1_048_560, 3_000_000, 5];
    const text = lengths.map((length, n) => `${JSON.stringify({ n, text: 'ä'.repeat(length / 2) })}\n`).join('');
    writeFileSync(path, text);
    expect(numbersIn(open())).toEqual(lengths.map((_, n) => [n + 1, n]));
    expect([unreadable, bytes]).toEqual([[], Buffer.byteLength(text)]);
  });

  it('that are none are told by file and number; the others are read', () => {
    writeFileSync(path, '{"n":1}\n{"n":\n\n[1]\n\u0000\u0001\r\n{"n":2}\r\nnull\n{"n":3}');
    expect(numbersIn(open())).toEqual([
      [1, 1],
      [6, 2],
      [8, 3],
    ]);
    expect(unreadable.map(({ file, line }) => [file, line])).toEqual([2, 4, 5, 7].map((line) => [path, line]));
    expect(unreadable[1]?.why).toBe('it is no JSON object');
  });

  it('a last one that is cut off is told, unless it is being written just now', () => {
    writeFileSync(path, '{"n":1}\n{"n":2,"te');
    expect(numbersIn(open(true))).toEqual([[1, 1]]);
    expect(unreadable).toEqual([]);
    expect(numbersIn(open())).toEqual([[1, 1]]);
    expect(unreadable).toMatchObject([{ line: 2, why: expect.stringContaining('it is cut off') }]);
  });

  it('G6: one that is longer than it may be is passed over, and told', () => {
    writeFileSync(path, '{"n":1}\n{"n":2,"text":"');
    const piece = 'x'.repeat(8 * 1024 * 1024);
    for (let written = 0; written <= MAX_LINE_BYTES; written += piece.length) appendFileSync(path, piece);
    appendFileSync(path, '"}\n{"n":3}\n');
    const before = process.memoryUsage().rss;
    expect(numbersIn(open())).toEqual([
      [1, 1],
      [3, 3],
    ]);
    expect(unreadable).toEqual([{ file: path, line: 2, why: 'it has more than 64 MiB' }]);
    expect(process.memoryUsage().rss - before).toBeLessThan(6 * MAX_LINE_BYTES);
  });

  it('of a file that cannot be read: that is told, and there are none', () => {
    expect(numbersIn(open())).toEqual([]);
    expect(unreadable).toMatchObject([{ file: path, line: 0, why: expect.stringContaining('ENOENT') }]);
  });
});
