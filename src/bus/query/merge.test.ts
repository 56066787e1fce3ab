import { appendFileSync, readFileSync, renameSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TempBus } from '../../../test/fixtures/temp-bus.ts';
import { tellCall, tellLine, tellState } from '../../../test/fixtures/told-bus.ts';
import { parseEntityId } from '../../model/id.ts';
import type { NikaError } from '../../model/error.ts';
import { ALPHA, channelName, segmentFile } from '../layout.ts';
import { tryParseLine } from '../line.ts';
import type { LineQuery } from './line-filter.ts';
import { mergeLines, type MergeOptions } from './merge.ts';

let bus: TempBus;
beforeEach(() => {
  bus = new TempBus();
});
afterEach(() => {
  vi.unstubAllEnvs();
  bus[Symbol.dispose]();
});

const find = async (query: LineQuery = {}, options: Partial<MergeOptions> = {}): Promise<readonly string[]> => {
  const texts: string[] = [];
  for await (const found of mergeLines({ busDirs: [bus.busDir], query, ...options })) {
    texts.push(...found.map(({ text }) => text));
  }
  return texts;
};

/** What each line found says of itself: its note or its command. */
const findTold = async (query: LineQuery = {}, options: Partial<MergeOptions> = {}): Promise<readonly unknown[]> =>
  (await find(query, options)).map((text) => {
    const { data = {} } = tryParseLine(text) ?? {};
    const input = data['tool_input'];
    return typeof input === 'object' && input !== null && 'command' in input
      ? input.command
      : (data['text'] ?? data['to']);
  });

const pack = (path: string): void => {
  writeFileSync(`${path}.gz`, gzipSync(readFileSync(path)));
  rmSync(path);
};

const channel = (id: string): string => bus.path(channelName(parseEntityId(id)));

/** One job a month, from January on; the older half compressed, the alpha bus in segments. */
const writeMonths = (count: number): void => {
  for (let month = 1; month <= count; month += 1) {
    const at = (day: string): string => `2026-${String(month).padStart(2, '0')}-${day}T12:00:00.000Z`;
    using writer = bus.open();
    const job = `JOB-m${month}`;
    tellState(writer, job, 'created', { at: at('01') });
    tellCall(writer, job, `call ${month}`, { at: at('02') });
    tellLine(writer, { entity: job, type: 'note', data: { text: `note ${month}` }, at: at('03') });
    writer[Symbol.dispose]();
    const touched = new Date(at('03'));
    utimesSync(channel(job), touched, touched);
    const segment = join(bus.busDir, segmentFile(month));
    renameSync(bus.path(ALPHA), segment);
    utimesSync(segment, touched, touched);
    if (month > count / 2) continue;
    pack(channel(job));
    pack(segment);
    for (const path of [channel(job), segment]) utimesSync(`${path}.gz`, touched, touched);
  }
};

describe('lines of a whole bus', () => {
  it('come in order of time, each once though it stands in two files, over months, segments and gzip', async () => {
    writeMonths(6);
    expect(await findTold()).toEqual([1, 2, 3, 4, 5, 6].flatMap((n) => ['created', `call ${n}`, `note ${n}`]));
  });

  it('of pods that ran side by side are told by time, not by file', async () => {
    const writers = [bus.open(), bus.open(), bus.open()];
    for (let n = 0; n < 30; n += 1) {
      const writer = writers[n % 3];
      const at = new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString();
      if (writer !== undefined) tellCall(writer, `JOB-w${n % 3}`, String(n), { at });
    }
    for (const writer of writers) writer[Symbol.dispose]();
    expect(await findTold()).toEqual(Array.from({ length: 30 }, (_, n) => String(n)));
  });

  it('of several homes are merged by time, and tell which home they are of', async () => {
    using other = new TempBus();
    using here = bus.open();
    using there = other.open();
    for (let n = 0; n < 6; n += 1) {
      const at = new Date(Date.UTC(2026, 0, 1, 0, 0, n)).toISOString();
      tellCall(n % 2 === 0 ? here : there, 'JOB-x', String(n), { at });
    }
    const buses: number[] = [];
    for await (const found of mergeLines({ busDirs: [bus.busDir, other.busDir], query: {} })) {
      buses.push(...found.map((line) => line.bus));
    }
    expect(buses).toEqual([0, 1, 0, 1, 0, 1]);
  });

  it('keep the order of their file where the clock was set back', async () => {
    using writer = bus.open();
    for (const [n, second] of [5, 6, 1, 7].entries()) {
      tellCall(writer, 'JOB-x', String(n), { at: `2026-01-01T00:00:0${second}.000Z` });
    }
    expect(await findTold()).toEqual(['0', '1', '2', '3']);
  });

  it('of one time are told in the order of their channel, though the alpha bus has some of them, too', async () => {
    using writer = bus.open();
    const at = '2026-01-01T00:00:00.000Z';
    tellCall(writer, 'JOB-x', 'call', { at });
    tellState(writer, 'JOB-x', 'completed', { at });
    expect(await findTold()).toEqual(['call', 'completed']);
  });

  it('are found once when a crash left a file both plain and compressed', async () => {
    writeMonths(2);
    const path = channel('JOB-m2');
    writeFileSync(`${path}.gz`, gzipSync(readFileSync(path)));
    expect(await findTold({ entity: parseEntityId('JOB-m2') })).toEqual(['created', 'call 2', 'note 2']);
  });

  it('are found when a killed writer left a torn line and another glued its own to it', async () => {
    using first = bus.open();
    tellCall(first, 'JOB-x', 'before');
    tellCall(first, 'JOB-x', 'torn away');
    const whole = readFileSync(channel('JOB-x'), 'utf8');
    truncateSync(channel('JOB-x'), whole.length - 100);
    using second = bus.open();
    tellCall(second, 'JOB-x', 'after');
    expect(await findTold()).toEqual(['before', 'after']);
  });

  it.each(['', '/nonexistent'])(
    'are all found, however many files overlap and however long (G6); TMPDIR=%s',
    async (dir) => {
      if (dir !== '') vi.stubEnv('TMPDIR', dir); // no room to put anything: files are unpacked again instead
      const count = 50;
      const perJob = 40;
      using writer = bus.open();
      const filler = 'x'.repeat(20_000);
      for (let n = 0; n < count * perJob; n += 1) {
        const at = new Date(Date.UTC(2026, 0, 1) + n * 10).toISOString();
        tellCall(writer, `JOB-o${n % count}`, `${n}`, { at, meta: { tags: [filler] } });
      }
      for (let n = 0; n < count; n += 2) pack(channel(`JOB-o${n}`));
      expect(await findTold()).toEqual(Array.from({ length: count * perJob }, (_, n) => String(n)));
    },
  );

  it('end with what cannot be read told, and the rest found', async () => {
    writeMonths(4);
    const bytes = readFileSync(`${channel('JOB-m1')}.gz`);
    writeFileSync(`${channel('JOB-m1')}.gz`, bytes.subarray(0, bytes.byteLength - 20));
    const errors: NikaError[] = [];
    const told = await findTold({ type: 'note' }, { onUnreadable: (error) => errors.push(error) });
    expect(told).toEqual(['note 1', 'note 2', 'note 3', 'note 4']); // the first one from the alpha bus
    expect(errors.map(({ code }) => code)).toEqual(['NIKA_BUS_UNREADABLE']);
    await expect(find({ type: 'note' })).rejects.toMatchObject({ code: 'NIKA_BUS_UNREADABLE' });
  });

  it('stop when the signal is aborted', async () => {
    writeMonths(2);
    await expect(find({}, { signal: AbortSignal.abort() })).rejects.toThrow('aborted');
  });
});

describe('what is asked for', () => {
  const ask = async (query: LineQuery): Promise<readonly unknown[]> => findTold(query);

  it('is found by time, from the first moment on and up to the last, not at it', async () => {
    writeMonths(6);
    const sinceTs = '2026-02-03T12:00:00.000Z';
    expect(await ask({ sinceTs, untilTs: '2026-03-02T12:00:00.000Z' })).toEqual(['note 2', 'created']);
    expect(await ask({ sinceTs: '2026-06-03T12:00:00.001Z' })).toEqual([]);
  });

  it('is not looked for in files that were last written to before', async () => {
    writeMonths(4);
    writeFileSync(`${channel('JOB-m1')}.gz`, 'not gzip at all');
    const old = new Date('2026-01-03');
    utimesSync(`${channel('JOB-m1')}.gz`, old, old);
    expect(await ask({ sinceTs: '2026-04-01T00:00:00.000Z', type: 'note' })).toEqual(['note 4']);
  });

  it('is found by entity in its channel alone, and on the alpha bus when the channel is gone', async () => {
    writeMonths(2);
    const entity = parseEntityId('JOB-m2');
    writeFileSync(bus.path(ALPHA), 'rubbish\n');
    expect(await ask({ entity })).toEqual(['created', 'call 2', 'note 2']);
    rmSync(channel('JOB-m2'));
    expect(await ask({ entity })).toEqual(['created', 'note 2']);
    expect(await ask({ entity: parseEntityId('JOB-m') })).toEqual([]);
  });

  it('is found by SUB, whose lines stand in the channel of its TASK', async () => {
    using writer = bus.open();
    const SUB = parseEntityId('SUB-s');
    tellCall(writer, 'TASK-t', 'of the task');
    tellCall(writer, 'TASK-t', 'of the sub', { meta: { entity_id: SUB } });
    expect(await ask({ entity: SUB })).toEqual(['of the sub']);
  });

  it('is found by type, domain, intent and status, and not by what only looks like it in a text', async () => {
    using writer = bus.open();
    const hooks = { domain: 'hooks', intent: 'refactor' };
    const failed = { tool_name: 'shell', ok: false, tool_input: { command: 'bad' } };
    tellCall(writer, 'JOB-x', 'good', { meta: hooks });
    tellCall(writer, 'JOB-x', 'bad', { data: failed });
    tellCall(writer, 'JOB-x', 'fake', {
      data: { ok: true, tool_input: { command: 'fake', to: 'failed', domain: 'hooks' } },
    });
    tellState(writer, 'JOB-x', 'failed', { meta: hooks });
    tellLine(writer, { entity: 'JOB-x', type: 'session_end_summary', data: { outcome: 'timed_out', text: 'end' } });
    expect(await ask({ type: 'tool_call' })).toEqual(['good', 'bad', 'fake']);
    expect(await ask({ type: 'tool' })).toEqual([]);
    expect(await ask({ domain: 'hooks' })).toEqual(['good', 'failed']);
    expect(await ask({ intent: 'refactor', type: 'tool_call' })).toEqual(['good']);
    expect(await ask({ status: 'failed' })).toEqual(['bad', 'failed']);
    expect(await ask({ status: 'ok' })).toEqual(['good', 'fake']);
    expect(await ask({ status: 'timed_out' })).toEqual(['end']);
  });

  it('is found by a regular expression of the raw line, in the words of any script', async () => {
    using writer = bus.open();
    tellCall(writer, 'JOB-x', 'größe 尺寸 👍');
    tellCall(writer, 'JOB-x', 'GRÖSSE');
    expect(await ask({ regex: /尺寸 .{2}"/ })).toEqual(['größe 尺寸 👍']);
    expect(await ask({ regex: /gröss/i })).toEqual(['GRÖSSE']);
    expect(await ask({ regex: /^\{"ts":.*\}$/ })).toHaveLength(2);
  });

  it('may be of a newer version, with keys in another order and a type that nobody knows', async () => {
    using writer = bus.open();
    tellCall(writer, 'JOB-x', 'known');
    const line = {
      v: 2,
      type: 'telepathy',
      h: '0',
      id: 'i',
      seq: 1,
      writer: 'w',
      entity: 'JOB-x',
      meta: {},
      data: { text: 'new' },
    };
    appendFileSync(channel('JOB-x'), `${JSON.stringify({ ...line, ts: '2999-01-01T00:00:00.000Z' })}\n`);
    expect(await ask({})).toEqual(['known', 'new']);
    expect(await ask({ type: 'telepathy', entity: parseEntityId('JOB-x') })).toEqual(['new']);
  });
});
