import { readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TempBus } from '../../../test/fixtures/temp-bus.ts';
import { tellCall, tellLine, tellState } from '../../../test/fixtures/told-bus.ts';
import { parseEntityId } from '../../model/id.ts';
import { channelName } from '../layout.ts';
import { tryParseLine } from '../line.ts';
import { readLastLines } from './last-lines.ts';
import type { LineQuery } from './line-filter.ts';

let bus: TempBus;
beforeEach(() => {
  bus = new TempBus();
});
afterEach(() => {
  bus[Symbol.dispose]();
});

const last = async (count: number, query: LineQuery = {}): Promise<readonly unknown[]> =>
  (await readLastLines({ busDir: bus.busDir, query, count })).map((text) => tryParseLine(text)?.data['text']);

const note = (writer: Parameters<typeof tellLine>[0], entity: string, text: string, at: string): string =>
  tellLine(writer, { entity, type: 'note', data: { text }, at });

describe('the newest lines', () => {
  it('are those of all files by time, each once, the oldest first', async () => {
    using writer = bus.open();
    for (let n = 0; n < 10; n += 1) note(writer, `JOB-${n % 3}`, String(n), `2026-01-01T00:00:0${n}.000Z`);
    expect(await last(4)).toEqual(['6', '7', '8', '9']);
    expect(await last(100)).toHaveLength(10);
    expect(await last(0)).toEqual([]);
  });

  it('are found behind megabytes of lines that are not asked for', async () => {
    using writer = bus.open();
    const filler = 'x'.repeat(30_000);
    note(writer, 'JOB-a', 'rare', '2026-01-01T00:00:00.000Z');
    for (let n = 0; n < 100; n += 1) tellCall(writer, 'JOB-a', filler);
    expect(await last(2, { type: 'note' })).toEqual(['rare']);
  });

  it('are found in compressed files when the others have too few', async () => {
    using writer = bus.open();
    note(writer, 'JOB-old', 'old', '2026-01-01T00:00:00.000Z');
    tellCall(writer, 'JOB-old', 'call', { at: '2026-01-02T00:00:00.000Z' });
    note(writer, 'JOB-new', 'new', '2026-01-03T00:00:00.000Z');
    const path = bus.path(channelName(parseEntityId('JOB-old')));
    writeFileSync(`${path}.gz`, gzipSync(readFileSync(path)));
    rmSync(path);
    expect(await last(2, { entity: parseEntityId('JOB-old') })).toEqual(['old', undefined]);
    expect(await last(3)).toEqual(['old', undefined, 'new']);
  });

  it('are not looked for in files that are older than all of them', async () => {
    using writer = bus.open();
    tellCall(writer, 'JOB-old', 'call', { at: '2026-01-02T00:00:00.000Z' });
    note(writer, 'JOB-new', 'new', '2026-02-03T00:00:00.000Z');
    const path = bus.path(channelName(parseEntityId('JOB-old')));
    writeFileSync(`${path}.gz`, 'not gzip');
    rmSync(path);
    utimesSync(`${path}.gz`, new Date('2026-01-02'), new Date('2026-01-02'));
    expect(await last(1)).toEqual(['new']);
  });

  it('of one time keep the order of their channel', async () => {
    using writer = bus.open();
    const at = '2026-01-01T00:00:00.000Z';
    tellCall(writer, 'JOB-a', 'call', { at });
    tellState(writer, 'JOB-a', 'completed', { at });
    const lines = await readLastLines({ busDir: bus.busDir, query: {}, count: 2 });
    expect(lines.map((text) => tryParseLine(text)?.type)).toEqual(['tool_call', 'job_completed']);
  });
});
