import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TempBus } from '../../../test/fixtures/temp-bus.ts';
import { tellLine } from '../../../test/fixtures/told-bus.ts';
import { ALPHA, segmentFile } from '../layout.ts';
import { tryParseLine } from '../line.ts';
import type { BusWriter } from '../writer.ts';
import type { BusPlace } from './bus-place.ts';
import { endOf, readTypes } from './read-types.ts';

const { signal } = new AbortController();

let bus: TempBus;
let writer: BusWriter;
beforeEach(() => {
  bus = new TempBus();
  writer = bus.open();
});
afterEach(() => {
  writer[Symbol.dispose]();
  bus[Symbol.dispose]();
});

const note = (text: string, type = 'note'): void => void tellLine(writer, { entity: 'JOB-a', type, data: { text } });

interface Read {
  readonly texts: readonly unknown[];
  readonly place: BusPlace | undefined;
  readonly isLost: boolean;
}

const read = async (from?: BusPlace, sinceMs = 0, during = (): void => undefined): Promise<Read> => {
  const texts: unknown[] = [];
  let place = from;
  for await (const piece of readTypes({ busDir: bus.busDir, types: ['note', 'signal'], from, sinceMs, signal })) {
    if (piece === 'lost') return { texts, place, isLost: true };
    texts.push(...piece.texts.map((text) => tryParseLine(text)?.data['text']));
    place = piece.end;
    during();
  }
  return { texts, place, isLost: false };
};

describe('lines of some types', () => {
  it('are read from where one has come to, each once', async () => {
    note('a');
    note('x', 'condition');
    const first = await read();
    expect(first.texts).toEqual(['a']);
    note('b', 'signal');
    note('y', 'condition');
    const second = await read(first.place);
    expect(second.texts).toEqual(['b']);
    expect((await read(second.place)).texts).toEqual([]);
    expect(await endOf(bus.busDir, signal)).toEqual(second.place);
  });

  it('that come while it reads are read the next time: two who begin together end at one place', async () => {
    for (let n = 0; n < 3_000; n += 1) note(String(n));
    const first = await read(undefined, 0, () => note('late'));
    expect(first.texts).toHaveLength(3_000);
    const { texts } = await read(first.place);
    expect(new Set(texts)).toEqual(new Set(['late']));
  });

  it('are found behind a torn line, and a torn end is read again once it is whole', async () => {
    note('a');
    const whole = readFileSync(bus.path(ALPHA), 'utf8');
    appendFileSync(bus.path(ALPHA), whole.slice(0, 100));
    note('b');
    const first = await read();
    expect(first.texts).toEqual(['a', 'b']);
    appendFileSync(bus.path(ALPHA), whole.slice(0, 300).replaceAll('\n', ''));
    expect((await read(first.place)).texts).toEqual([]);
    appendFileSync(bus.path(ALPHA), whole.slice(300));
    expect((await read(first.place)).texts).toEqual(['a']);
  });

  it('go on in the next segment, also where the one before was compressed meanwhile', async () => {
    note('a');
    const first = await read();
    note('b');
    renameSync(bus.path(ALPHA), join(bus.busDir, segmentFile(1)));
    note('c');
    expect((await read(first.place)).texts).toEqual(['b', 'c']);
    const segment = join(bus.busDir, segmentFile(1));
    writeFileSync(`${segment}.gz`, gzipSync(readFileSync(segment)));
    rmSync(segment);
    expect((await read(first.place)).texts).toEqual(['b', 'c']);
  });

  it('of segments that were left before the time are not read', async () => {
    note('old');
    const segment = join(bus.busDir, segmentFile(1));
    bus.write(ALPHA, readFileSync(bus.path(ALPHA))); // an hour ago
    renameSync(bus.path(ALPHA), segment);
    note('new');
    expect((await read(undefined, Date.now() - 600_000)).texts).toEqual(['new']);
    expect((await read()).texts).toEqual(['old', 'new']);
  });

  it('are lost where the place is gone', async () => {
    note('a');
    const { place } = await read();
    writeFileSync(bus.path(ALPHA), '');
    expect((await read(place)).isLost).toBe(true);
  });
});
