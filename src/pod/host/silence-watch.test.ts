import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { WaitReason } from '../../model/message.ts';
import type { LivingStatus } from '../registry/pod-record.ts';
import { SilenceWatch } from './silence-watch.ts';

const AFTER_MS = 200;

let told: string[] = [];
let calls: string[] = [];
let waits: WaitReason[] = [];
let status: LivingStatus = 'running';
let watch: SilenceWatch | undefined;

const start = (): SilenceWatch => {
  const desk = {
    wait: (reason: WaitReason, why: string) => void told.push(`wait ${reason}: ${why}`),
    goOn: (reason?: WaitReason) => void told.push(`go on ${reason}`),
    openCalls: () => calls,
  };
  const control = {
    get status() {
      return status;
    },
    get waits() {
      return waits;
    },
  };
  watch = SilenceWatch.start({ desk, control, afterMs: AFTER_MS });
  return watch;
};

const SILENT = 'wait silent: no hook, no output and no call under way for 200ms';

beforeEach(() => {
  [told, calls, waits, status] = [[], [], [], 'running'];
});
afterEach(() => watch?.[Symbol.dispose]());

describe('an agent', () => {
  it('that gives no sign of life is silent, is told once, and goes on with the next sign', async () => {
    const silence = start();
    await vi.waitFor(() => expect(told).toEqual([SILENT]));
    await delay(2 * AFTER_MS); // nothing may come: there is no condition to wait for
    expect(told).toEqual([SILENT]);
    silence.seen();
    expect(told).toEqual([SILENT, 'go on silent']);
    await vi.waitFor(() => expect(told).toEqual([SILENT, 'go on silent', SILENT]));
  });

  it('that gives signs is not silent, and is once they stop', async () => {
    const silence = start();
    const signs = setInterval(() => silence.seen(), 5);
    await delay(2 * AFTER_MS);
    clearInterval(signs);
    expect(told).toEqual([]);
    await vi.waitFor(() => expect(told).toEqual([SILENT]));
  });

  it.each([
    ['a call that runs', () => void (calls = ['call-1'])],
    ['a pause', () => void (status = 'paused')],
    ['waiting for a person', () => void (waits = ['idle'])],
    ['a rate limit', () => void (waits = ['rate_limit'])],
  ])('is not silent while %s explains it, and its time begins anew afterwards', async (_, explain) => {
    explain();
    start();
    await delay(2 * AFTER_MS);
    expect(told).toEqual([]);
    [calls, waits, status] = [[], [], 'running'];
    await vi.waitFor(() => expect(told).toEqual([SILENT]));
  });

  it('that compacts without end is silent all the same', async () => {
    waits = ['compacting'];
    start();
    await vi.waitFor(() => expect(told).toEqual([SILENT]));
  });
});
