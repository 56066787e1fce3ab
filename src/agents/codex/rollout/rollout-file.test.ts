import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findRollout, uuidTimeMs } from './find-rollout.ts';
import { RolloutFile } from './rollout-file.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nika-rollout-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('RolloutFile', () => {
  it('gives each whole line once as the file grows, and is not there at first', async () => {
    const lines: string[] = [];
    const file = new RolloutFile(join(dir, 'a.jsonl'), (line) => lines.push(line));
    await file.read();
    expect(lines).toEqual([]);
    writeFileSync(file.path, 'one\ntwo\nhal');
    await file.read();
    expect(lines).toEqual(['one', 'two']);
    appendFileSync(file.path, 'f é\n');
    await Promise.all([file.read(), file.read(), file.read()]);
    expect(lines).toEqual(['one', 'two', 'half é']);
  });

  it('R1: sees all that stood there when it was asked, also while it reads', async () => {
    const lines: string[] = [];
    const file = new RolloutFile(join(dir, 'a.jsonl'), (line) => lines.push(line));
    writeFileSync(file.path, `${'x'.repeat(999)}\n`.repeat(2_000));
    const first = file.read();
    appendFileSync(file.path, 'last\n');
    await file.read();
    expect([lines.length, lines.at(-1)]).toEqual([2_001, 'last']);
    await first;
  });

  it('waits for what is to come for a moment only', async () => {
    const lines: string[] = [];
    const file = new RolloutFile(join(dir, 'a.jsonl'), (line) => lines.push(line));
    const beganMs = performance.now();
    await file.readUntil(() => false, 30);
    expect(performance.now() - beganMs).toBeGreaterThanOrEqual(25);
    const found = file.readUntil(() => lines.length > 0, 10_000);
    writeFileSync(file.path, 'there\n');
    await found;
    expect(lines).toEqual(['there']);
  });
});

describe('findRollout', () => {
  const thread = '01a22a2f-d2c3-7a53-8f83-936c1b265d14';

  it('finds the file of a thread by the day of its id, and by that before', () => {
    expect(uuidTimeMs(thread)).toBe(Date.parse('2026-11-30T02:01:46.947Z'));
    expect(uuidTimeMs('0f8fad5b-d9cb-469f-a165-70867728950e')).toBeUndefined();
    const env = { CODEX_HOME: dir };
    expect(findRollout(env, thread)).toBeUndefined();
    const day = new Date(Date.parse('2026-11-29T12:00:00Z'));
    const folder = join(dir, 'sessions', String(day.getFullYear()), '11', '29');
    mkdirSync(folder, { recursive: true });
    const path = join(folder, `rollout-2026-11-29T23-59-59-${thread}.jsonl`);
    writeFileSync(path, '');
    expect(findRollout(env, thread)).toBe(path);
  });
});
