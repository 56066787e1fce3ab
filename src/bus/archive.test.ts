import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TempBus } from '../../test/fixtures/temp-bus.ts';
import { tellCall, tellLine, tellState } from '../../test/fixtures/told-bus.ts';
import { parseEntityId } from '../model/id.ts';
import { thisProcess } from '../failopen/process-identity.ts';
import { archiveBus, type ArchiveOptions, type ArchiveOutcome } from './archive.ts';
import { ALPHA, channelName, channelsDir, segmentFile } from './layout.ts';
import { packFile } from './pack-file.ts';
import { mergeLines } from './query/merge.ts';
import { readRegistrations, writeRegistration } from './registration.ts';
import { tryLock } from './segments.ts';

const DAY_MS = 86_400_000;

let bus: TempBus;
beforeEach(() => {
  bus = new TempBus();
});
afterEach(() => {
  bus[Symbol.dispose]();
});

const archive = (options: Partial<ArchiveOptions> = {}): Promise<ArchiveOutcome> =>
  archiveBus({
    busDir: bus.busDir,
    runDir: bus.runDir,
    olderThanDays: 7,
    signal: new AbortController().signal,
    ...options,
  });

const channel = (id = 'JOB-a'): string => bus.path(channelName(parseEntityId(id)));

const age = (path: string, days: number): Date => {
  const at = new Date(Date.now() - days * DAY_MS);
  utimesSync(path, at, at);
  return at;
};

/** A job that is over since so many days. */
const writeEndedJob = (id: string, days: number): void => {
  using writer = bus.open();
  tellState(writer, id, 'created');
  tellCall(writer, id, `needle ${id}`);
  tellState(writer, id, 'completed');
  tellLine(writer, { entity: id, type: 'session_end_summary', data: { outcome: 'completed' } });
  writer[Symbol.dispose]();
  age(channel(id), days);
};

const becomeSegment = (number: number, days = 1): string => {
  const path = join(bus.busDir, segmentFile(number));
  renameSync(bus.path(ALPHA), path);
  age(path, days);
  return path;
};

const countLines = async (): Promise<number> => {
  let count = 0;
  for await (const found of mergeLines({ busDirs: [bus.busDir], query: {} })) count += found.length;
  return count;
};

/** What is not a channel, a segment or a folder of the bus. */
const strayFiles = (): readonly string[] =>
  [bus.busDir, channelsDir(bus.busDir)].flatMap((dir) =>
    readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isFile() && !/^[\w-]+(\.\d+)?\.jsonl(\.gz)?$/.test(entry.name))
      .map(({ name }) => name),
  );

describe('channels', () => {
  it('of entities that are over for days are compressed, as their owner left them, and found by zgrep', async () => {
    writeEndedJob('JOB-old', 8);
    const { mtimeMs } = statSync(channel('JOB-old'));
    const text = readFileSync(channel('JOB-old'));
    expect(await archive()).toEqual({ kind: 'done', segments: 0, channels: 1 });
    const packed = `${channel('JOB-old')}.gz`;
    expect(existsSync(channel('JOB-old'))).toBe(false);
    expect(statSync(packed).mode & 0o777).toBe(0o600);
    expect(Math.abs(statSync(packed).mtimeMs - mtimeMs)).toBeLessThan(1);
    expect(spawnSync('zgrep', ['-c', 'needle', packed], { encoding: 'utf8' }).stdout).toBe('1\n');
    expect(spawnSync('gzip', ['-dc', packed]).stdout).toEqual(text);
  });

  it('that were written to of late, or have not ended, stay as they are', async () => {
    writeEndedJob('JOB-fresh', 6);
    using writer = bus.open();
    tellState(writer, 'JOB-open', 'created');
    tellCall(writer, 'JOB-open', '{"type":"job_completed"}');
    tellLine(writer, {
      entity: 'JOB-open',
      type: 'job_completed',
      data: { to: 'completed' },
      meta: { entity_id: 'SUB-s' },
    });
    age(channel('JOB-open'), 30);
    expect(await archive()).toMatchObject({ channels: 0 });
    expect(await archive({ olderThanDays: 5 })).toMatchObject({ channels: 1 });
  });

  it('lose no line, and no event stands twice: the same is found before and after', async () => {
    for (let n = 0; n < 5; n += 1) writeEndedJob(`JOB-${n}`, 9);
    const before = await countLines();
    await archive();
    expect(await countLines()).toBe(before);
    expect((await bus.verify()).tampering).toBe(0);
  });

  it('that are written to again are begun anew beside the compressed part, and stay so', async () => {
    writeEndedJob('JOB-a', 9);
    await archive();
    using writer = bus.open();
    tellCall(writer, 'JOB-a', 'late needle');
    tellState(writer, 'JOB-a', 'failed');
    writer[Symbol.dispose]();
    age(channel(), 9);
    const before = await countLines();
    expect(await archive()).toMatchObject({ channels: 0 });
    expect(await countLines()).toBe(before);
    expect(existsSync(channel())).toBe(true);
  });
});

describe('segments', () => {
  it('that every writer has left are compressed; the one that is written to never is', async () => {
    using writer = bus.open();
    tellState(writer, 'JOB-a', 'created');
    writer[Symbol.dispose]();
    becomeSegment(1);
    using next = bus.open();
    tellState(next, 'JOB-b', 'created');
    age(bus.path(ALPHA), 30);
    expect(await archive()).toEqual({ kind: 'done', segments: 1, channels: 0 });
    expect(
      readdirSync(bus.busDir)
        .filter((name) => name.startsWith('alpha'))
        .toSorted((a, b) => (a < b ? -1 : 1)),
    ).toEqual([`${segmentFile(1)}.gz`, ALPHA]);
  });

  it('that a living writer still holds are left alone until it goes on', async () => {
    using writer = bus.open();
    tellState(writer, 'JOB-a', 'created');
    becomeSegment(1);
    expect(await archive()).toMatchObject({ segments: 0 });
    await new Promise((resolve) => setTimeout(resolve, 5)); // a writer looks once a millisecond
    tellLine(writer, { entity: 'JOB-a', type: 'note', data: { text: 'in the next one' } });
    expect(await archive()).toMatchObject({ segments: 1 });
    expect(await countLines()).toBe(2);
  });

  it('that a process held which is gone are compressed, and its registration goes; another host counts for 7 days', async () => {
    using writer = bus.open();
    tellState(writer, 'JOB-a', 'created');
    writer[Symbol.dispose]();
    const alpha_ino = statSync(becomeSegment(1)).ino;
    const { host, bootId: boot_id, pidNamespace: pid_ns } = thisProcess();
    const gone = { writer: 'gone', host, boot_id, pid_ns, pid: 999_999_999, start_ticks: '1', alpha_ino };
    const far = { ...gone, writer: 'far', host: 'another-host' };
    for (const registration of [gone, far]) writeRegistration(bus.runDir, registration);
    expect(await archive()).toMatchObject({ segments: 0 });
    expect(readRegistrations(bus.runDir).map(({ writer: id }) => id)).toEqual(['far']);
    age(join(bus.runDir, 'writers', 'far.json'), 8);
    expect(await archive()).toMatchObject({ segments: 1 });
  });
});

describe('what comes between', () => {
  it('one process at a time does it', async () => {
    await using lock = await tryLock(bus.busDir, 'archive');
    expect(lock).toBeDefined();
    expect(await archive()).toEqual({ kind: 'busy' });
  });

  it('a crash before the compressed file was in place leaves a file beside, which the next run takes away', async () => {
    writeEndedJob('JOB-a', 9);
    writeFileSync(join(channelsDir(bus.busDir), '.JOB-a.jsonl.gz.tmp'), 'half a file');
    writeFileSync(join(bus.busDir, '.alpha_bus.000001.jsonl.gz.tmp'), 'half a file');
    expect(await archive()).toMatchObject({ channels: 1 });
    expect(strayFiles()).toEqual([]);
  });

  it('a crash before the plain file was removed leaves both, read once, and the next run ends it', async () => {
    writeEndedJob('JOB-a', 9);
    const before = await countLines();
    writeFileSync(`${channel()}.gz`, gzipSync(readFileSync(channel())));
    expect(await countLines()).toBe(before);
    expect(await archive()).toMatchObject({ channels: 1 });
    expect(existsSync(channel())).toBe(false);
    expect(await countLines()).toBe(before);
  });

  it('a line that comes while the file is compressed keeps the file as it is', async () => {
    writeEndedJob('JOB-a', 9);
    using writer = bus.open();
    const filler = randomBytes(20_000).toString('hex');
    for (let n = 0; n < 100; n += 1) tellCall(writer, 'JOB-a', filler);
    const packing = packFile(channel(), new AbortController().signal);
    while (strayFiles().length === 0) await new Promise(setImmediate); // the file beside is begun
    tellCall(writer, 'JOB-a', 'late');
    expect(await packing).toBe('changed');
    expect(strayFiles()).toEqual([]);
    expect(existsSync(`${channel()}.gz`)).toBe(false);
    expect(await countLines()).toBe(105);
  });

  it('a line that a writer puts into the file just as it is removed is found behind the others', async () => {
    writeEndedJob('JOB-a', 9);
    const fd = openSync(channel(), 'a');
    const line = readFileSync(channel(), 'utf8').split('\n')[1] ?? '';
    const packing = packFile(channel(), new AbortController().signal);
    while (existsSync(channel())) await new Promise(setImmediate);
    writeSync(fd, `${line.replace(/"id":"[^"]+"/, '"id":"late"')}\n`);
    closeSync(fd);
    expect(await packing).toBe('packed');
    expect(await countLines()).toBe(5);
    const packed = `${channel()}.gz`;
    expect(spawnSync('zgrep', ['-c', 'needle', packed], { encoding: 'utf8' }).stdout).toBe('2\n');
  });

  it('an abort leaves nothing beside and the file as it was', async () => {
    writeEndedJob('JOB-a', 9);
    await expect(packFile(channel(), AbortSignal.abort())).rejects.toThrow('aborted');
    const controller = new AbortController();
    const archiving = archive({ signal: controller.signal });
    controller.abort();
    expect(await archiving).toMatchObject({ kind: 'done', channels: 0 });
    expect(strayFiles()).toEqual([]);
    expect(existsSync(channel())).toBe(true);
  });

  it('a file that is linked from elsewhere (a backup at work) is left alone', async () => {
    writeEndedJob('JOB-a', 9);
    linkSync(channel(), join(bus.dir, 'backup'));
    expect(await archive()).toMatchObject({ channels: 0 });
  });

  it('a damaged compressed file is not put over', async () => {
    writeEndedJob('JOB-a', 9);
    writeFileSync(`${channel()}.gz`, 'not gzip');
    expect(await archive()).toMatchObject({ channels: 0 });
    expect(readFileSync(`${channel()}.gz`, 'utf8')).toBe('not gzip');
  });

  it('what cannot be read is named at the end, and the others are compressed', async () => {
    writeEndedJob('JOB-b', 9);
    mkdirSync(channel('JOB-a'));
    age(channel('JOB-a'), 9);
    await expect(archive()).rejects.toThrow(/1 files.*JOB-a\.jsonl: EISDIR/);
    expect(existsSync(`${channel('JOB-b')}.gz`)).toBe(true);
  });

  it('an empty home has nothing to do', async () => {
    using empty = new TempBus();
    mkdirSync(empty.busDir, { recursive: true });
    expect(await archive({ busDir: empty.busDir })).toEqual({ kind: 'done', segments: 0, channels: 0 });
  });
});
