import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TempBus } from '../../../test/fixtures/temp-bus.ts';
import { tryParseLine } from '../line.ts';
import type { BusFilePart } from './files.ts';
import { type RawLine, readLines, type ReadOptions } from './lines.ts';

let bus: TempBus;
beforeEach(() => {
  bus = new TempBus();
});
afterEach(() => bus[Symbol.dispose]());

const H = '0123456789abcdef'.repeat(4);
const lineOf = (data: object, seq = 1): string =>
  `{"ts":"2026-11-20T11:27:03.123Z","type":"note","entity":"JOB-a","writer":"w","seq":${seq},"id":"i${seq}","meta":{},"data":${JSON.stringify(data)},"h":"${H}"}`;

const partOf = (bytes: Buffer | string, compressed = false): BusFilePart => {
  const path = join(bus.busDir, compressed ? 'x.jsonl.gz' : 'x.jsonl');
  writeFileSync(path, compressed ? gzipSync(bytes) : bytes);
  return { path, compressed, sizeBytes: bytes.length, mtimeMs: 0 };
};

const read = async (part: BusFilePart, options?: ReadOptions): Promise<RawLine[]> => {
  const all: RawLine[] = [];
  for await (const lines of readLines(part, options)) all.push(...lines);
  return all;
};

const brief = (lines: readonly RawLine[]) => lines.map(({ line, kind, text }) => [line, kind, text]);

describe('reading lines', () => {
  it('gives each with its number, plain and compressed, whatever the characters, over many chunks', async () => {
    const texts = Array.from({ length: 3000 }, (_, seq) => lineOf({ text: `é—漢🦊${'x'.repeat(seq)}` }, seq));
    const expected = texts.map((text, index) => [index + 1, 'whole', text]);
    const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(''));
    expect(brief(await read(partOf(bytes)))).toEqual(expected);
    expect(brief(await read(partOf(bytes, true)))).toEqual(expected);
  });

  it('passes over empty lines, and counts them', async () => {
    const lines = await read(partOf(`\n${lineOf({})}\n\n\n${lineOf({}, 2)}\n`));
    expect(lines.map(({ line, kind }) => [line, kind])).toEqual([
      [2, 'whole'],
      [5, 'whole'],
    ]);
  });

  it('gives a last line that lacks only its line feed as whole, and a torn one as torn', async () => {
    const whole = lineOf({});
    expect(brief(await read(partOf(`${whole}\n${whole}`)))).toEqual([
      [1, 'whole', whole],
      [2, 'whole', whole],
    ]);
    expect(brief(await read(partOf(`${whole}\n${whole.slice(0, -1)}`)))[1]).toEqual([2, 'torn', whole.slice(0, -1)]);
  });

  it('G2: cuts a line that was glued to a torn one out again, at whichever byte it was torn', async () => {
    const torn = lineOf({ text: 'a "quoted" {"ts":"x"} text', nested: { ts: 'a', deep: { ts: 'b' } } }, 1);
    const next = lineOf({ n: { ts: 'c' } }, 2);
    for (let at = 1; at < torn.length; at += 1) {
      const lines = await read(partOf(`${torn.slice(0, at)}${next}\n`));
      expect(brief(lines)).toEqual([
        [1, 'torn', torn.slice(0, at)],
        [1, 'salvaged', next],
      ]);
    }
  });

  it('G2: finds every whole line among torn ones, however they are glued', async () => {
    const piece = fc.record({
      isTorn: fc.boolean(),
      at: fc.double({ min: 0.01, max: 0.99, noNaN: true }),
      feed: fc.boolean(),
    });
    const property = fc.asyncProperty(fc.array(piece, { maxLength: 12 }), fc.object(), async (pieces, data) => {
      let text = '';
      const whole: string[] = [];
      for (const [index, { isTorn, at, feed }] of pieces.entries()) {
        const line = lineOf({ ...data, text: '}{"' }, index);
        text += isTorn ? line.slice(0, Math.ceil(at * line.length)) : line;
        if (feed) text += '\n';
        if (!isTorn || Math.ceil(at * line.length) === line.length) whole.push(line);
      }
      const lines = await read(partOf(text));
      expect(lines.filter(({ kind }) => kind !== 'torn').map(({ text }) => text)).toEqual(whole);
      expect(lines.map(({ text }) => text).join('')).toBe(text.replaceAll('\n', ''));
    });
    await fc.assert(property, { numRuns: 100 });
  });

  it('takes an object inside a body that begins as a line does for no line of its own', async () => {
    const line = lineOf({ bus: [{ ts: '2026' }, tryParseLine(lineOf({}, 7))] });
    expect(brief(await read(partOf(`${line}\n`)))).toEqual([[1, 'whole', line]]);
    const torn = line.slice(0, -3);
    expect(brief(await read(partOf(`${torn}\n`)))).toEqual([[1, 'torn', torn]]);
  });

  it('G6: survives megabytes without a line feed, and finds the line that is glued to their end', async () => {
    const line = lineOf({ text: 'x'.repeat(60_000) });
    const rubbish = Buffer.alloc(12 * 1024 * 1024, '{"a":1,');
    const lines = await read(partOf(Buffer.concat([rubbish, Buffer.from(`${line}\n${lineOf({}, 2)}\n`)])));
    expect(lines.filter(({ kind }) => kind !== 'torn').map(({ line, text }) => [line, text])).toEqual([
      [1, line],
      [2, lineOf({}, 2)],
    ]);
    const torn = lines.filter(({ kind }) => kind === 'torn');
    expect(torn.reduce((sum, { text }) => sum + text.length, 0)).toBe(rubbish.byteLength);
    expect(Math.max(...torn.map(({ text }) => text.length))).toBeLessThan(2 * 1024 * 1024);
  });

  it('begins where it is told, plain and compressed', async () => {
    const text = `${lineOf({}, 1)}\n${lineOf({}, 2)}\n`;
    const fromByte = text.length / 2;
    expect(brief(await read(partOf(text), { fromByte }))).toEqual([[1, 'whole', lineOf({}, 2)]]);
    expect(brief(await read(partOf(text, true), { fromByte }))).toEqual([[1, 'whole', lineOf({}, 2)]]);
  });

  it('ends with the reason of its signal', async () => {
    const reason = new Error('enough');
    await expect(read(partOf(lineOf({})), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it('says which file it is that is missing, no file, or damaged', async () => {
    const unreadable = (path: string) => expect.objectContaining({ code: 'NIKA_BUS_UNREADABLE', subject: path });
    const missing = { path: join(bus.busDir, 'gone.jsonl'), compressed: false, sizeBytes: 0, mtimeMs: 0 };
    await expect(read(missing)).rejects.toEqual(unreadable(`${missing.path}.gz`));
    await expect(read({ ...missing, path: bus.busDir })).rejects.toEqual(unreadable(bus.busDir));
    const part = partOf(Buffer.from(lineOf({}).repeat(100)), true);
    writeFileSync(part.path, 'this is not gzip');
    await expect(read(part)).rejects.toEqual(unreadable(part.path));
  });
});
