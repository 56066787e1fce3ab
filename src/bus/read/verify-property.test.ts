/** Owns the properties of a verification (G8): whatever is done to a file is found, and what a kill does is forgiven. */
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHANNEL_A, CHANNEL_B, JOB_A, JOB_B, TempBus } from '../../../test/fixtures/temp-bus.ts';
import { ALPHA, type BusFileName } from '../layout.ts';

let bus: TempBus;
let whole: ReadonlyMap<BusFileName, Buffer>;

beforeAll(() => {
  bus = new TempBus();
  bus.session(JOB_A, 3);
  bus.session(JOB_B, 2);
  bus.session(JOB_A, 1);
  whole = new Map([ALPHA, CHANNEL_A, CHANNEL_B].map((name) => [name, bus.read(name)]));
});
afterAll(() => bus[Symbol.dispose]());

const bytesOf = (name: BusFileName): Buffer => whole.get(name) ?? Buffer.alloc(0);
const linesOf = (name: BusFileName): string[] => bytesOf(name).toString('utf8').split('\n').slice(0, -1);
const anyFile = fc.constantFrom<BusFileName>(ALPHA, CHANNEL_A, CHANNEL_B);
const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const indexIn = (length: number, at: number): number => Math.floor(at * length);

/** Verifies the bus with one file changed, and puts it back. */
const verifyWith = async (name: BusFileName, bytes: Buffer | readonly string[]) => {
  if (Buffer.isBuffer(bytes)) bus.write(name, bytes);
  else bus.writeLines(name, bytes);
  const report = await bus.verify();
  bus.write(name, bytesOf(name));
  return report;
};

describe('G8: properties', () => {
  it('every single changed byte is found', async () => {
    const property = fc.asyncProperty(anyFile, share, fc.integer({ min: 1, max: 255 }), async (name, at, by) => {
      const bytes = Buffer.from(bytesOf(name));
      const index = indexIn(bytes.byteLength, at);
      const before = bytes[index] ?? 0;
      bytes[index] = (before + by) % 256;
      const report = await verifyWith(name, bytes);
      // A line feed that became a brace looks like the first byte of a line that was never finished.
      const looksTorn = (before === 10 && bytes[index] === 123) || isLastLine(name, index);
      expect(looksTorn ? report.findings.length : report.tampering).toBeGreaterThan(0);
    });
    await fc.assert(property, { numRuns: 150 });
  });

  it('every removed, swapped, repeated or moved line is found', async () => {
    const edits = fc.constantFrom('remove', 'swap', 'repeat', 'move');
    const property = fc.asyncProperty(anyFile, edits, share, share, async (name, edit, a, b) => {
      const lines = linesOf(name);
      const from = indexIn(lines.length, a);
      const to = indexIn(lines.length, b);
      fc.pre(!(edit === 'swap' && from === to));
      fc.pre(!(edit === 'remove' && from === lines.length - 1 && name === ALPHA)); // see the cut of the alpha bus
      const line = lines[from] ?? '';
      if (edit === 'remove') lines.splice(from, 1);
      if (edit === 'repeat') lines.splice(to, 0, line);
      if (edit === 'swap') [lines[from], lines[to]] = [lines[to] ?? '', line];
      fc.pre(edit !== 'swap' || isOneWriters(linesOf(name), from, to));
      const report = edit === 'move' ? await verifyWith(...moved(name, line, b)) : await verifyWith(name, lines);
      expect(report.tampering).toBeGreaterThan(0);
    });
    await fc.assert(property, { numRuns: 150 });
  });

  it('a cut at any byte of a closed session is found, and never taken for more than it is', async () => {
    const property = fc.asyncProperty(anyFile, share, async (name, at) => {
      const bytes = bytesOf(name);
      const cut = indexIn(bytes.byteLength, at);
      const report = await verifyWith(name, bytes.subarray(0, cut));
      const isWhole = cut === bytes.byteLength - 1; // only the last line feed is gone
      const isTorn = !isWhole && name === ALPHA && isLastLine(name, cut); // as by a kill between the two writes
      expect([report.tampering > 0, report.findings.length > 0]).toEqual([!isWhole && !isTorn, !isWhole]);
    });
    await fc.assert(property, { numRuns: 100 });
  });

  it('a cut in the last line of a writer that was killed is a torn line, never tampering', async () => {
    for (const [name, last] of [
      [CHANNEL_B, 'tool_call'],
      [ALPHA, 'note'],
    ] as const) {
      using killed = new TempBus();
      killed.session(JOB_A, 1);
      killed.killedSession(JOB_B, ['tool_call', 'note', last]);
      const bytes = killed.read(name);
      const begins = bytes.subarray(0, -1).lastIndexOf('\n') + 1;
      for (let cut = begins; cut < bytes.byteLength; cut += 1) {
        killed.write(name, bytes.subarray(0, cut));
        const report = await killed.verify();
        const kinds = report.findings.map(({ kind }) => kind).filter((kind) => kind !== 'unfinished');
        const isWhole = cut === begins || cut === bytes.byteLength - 1;
        expect([cut, report.tampering, kinds]).toEqual([cut, 0, isWhole ? [] : ['torn']]);
      }
    }
  });
});

/** The other file with the line put into it. */
const moved = (name: BusFileName, line: string, at: number): [BusFileName, readonly string[]] => {
  const other = name === CHANNEL_A ? CHANNEL_B : CHANNEL_A;
  const lines = linesOf(other);
  return [other, lines.toSpliced(indexIn(lines.length, at), 0, line)];
};

const isLastLine = (name: BusFileName, index: number): boolean =>
  index >= bytesOf(name).subarray(0, -1).lastIndexOf('\n') + 1;

const writerOf = (line: string | undefined): string | undefined => /"writer":"([^"]*)"/.exec(line ?? '')?.[1];

/** Lines of two writers may stand in either order: each has its own chain. */
const isOneWriters = (lines: readonly string[], from: number, to: number): boolean =>
  writerOf(lines[from]) === writerOf(lines[to]);
