import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { recordFixture } from '../../../test/fixtures/pod-record.ts';
import { type BeatFacts, Heartbeat } from './heartbeat.ts';
import { readRecord, recordPath } from './record-file.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nika-beat-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const FACTS: BeatFacts = {
  status: 'running',
  calls: 0,
  errors: 0,
  tokens: 0,
  cost_usd: 0,
  unpriced_tokens: 0,
  last_tool: null,
  why: null,
  reason: null,
  waiting_since: null,
  degraded: [],
  services: [],
  dropped: {},
};
const END = {
  status: 'completed',
  outcome: 'completed',
  exit_code: 0,
  at: '',
  duration_ms: 1,
  result: 1,
  error: null,
} as const;

describe('a sign of life', () => {
  it('is written at the start, soon after something happened, and at the end', async () => {
    let calls = 0;
    const record = recordFixture();
    const heartbeat = Heartbeat.start(dir, record, () => ({ ...FACTS, calls }));
    expect(readRecord(dir, record.session)?.beat.calls).toBe(0);
    calls = 1;
    heartbeat.touch();
    await vi.waitFor(() => expect(readRecord(dir, record.session)?.beat.calls).toBe(1));
    calls = 2;
    expect(await heartbeat.end(END)).toBe('written');
    expect(readRecord(dir, record.session)).toMatchObject({ beat: { calls: 2 }, end: { status: 'completed' } });
  });

  it('G1: on a disk that hangs holds one write, and the end is not waited for', async () => {
    const record = recordFixture();
    const heartbeat = Heartbeat.start(dir, record, () => FACTS);
    const pipe = `${recordPath(dir, record.session)}.tmp`;
    execFileSync('mkfifo', [pipe]); // opening it to write hangs until somebody reads
    heartbeat.touch();
    await vi.waitFor(() => expect(heartbeat.isWriting).toBe(true));
    for (let beat = 0; beat < 10; beat += 1) heartbeat.touch();
    const startedAtMs = performance.now();
    expect(await heartbeat.end(END)).toBe('held up');
    expect(performance.now() - startedAtMs).toBeLessThan(2_000);
    execFile('cat', [pipe], () => undefined); // sets the one write free
    await vi.waitFor(() => expect(heartbeat.isWriting).toBe(false));
  });
});
