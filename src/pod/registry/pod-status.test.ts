import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { describe, expect, it, vi } from 'vitest';
import { startTicksOf } from '../../failopen/process-identity.ts';
import { recordFixture } from '../../../test/fixtures/pod-record.ts';
import type { PodProcess, PodRecord } from './pod-record.ts';
import { podLiveness, STALE_AFTER_MS, statusOf, thisPodProcess } from './pod-status.ts';

const monoMs = (): number => Number(process.hrtime.bigint() / 1_000_000n);

const recordOf = (by: Partial<PodProcess> = {}, beat: Partial<PodRecord['beat']> = {}): PodRecord => {
  const record = recordFixture();
  return { ...record, process: { ...record.process, ...by }, beat: { ...record.beat, mono_ms: monoMs(), ...beat } };
};

const yesterday = new Date(Date.now() - 86_400_000).toISOString();
const tomorrow = new Date(Date.now() + 86_400_000).toISOString();

describe('how a pod stands', () => {
  it('is as it said itself, while it gives signs of life', () => {
    expect(statusOf(recordOf())).toBe('running');
    expect(statusOf(recordOf({}, { status: 'waiting' }))).toBe('waiting');
  });

  it('is not changed by a clock that jumps: silence is measured by that of the boot', () => {
    expect(statusOf(recordOf({}, { at: yesterday }))).toBe('running');
    expect(statusOf(recordOf({}, { at: tomorrow }))).toBe('running');
  });

  it('is stale after 30 s of silence, and not lost, while its process lives', () => {
    expect(statusOf(recordOf({}, { mono_ms: monoMs() - STALE_AFTER_MS - 1 }))).toBe('stale');
    expect(statusOf(recordOf({}, { mono_ms: monoMs() - STALE_AFTER_MS + 5_000 }))).toBe('running');
  });

  it('is lost where its process is gone, also if another one has its pid now', async () => {
    const child = spawn('sleep', ['30']);
    const pid = child.pid ?? 0;
    const start_ticks = startTicksOf(pid);
    expect(statusOf(recordOf({ pid, start_ticks }))).toBe('running');
    expect(statusOf(recordOf({ pid, start_ticks: String(Number(start_ticks) - 1) }))).toBe('lost');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(statusOf(recordOf({ pid, start_ticks }))).toBe('lost');
  });

  it('is lost where only its remains are there, which nobody has collected', async () => {
    // The shell becomes a program that does not collect its child.
    const shell = spawn('sh', ['-c', 'sleep 31 & echo $!; exec sleep 30'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [printed] = (await once(shell.stdout, 'data')) as [Buffer];
    const pid = Number(printed.toString());
    const hasBecomeIt = (): boolean => readFileSync(`/proc/${shell.pid}/cmdline`, 'utf8') === 'sleep\u000030\u0000';
    await vi.waitFor(() => expect(hasBecomeIt()).toBe(true), { timeout: 5_000, interval: 5 });
    process.kill(pid, 'SIGKILL');
    const stateOf = (): string | undefined => /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
    await vi.waitFor(() => expect(stateOf()).toBe('Z'), { timeout: 5_000, interval: 5 });
    expect(startTicksOf(pid)).toBe('');
    expect(podLiveness({ ...thisPodProcess(), pid, start_ticks: '1' })).toBe('gone');
    shell.kill('SIGKILL');
    await once(shell, 'exit');
  });

  it('after a reboot is lost where it is the same system, and of a namesake nobody says so', () => {
    expect(statusOf(recordOf({ boot_id: 'another' }))).toBe('lost');
    expect(statusOf(recordOf({ boot_id: 'another', machine_id: 'another' }))).toBe('running');
    expect(statusOf(recordOf({ boot_id: 'another', machine_id: 'another' }, { at: yesterday }))).toBe('stale');
  });

  it('on another host, or in another container, is never called lost from here', () => {
    for (const by of [{ host: `not-${hostname()}` }, { pid_ns: 'pid:[1]' }]) {
      expect(podLiveness(recordOf(by).process)).toBe('elsewhere');
      expect(statusOf(recordOf(by))).toBe('running');
      expect(statusOf(recordOf(by, { at: yesterday }))).toBe('stale');
    }
  });
});
