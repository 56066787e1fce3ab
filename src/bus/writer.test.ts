import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createEventId } from '../model/event-id.ts';
import { type EntityId, parseEntityId } from '../model/id.ts';
import type { FileOutage } from './file-outage.ts';
import { createChain } from './chain.ts';
import { type BusLine, type BusRecord, tryParseLine } from './line.ts';
import { readRegistrations } from './registration.ts';
import { BusWriter, type BusWriterOptions } from './writer.ts';

const JOB = parseEntityId('JOB-writer-test');

const record = (data: object, type = 'note', entity: EntityId = JOB): BusRecord => ({
  ts: new Date().toISOString(),
  type,
  entity,
  id: createEventId(Date.now()),
  metaJson: '{"v":1}',
  dataJson: JSON.stringify(data),
});

let home: string;
const busDir = (): string => join(home, '_bus');
const open = (options: Partial<BusWriterOptions> = {}): BusWriter =>
  BusWriter.open({
    busDir: busDir(),
    runDir: join(home, 'run'),
    chain: createChain(),
    segmentBytes: 1e9,
    backlog: { maxCount: 100, maxBytes: 1e6 },
    ...options,
  });

const linesOf = (file: string): readonly BusLine[] =>
  readFileSync(join(busDir(), file), 'utf8')
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => {
      const line = tryParseLine(text);
      if (line === undefined) throw new Error(`not a line: ${text}`);
      return line;
    });

const expectChain = (lines: readonly BusLine[], file: 'alpha_bus.jsonl' | `channels/${string}.jsonl`): void => {
  const chain = createChain();
  let previous = chain.genesis(file, lines[0]?.writer ?? '');
  const texts = readFileSync(join(busDir(), file), 'utf8')
    .split('\n')
    .filter((text) => text !== '');
  for (const [index, line] of lines.entries()) {
    const text = texts[index] ?? '';
    expect(line.seq).toBe(index + 1);
    expect(line.h).toBe(chain.next(previous, text.slice(0, text.lastIndexOf(',"h":"'))));
    previous = line.h;
  }
};

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'nika-bus-'));
});
afterEach(() => {
  rmSync(home, { recursive: true, force: true });
});

describe('what stands where', () => {
  it('puts a tool call into the channel alone, and any other message also on the alpha bus with the same id', () => {
    using writer = open();
    writer.write(record({ n: 1 }, 'tool_call'));
    writer.write(record({ n: 2 }, 'note'));
    const channel = linesOf(`channels/${JOB}.jsonl`);
    const alpha = linesOf('alpha_bus.jsonl');
    expect(channel.map(({ type }) => type)).toEqual(['tool_call', 'note']);
    expect(alpha.map(({ id }) => id)).toEqual([channel[1]?.id]);
  });

  it('G8: chains each file of its own from the name of the file and of the writer', () => {
    using writer = open();
    for (let n = 0; n < 5; n += 1) writer.write(record({ n }));
    expectChain(linesOf('alpha_bus.jsonl'), 'alpha_bus.jsonl');
    expectChain(linesOf(`channels/${JOB}.jsonl`), `channels/${JOB}.jsonl`);
    expect(writer.heads()).toEqual(
      ['channels/JOB-writer-test.jsonl', 'alpha_bus.jsonl'].map((file) => ({
        file,
        writer: writer.id,
        seq: 5,
        h: linesOf(file)[4]?.h,
      })),
    );
  });

  it('makes files that only their owner reads, in folders that only their owner enters', () => {
    using writer = open();
    writer.write(record({}));
    expect(statSync(join(busDir(), 'alpha_bus.jsonl')).mode & 0o777).toBe(0o600);
    expect(statSync(join(busDir(), 'channels')).mode & 0o777).toBe(0o700);
  });

  it('makes the channel of an entity once', () => {
    using first = open();
    using second = open();
    expect(first.createChannel(JOB)).toBe('created');
    expect(second.createChannel(JOB)).toBe('exists');
  });

  it('keeps few files open, and their chains whole, with a thousand channels (G6)', () => {
    using writer = open();
    const ids = Array.from({ length: 300 }, (_, n) => parseEntityId(`JOB-many-${n}`));
    for (let round = 0; round < 2; round += 1) for (const id of ids) writer.write(record({ round }, 'tool_call', id));
    const openFiles = readdirSync('/proc/self/fd').length;
    expect(openFiles).toBeLessThan(200);
    expect(linesOf('channels/JOB-many-0.jsonl').map(({ seq }) => seq)).toEqual([1, 2]);
    expectChain(linesOf('channels/JOB-many-0.jsonl'), 'channels/JOB-many-0.jsonl');
  });
});

describe('when the disk refuses', () => {
  it('G1, G3: a full device holds lines back, and all of them are written in order once it is gone', () => {
    mkdirSync(busDir());
    symlinkSync('/dev/full', join(busDir(), 'alpha_bus.jsonl'));
    const outages: FileOutage[] = [];
    const starts: string[] = [];
    using writer = open({
      onOutageStart: (file, why) => starts.push(`${file} ${why}`),
      onOutageEnd: (outage) => outages.push(outage),
    });
    for (let n = 0; n < 10; n += 1) writer.write(record({ n }));
    expect(starts).toEqual(['alpha_bus.jsonl ENOSPC']);
    expect(writer.heldCount).toBe(10);
    expect(linesOf(`channels/${JOB}.jsonl`)).toHaveLength(10);
    rmSync(join(busDir(), 'alpha_bus.jsonl'));
    writer.retryNow();
    expect(linesOf('alpha_bus.jsonl').map(({ data }) => data['n'])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expectChain(linesOf('alpha_bus.jsonl'), 'alpha_bus.jsonl');
    expect(outages).toMatchObject([{ cause: 'ENOSPC', buffered: 10, replayed: 10, dropped: 0 }]);
  });

  it('G3, G6: what the backlog has no room for is counted, and takes no seq', () => {
    mkdirSync(busDir());
    symlinkSync('/dev/full', join(busDir(), 'alpha_bus.jsonl'));
    const outages: FileOutage[] = [];
    using writer = open({ backlog: { maxCount: 3, maxBytes: 1e6 }, onOutageEnd: (outage) => outages.push(outage) });
    for (let n = 0; n < 10; n += 1) writer.write(record({ n }));
    expect(writer.refusedCount).toBe(7);
    rmSync(join(busDir(), 'alpha_bus.jsonl'));
    writer.retryNow();
    writer.write(record({ n: 10 }));
    expect(linesOf('alpha_bus.jsonl').map(({ data, seq }) => [seq, data['n']])).toEqual([
      [1, 0],
      [2, 1],
      [3, 2],
      [4, 10],
    ]);
    expect(outages).toMatchObject([{ replayed: 3, dropped: 7 }]);
  });

  it('G1: goes on by itself, without being asked, when the disk takes lines again', async () => {
    mkdirSync(busDir());
    symlinkSync('/dev/full', join(busDir(), 'alpha_bus.jsonl'));
    using writer = open();
    writer.write(record({ n: 1 }));
    rmSync(join(busDir(), 'alpha_bus.jsonl'));
    await vi.waitFor(() => expect(writer.isFailing).toBe(false), { timeout: 3000 });
    expect(linesOf('alpha_bus.jsonl')).toHaveLength(1);
  });

  it('G1: a removed _bus/ is made anew at the next line, which goes on in its chain', async () => {
    using writer = open();
    writer.write(record({ n: 1 }));
    rmSync(busDir(), { recursive: true });
    await delay(2);
    writer.write(record({ n: 2 }));
    expect(linesOf('alpha_bus.jsonl').map(({ seq, data }) => [seq, data['n']])).toEqual([[2, 2]]);
    expect(linesOf(`channels/${JOB}.jsonl`)).toHaveLength(1);
  });

  it('G3: tells at the end what could not be written', () => {
    mkdirSync(busDir());
    symlinkSync('/dev/full', join(busDir(), 'alpha_bus.jsonl'));
    const outages: [number, string][] = [];
    const writer = open({ onOutageEnd: ({ dropped }, how) => outages.push([dropped, how]) });
    writer.write(record({ n: 1 }));
    writer[Symbol.dispose]();
    expect(outages).toEqual([[1, 'given-up']]);
  });
});

describe('what is told of files', () => {
  it('G9: a file that begins to refuse lines is told before anything else is written to the other', () => {
    mkdirSync(busDir());
    symlinkSync('/dev/full', join(busDir(), 'alpha_bus.jsonl'));
    const told: string[] = [];
    using writer = open({
      onFileFailing: (file, why) => {
        told.push(`${file} ${why}`);
        writer.write(record({ condition: 'bus_file_failing', file }, 'condition'));
      },
    });
    writer.write(record({ n: 1 }));
    writer.write(record({ n: 2 }));
    expect(told).toEqual(['alpha_bus.jsonl ENOSPC']);
    expect(linesOf(`channels/${JOB}.jsonl`).map(({ type }) => type)).toEqual(['note', 'condition', 'note']);
  });

  it('G3, G9: a file that was removed is told, with the lines that went with it', async () => {
    const told: [string, number][] = [];
    using writer = open({ onFileRemoved: (file, count) => told.push([file, count]) });
    for (let n = 0; n < 3; n += 1) writer.write(record({ n }));
    rmSync(busDir(), { recursive: true });
    await delay(2);
    writer.write(record({ n: 3 }));
    expect(told).toEqual([
      [`channels/${JOB}.jsonl`, 3],
      ['alpha_bus.jsonl', 3],
    ]);
  });

  it.each([
    ['_bus', (bus: string) => bus],
    ['_bus/channels', (bus: string) => join(bus, 'channels')],
    ['the alpha bus', (bus: string) => join(bus, 'alpha_bus.jsonl')],
    ['one channel', (bus: string) => join(bus, `channels/${JOB}.jsonl`)],
  ])('G1, G3: %s, moved away by mv, is told, and the next line goes to a new file in its chain', async (_, of) => {
    const told: [string, number][] = [];
    using writer = open({ onFileRemoved: (file, count) => told.push([file, count]) });
    for (let n = 0; n < 3; n += 1) writer.write(record({ n }));
    const from = of(busDir());
    execFileSync('mv', [from, join(home, 'moved')]);
    await delay(2);
    writer.write(record({ n: 3 }));
    writer.write(record({ n: 4 }));
    const files = [`channels/${JOB}.jsonl`, 'alpha_bus.jsonl'];
    const moved = files.filter((file) => join(busDir(), file).startsWith(from));
    expect(told).toEqual(moved.map((file) => [file, 3]));
    for (const file of files)
      expect(
        linesOf(file)
          .map(({ seq }) => seq)
          .slice(-2),
      ).toEqual([4, 5]);
    for (const file of moved) expect(linesOf(file)).toHaveLength(2);
  });

  it('G3: a channel moved away while its writer had it closed is told at the next line', () => {
    const told: [string, number][] = [];
    using writer = open({ onFileRemoved: (file, count) => told.push([file, count]) });
    writer.write(record({ n: 0 }, 'tool_call'));
    for (let n = 0; n < 200; n += 1) writer.write(record({ n }, 'tool_call', parseEntityId(`JOB-many-${n}`)));
    execFileSync('mv', [join(busDir(), `channels/${JOB}.jsonl`), join(home, 'moved')]);
    writer.write(record({ n: 1 }, 'tool_call'));
    expect(told).toEqual([[`channels/${JOB}.jsonl`, 1]]);
  });

  it('W3: a line too large for the backlog ends no outage while the disk still refuses', async () => {
    mkdirSync(busDir());
    symlinkSync('/dev/full', join(busDir(), 'alpha_bus.jsonl'));
    const outages: FileOutage[] = [];
    using writer = open({ backlog: { maxCount: 10, maxBytes: 1000 }, onOutageEnd: (outage) => outages.push(outage) });
    for (let n = 0; n < 3; n += 1) writer.write(record({ text: 'x'.repeat(2000) }));
    expect(outages).toEqual([]);
    rmSync(join(busDir(), 'alpha_bus.jsonl'));
    writer.write(record({ n: 4 }));
    await vi.waitFor(() => expect(outages).toMatchObject([{ dropped: 3 }]));
  });

  it('an id whose channel was compressed is taken', () => {
    using writer = open();
    mkdirSync(join(busDir(), 'channels'), { recursive: true });
    writeFileSync(join(busDir(), `channels/${JOB}.jsonl.gz`), '');
    expect(writer.createChannel(JOB)).toBe('exists');
    expect(readdirSync(join(busDir(), 'channels'))).toEqual([`${JOB}.jsonl.gz`]);
  });
});

describe('segments', () => {
  it('are rolled by one at a time, also where the folder is reached by two paths', async () => {
    const other = `${home}-other`;
    symlinkSync(home, other);
    try {
      using first = open({ segmentBytes: 3000 });
      using second = open({ segmentBytes: 3000, busDir: join(other, '_bus') });
      for (let n = 0; n < 200; n += 1) {
        first.write(record({ n }));
        second.write(record({ n }));
        if (n % 10 === 0) await delay(2);
      }
    } finally {
      rmSync(other);
    }
    const files = readdirSync(busDir()).filter((name) => name.startsWith('alpha_bus'));
    expect(files.length).toBeGreaterThan(2);
    expect(files.flatMap((file) => linesOf(file))).toHaveLength(400);
  });

  it('rolls the alpha bus when it is full; the chain goes on across segments', async () => {
    using writer = open({ segmentBytes: 2000 });
    for (let n = 0; n < 40; n += 1) {
      writer.write(record({ n }));
      await new Promise(setImmediate);
    }
    await vi.waitFor(() => expect(readdirSync(busDir())).toContain('alpha_bus.000001.jsonl'));
    await delay(2);
    writer.write(record({ n: 40 }));
    const files = readdirSync(busDir())
      .filter((name) => /^alpha_bus\.\d+\.jsonl$/.test(name))
      .sort();
    const lines = [...files, 'alpha_bus.jsonl'].flatMap((file) => linesOf(file));
    expect(lines.map(({ seq }) => seq)).toEqual(Array.from({ length: 41 }, (_, n) => n + 1));
  });

  it('registers which file it holds, and leaves the register when it is closed', () => {
    const writer = open();
    writer.write(record({}));
    const { ino } = statSync(join(busDir(), 'alpha_bus.jsonl'));
    expect(readRegistrations(join(home, 'run'))).toMatchObject([
      { writer: writer.id, pid: process.pid, alpha_ino: ino },
    ]);
    writer[Symbol.dispose]();
    expect(readRegistrations(join(home, 'run'))).toEqual([]);
  });
});

describe('stable storage', () => {
  it('G3: a file that the system will not sync is counted and told, and the work goes on', async () => {
    mkdirSync(busDir());
    symlinkSync('/dev/null', join(busDir(), 'alpha_bus.jsonl'));
    const told: string[] = [];
    using writer = open({ onSyncFailure: (path, why) => told.push(`${basename(path)} ${why}`) });
    writer.write(record({}));
    await writer.sync();
    expect(told).toEqual(['alpha_bus.jsonl EINVAL']);
    expect(writer.syncFailureCount).toBe(1);
    expect(linesOf(`channels/${JOB}.jsonl`)).toHaveLength(1);
  });

  it('a file that was removed or closed meanwhile is no failure', async () => {
    using writer = open({ onSyncFailure: (path, why) => expect.fail(`${path} ${why}`) });
    writer.write(record({}));
    const synced = writer.sync();
    rmSync(busDir(), { recursive: true });
    for (let n = 0; n < 200; n += 1) writer.write(record({}, 'tool_call', parseEntityId(`JOB-many-${n}`)));
    await synced;
    await writer.sync();
    expect(writer.syncFailureCount).toBe(0);
  });

  it('G2: resolves once what was written is synced, for many at once', async () => {
    using writer = open();
    writer.write(record({}));
    await Promise.all([writer.sync(), writer.sync(), writer.sync()]);
    expect(linesOf('alpha_bus.jsonl')).toHaveLength(1);
  });
});
