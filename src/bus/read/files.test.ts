import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CHANNEL_A, CHANNEL_B, JOB_A, JOB_B, TempBus, tell } from '../../../test/fixtures/temp-bus.ts';
import { ALPHA } from '../layout.ts';
import { type BusFile, findBusFile, listBusFiles } from './files.ts';
import { readLines } from './lines.ts';

let bus: TempBus;
beforeEach(() => {
  bus = new TempBus();
});
afterEach(() => bus[Symbol.dispose]());

const partNames = (file: BusFile | undefined): readonly string[] => file?.parts.map(({ path }) => basename(path)) ?? [];
const textsOf = async (file: BusFile | undefined): Promise<readonly string[]> => {
  const texts: string[] = [];
  for (const part of file?.parts ?? []) {
    for await (const lines of readLines(part)) texts.push(...lines.map(({ text }) => text));
  }
  return texts;
};

describe('the files of a bus', () => {
  it('are the alpha bus first, then the channels by name', () => {
    bus.session(JOB_B, 1);
    bus.session(JOB_A, 1);
    expect(listBusFiles(bus.busDir).map(({ name }) => name)).toEqual([ALPHA, CHANNEL_A, CHANNEL_B]);
  });

  it('have their parts in order of writing: full segments by number, then the one that is written to', () => {
    for (const name of [
      'alpha_bus.000010.jsonl',
      'alpha_bus.000002.jsonl.gz',
      'alpha_bus.jsonl',
      'alpha_bus.000003.jsonl',
    ]) {
      writeFileSync(join(bus.busDir, name), name.endsWith('.gz') ? gzipSync('') : '');
    }
    const parts = ['alpha_bus.000002.jsonl.gz', 'alpha_bus.000003.jsonl', 'alpha_bus.000010.jsonl', 'alpha_bus.jsonl'];
    expect(partNames(findBusFile(bus.busDir, ALPHA))).toEqual(parts);
  });

  it('leave out what is beside them while a file is being compressed, and folders', () => {
    bus.session(JOB_A, 1);
    writeFileSync(join(bus.busDir, 'channels', '.JOB-a.jsonl.gz.123.tmp'), 'x');
    writeFileSync(join(bus.busDir, 'channels', 'JOB-a.jsonl.gz.tmp'), 'x');
    mkdirSync(join(bus.busDir, 'channels', 'JOB-dir.jsonl'));
    expect(listBusFiles(bus.busDir).map(({ name }) => name)).toEqual([ALPHA, CHANNEL_A]);
  });

  it('are none where a bus was never written, and an error that names the folder where there is none', () => {
    expect(listBusFiles(bus.busDir)).toEqual([]);
    expect(findBusFile(bus.busDir, CHANNEL_A)).toBeUndefined();
    const missing = join(bus.dir, 'elsewhere');
    expect(() => listBusFiles(missing)).toThrow(
      expect.objectContaining({ code: 'NIKA_BUS_UNREADABLE', subject: missing }),
    );
  });

  it('give each line once where a crash left the compressed file beside the plain one', async () => {
    bus.session(JOB_A, 3);
    const before = bus.lines(CHANNEL_A);
    writeFileSync(`${bus.path(CHANNEL_A)}.gz`, gzipSync(readFileSync(bus.path(CHANNEL_A))));
    const file = findBusFile(bus.busDir, CHANNEL_A);
    expect(partNames(file)).toEqual(['JOB-a.jsonl']);
    expect(await textsOf(file)).toEqual(before);
  });

  it('give also the lines that a writer added after such a crash', async () => {
    bus.session(JOB_A, 3);
    writeFileSync(`${bus.path(CHANNEL_A)}.gz`, gzipSync(readFileSync(bus.path(CHANNEL_A))));
    bus.session(JOB_A, 1);
    expect(await textsOf(findBusFile(bus.busDir, CHANNEL_A))).toEqual(bus.lines(CHANNEL_A));
    expect((await bus.verify()).findings).toEqual([]);
  });

  it('give the compressed lines and then those of a plain file that was begun later', async () => {
    bus.session(JOB_A, 2);
    const archived = bus.lines(CHANNEL_A);
    writeFileSync(`${bus.path(CHANNEL_A)}.gz`, gzipSync(bus.read(CHANNEL_A)));
    bus.write(CHANNEL_A, '');
    bus.session(JOB_A, 1);
    const file = findBusFile(bus.busDir, CHANNEL_A);
    expect(partNames(file)).toEqual(['JOB-a.jsonl.gz', 'JOB-a.jsonl']);
    expect(await textsOf(file)).toEqual([...archived, ...bus.lines(CHANNEL_A)]);
    expect((await bus.verify()).findings).toEqual([]);
  });

  it('are read on also where they were renamed or compressed since they were listed', async () => {
    using writer = bus.open({ segmentBytes: 300 });
    tell(writer, { entity: JOB_A, type: 'note' });
    const listed = listBusFiles(bus.busDir);
    const [alpha, channel] = listed;
    const before = [bus.lines(ALPHA), bus.lines(CHANNEL_A)];
    renameSync(bus.path(ALPHA), join(bus.busDir, 'alpha_bus.000001.jsonl'));
    appendFileSync(bus.path(ALPHA), 'another file of that name\n');
    writeFileSync(`${bus.path(CHANNEL_A)}.gz`, gzipSync(bus.read(CHANNEL_A)));
    rmSync(bus.path(CHANNEL_A));
    expect([await textsOf(alpha), await textsOf(channel)]).toEqual(before);
  });
});
