import { appendFileSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CHANNEL_A, JOB_A, TempBus } from '../../test/fixtures/temp-bus.ts';
import { type BusShape, shapeOf, tornTails } from './bus-shape.ts';

const DAY_MS = 24 * 3_600_000;
const LONG_MS = 10_000;

const look = ({ busDir }: TempBus, nowMs = Date.now()): BusShape => shapeOf(busDir, { nowMs, withinMs: LONG_MS });

describe('the shape of a bus', () => {
  it('counts files and sizes, blobs too, and nothing else that lies there', () => {
    using bus = new TempBus();
    bus.session(JOB_A, 3);
    mkdirSync(join(bus.busDir, 'blobs'));
    writeFileSync(join(bus.busDir, 'blobs', 'a'.repeat(64)), 'x'.repeat(5000));
    writeFileSync(join(bus.busDir, '.gitignore'), '*');
    const sizeBytes = bus.read('alpha_bus.jsonl').byteLength + bus.read(CHANNEL_A).byteLength + 5000;
    expect(look(bus)).toMatchObject({ fileCount: 2, sizeBytes, isWhole: true });
  });

  it('takes what was written in the last seven days for its growth, and not what is older', () => {
    using bus = new TempBus();
    bus.session(JOB_A, 3);
    const nowMs = Date.now();
    expect(look(bus, nowMs).grownMs).toBeLessThan(DAY_MS);
    const monthAgoS = (nowMs - 30 * DAY_MS) / 1000;
    utimesSync(bus.path(CHANNEL_A), monthAgoS, monthAgoS);
    const shape = look(bus, nowMs);
    expect(shape.grownBytes).toBe(shape.sizeBytes - bus.read(CHANNEL_A).byteLength);
    expect(shape.grownMs).toBe(7 * DAY_MS);
  });

  it('knows a file that ends in a torn line from one that is whole or empty', () => {
    using bus = new TempBus();
    bus.session(JOB_A, 1);
    writeFileSync(join(bus.busDir, 'channels', 'JOB-empty.jsonl'), '');
    expect(tornTails(look(bus).livePaths, LONG_MS)).toEqual({ torn: [], lookedAtCount: 3 });
    appendFileSync(bus.path(CHANNEL_A), '{"ts":"2026');
    expect(tornTails(look(bus).livePaths, LONG_MS).torn).toEqual(['JOB-a.jsonl']);
  });

  it('is looked at no longer than it may take, and says that there is more', () => {
    using bus = new TempBus();
    bus.session(JOB_A, 1);
    const shape = shapeOf(bus.busDir, { nowMs: Date.now(), withinMs: 0 });
    expect(shape).toMatchObject({ fileCount: 1, isWhole: false });
    expect(tornTails([bus.path(CHANNEL_A)], -1)).toEqual({ torn: [], lookedAtCount: 0 });
  });
});
