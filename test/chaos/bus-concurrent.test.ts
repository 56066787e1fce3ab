import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createChain } from '../../src/bus/chain.ts';
import { verifyBus } from '../../src/bus/read/verify.ts';
import { killWriters, lostOf, readAcks, readBack, startWriter } from '../fixtures/writer-processes.ts';

const WRITERS = 8;
const LINES = Number(process.env['NIKA_TEST_LINES'] ?? 2000);
const KILLS = Number(process.env['NIKA_TEST_KILLS'] ?? 30);

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nika-concurrent-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const verify = () => verifyBus({ busDir: join(dir, '_bus'), chain: createChain() });

describe('many processes on one bus', () => {
  it('G2, G8: lose no line and tear none, also while the alpha bus gets new segments', async () => {
    const writers = Array.from({ length: WRITERS }, () =>
      startWriter(dir, { lineCount: LINES, segmentBytes: 2_000_000 }),
    );
    const codes = await Promise.all(writers.map(({ ended }) => ended));
    expect(codes).toEqual(writers.map(() => 0));
    const back = await readBack(join(dir, '_bus'));
    for (const writer of writers) {
      const acks = readAcks(writer);
      expect([acks.size, lostOf(acks, back)]).toEqual([LINES + 1, []]);
    }
    expect([back.channels.size, back.alpha.size]).toEqual([WRITERS * (LINES + 1), WRITERS * (LINES / 2 + 1)]);
    expect([back.salvagedCount, back.tornCount]).toEqual([0, 0]);
    expect(await verify()).toMatchObject({ writers: WRITERS, unsealed: 0, findings: [] });
  });

  it('G2, G8: keep every acknowledged line when one is killed at any moment, and that is not taken for tampering', async () => {
    const writers = await killWriters({ dir, kills: KILLS, others: 2 });
    const back = await readBack(join(dir, '_bus'));
    for (const writer of writers) expect(lostOf(readAcks(writer), back)).toEqual([]);
    const report = await verify();
    expect(report.findings.filter(({ severity }) => severity === 'tampering')).toEqual([]);
    expect(new Set(report.findings.map(({ kind }) => kind)).difference(new Set(['torn', 'unfinished']))).toEqual(
      new Set(),
    );
    expect(report).toMatchObject({ writers: KILLS + 2, unsealed: KILLS, tampering: 0 });
  });

  it('G8: are verified while they write, without a false accusation', async () => {
    // Each round reads all that was written by then: on a slow machine the bus must not outgrow the reading.
    const writers = [1, 2, 3].map(() => startWriter(dir, { segmentBytes: 100_000, restMs: 5 }));
    await Promise.all(writers.map(({ writing }) => writing));
    for (let round = 0; round < 12; round += 1) expect((await verify()).findings).toEqual([]);
    for (const { child } of writers) child.stdin?.end();
    expect(await Promise.all(writers.map(({ ended }) => ended))).toEqual([0, 0, 0]);
    expect(await verify()).toMatchObject({ unsealed: 0, findings: [] });
  });
});
