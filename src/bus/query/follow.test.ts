import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TempBus } from '../../../test/fixtures/temp-bus.ts';
import { tellCall, tellLine } from '../../../test/fixtures/told-bus.ts';
import { parseEntityId } from '../../model/id.ts';
import { ALPHA, channelName, segmentFile } from '../layout.ts';
import type { BusLine } from '../line.ts';
import { followBus, type FollowOptions } from './follow.ts';

let bus: TempBus;
let stop: AbortController;
beforeEach(() => {
  bus = new TempBus();
  stop = new AbortController();
});
afterEach(() => {
  stop.abort();
  bus[Symbol.dispose]();
});

const textOf = ({ type, data }: BusLine): unknown => {
  const input = data['tool_input'];
  if (typeof input === 'object' && input !== null && 'command' in input) return input.command;
  return data['text'] ?? type;
};

/** Follows in the background; what came is in the list it gives. */
const follow = (options: Partial<FollowOptions> = {}): { readonly told: unknown[]; readonly ended: Promise<void> } => {
  const told: unknown[] = [];
  const run = async (): Promise<void> => {
    for await (const line of followBus({ busDir: bus.busDir, signal: stop.signal, ...options }))
      told.push(textOf(line));
  };
  return { told, ended: run() };
};

const note = (writer: Parameters<typeof tellLine>[0], text: string, entity = 'JOB-a'): string =>
  tellLine(writer, { entity, type: 'note', data: { text } });

const byText = (a: unknown, b: unknown): number => (String(a) < String(b) ? -1 : 1);
const POLL = { timeout: 5000, interval: 10 };

const channel = (id = 'JOB-a'): string => bus.path(channelName(parseEntityId(id)));

/** A writer looks once a millisecond whether its file is still there. */
const writerLooksAgain = async (): Promise<void> => {
  const sinceMs = performance.now();
  while (performance.now() - sinceMs < 3) await new Promise(setImmediate);
};

/** Resolves once the follower is at work: what comes from now on must be told. */
const begin = async (writer: Parameters<typeof tellLine>[0], options: Partial<FollowOptions> = {}) => {
  note(writer, 'before');
  const following = follow({ last: 1, ...options });
  await vi.waitFor(() => expect(following.told).toEqual(['before']), POLL);
  return following;
};

describe('following a bus', () => {
  it('tells each event once, of both files and of channels that come later, and nothing that was there before', async () => {
    using writer = bus.open();
    note(writer, 'before');
    const { told, ended } = follow();
    note(writer, 'both files');
    tellCall(writer, 'JOB-a', 'channel only');
    tellCall(writer, 'JOB-new', 'new channel');
    await expect.poll(() => told.toSorted(byText), POLL).toEqual(['both files', 'channel only', 'new channel']);
    stop.abort();
    await ended;
  });

  it('begins with the newest lines that are there', async () => {
    using writer = bus.open();
    for (let n = 0; n < 5; n += 1) note(writer, String(n));
    const { told } = follow({ last: 2 });
    await expect.poll(() => told, POLL).toEqual(['3', '4']);
    note(writer, '5');
    await expect.poll(() => told, POLL).toEqual(['3', '4', '5']);
  });

  it('waits for a bus that is not there yet, and for one that is empty', async () => {
    rmSync(bus.busDir, { recursive: true });
    const { told } = follow({ last: 5 });
    await new Promise(setImmediate);
    mkdirSync(bus.busDir);
    using writer = bus.open();
    note(writer, 'first');
    await expect.poll(() => told, POLL).toEqual(['first']);
  });

  it('goes on when the alpha bus becomes a segment, once and twice, with lines of all of them', async () => {
    using writer = bus.open();
    const { told } = await begin(writer, { query: { type: 'note' } });
    for (let number = 1; number <= 2; number += 1) {
      await writerLooksAgain();
      note(writer, `in ${number}`);
      renameSync(bus.path(ALPHA), join(bus.busDir, segmentFile(number)));
      rmSync(channel()); // so that only the alpha bus can tell
    }
    await writerLooksAgain();
    note(writer, 'in the new one');
    await expect.poll(() => told.toSorted(byText), POLL).toEqual(['before', 'in 1', 'in 2', 'in the new one']);
  });

  it('tells what a writer puts into a segment before it looks and goes on to the new file', async () => {
    using writer = bus.open();
    const { told } = await begin(writer);
    renameSync(bus.path(ALPHA), join(bus.busDir, segmentFile(1)));
    const segment = readFileSync(join(bus.busDir, segmentFile(1)), 'utf8');
    writeFileSync(bus.path(ALPHA), segment.replace(/"id":"[^"]+"/, '"id":"2"').replace('before', 'new file'));
    await expect.poll(() => told, POLL).toEqual(['before', 'new file']);
    const late = segment.replace(/"id":"[^"]+"/, '"id":"3"').replace('before', 'late in the segment');
    appendFileSync(join(bus.busDir, segmentFile(1)), late);
    await expect.poll(() => told, POLL).toEqual(['before', 'new file', 'late in the segment']);
  });

  it('tells what stood in a segment that was compressed before it was read to its end', async () => {
    using writer = bus.open();
    const { told } = await begin(writer);
    note(writer, 'late');
    const bytes = readFileSync(bus.path(ALPHA));
    writeFileSync(join(bus.busDir, `${segmentFile(1)}.gz`), gzipSync(bytes));
    rmSync(bus.path(ALPHA));
    rmSync(channel());
    await expect.poll(() => told, POLL).toEqual(['before', 'late']);
  });

  it('goes on when channel and folder are removed and made anew', async () => {
    using writer = bus.open();
    const { told } = await begin(writer);
    rmSync(channel());
    note(writer, 'channel anew');
    await expect.poll(() => told, POLL).toEqual(['before', 'channel anew']);
    rmSync(bus.busDir, { recursive: true });
    note(writer, 'bus anew');
    await expect.poll(() => told, POLL).toEqual(['before', 'channel anew', 'bus anew']);
  });

  it('tells nothing twice when a file is cut, and goes on with what comes after', async () => {
    using writer = bus.open();
    const { told } = await begin(writer);
    note(writer, 'cut');
    await expect.poll(() => told, POLL).toEqual(['before', 'cut']);
    truncateSync(channel(), readFileSync(channel()).byteLength - 10);
    note(writer, 'after');
    await expect.poll(() => told, POLL).toEqual(['before', 'cut', 'after']);
  });

  it('a line counts once its line feed is there, or once it parses without; a glued one is told, too', async () => {
    using writer = bus.open();
    const { told } = await begin(writer, { query: { entity: parseEntityId('JOB-a') } });
    note(writer, 'x', 'JOB-b');
    const line = readFileSync(channel('JOB-b'), 'utf8').replace('JOB-b', 'JOB-a');
    const withId = (id: string, text: string): string =>
      line.replace(/"id":"[^"]+"/, `"id":"${id}"`).replace('"x"', `"${text}"`);
    appendFileSync(channel(), withId('1', 'half').slice(0, 100));
    note(writer, 'glued');
    await expect.poll(() => told, POLL).toEqual(['before', 'glued']);
    appendFileSync(channel(), withId('2', 'whole without feed').trimEnd());
    await expect.poll(() => told, POLL).toEqual(['before', 'glued', 'whole without feed']);
    appendFileSync(channel(), '\n');
    note(writer, 'end');
    await expect.poll(() => told, POLL).toEqual(['before', 'glued', 'whole without feed', 'end']);
  });

  it('of one entity and type tells those alone', async () => {
    using writer = bus.open();
    const { told } = await begin(writer, { query: { entity: parseEntityId('JOB-a'), type: 'note' } });
    note(writer, 'other', 'JOB-b');
    tellCall(writer, 'JOB-a', 'call');
    note(writer, 'mine');
    await expect.poll(() => told, POLL).toEqual(['before', 'mine']);
  });

  it('is at once: a line is told within the time of a glance, not of the next look at all files', async () => {
    using writer = bus.open();
    const { told } = await begin(writer);
    const delays: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      const sinceMs = performance.now();
      note(writer, String(n));
      await expect.poll(() => told.length, POLL).toBe(n + 2);
      delays.push(performance.now() - sinceMs);
    }
    expect(Math.min(...delays)).toBeLessThan(300);
  });
});
