import { appendFileSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { JOB_A, TempBus } from '../../test/fixtures/temp-bus.ts';
import { partsOfBus, shapeOf, tornTails } from './bus-shape.ts';

const DAY_MS = 24 * 3_600_000;

describe('the shape of a bus', () => {
  it('counts files and sizes, blobs too', () => {
    using bus = new TempBus();
    bus.session(JOB_A, 3);
    mkdirSync(join(bus.busDir, 'blobs'));
    writeFileSync(join(bus.busDir, 'blobs', 'a'.repeat(64)), 'x'.repeat(5000));
    const parts = partsOfBus(bus.busDir);
    const lines = parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    expect(shapeOf(bus.busDir, parts, Date.now())).toMatchObject({ fileCount: 2, sizeBytes: lines + 5000 });
  });

  it('takes what was written in the last seven days for its growth, and not what is older', () => {
    using bus = new TempBus();
    bus.session(JOB_A, 3);
    const nowMs = Date.now();
    const parts = partsOfBus(bus.busDir);
    const [old] = parts;
    const monthAgo = (nowMs - 30 * DAY_MS) / 1000;
    utimesSync(old?.path ?? '', monthAgo, monthAgo);
    const shape = shapeOf(bus.busDir, partsOfBus(bus.busDir), nowMs);
    expect(shape.grownBytes).toBe(shape.sizeBytes - (old?.sizeBytes ?? 0));
    expect(shape.grownMs).toBe(7 * DAY_MS);
    expect(shapeOf(bus.busDir, parts, nowMs).grownMs).toBeLessThan(DAY_MS);
  });

  it('knows a file that ends in a torn line from one that is whole or empty', () => {
    using bus = new TempBus();
    bus.session(JOB_A, 1);
    writeFileSync(join(bus.busDir, 'channels', 'JOB-empty.jsonl'), '');
    expect(tornTails(partsOfBus(bus.busDir))).toEqual([]);
    appendFileSync(join(bus.busDir, 'channels', 'JOB-a.jsonl'), '{"ts":"2026');
    expect(tornTails(partsOfBus(bus.busDir))).toEqual(['JOB-a.jsonl']);
  });
});
