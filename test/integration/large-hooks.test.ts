import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HookedPod } from '../fixtures/hooked-pod.ts';

let pod: HookedPod;
beforeEach(() => {
  pod = new HookedPod();
});
afterEach(() => pod[Symbol.asyncDispose]());

const signal = new AbortController().signal;
const ALLOW = { kind: 'allow' };
const large = 'x'.repeat(50_000_000);

const before = async (pre: readonly object[], input: unknown) =>
  (await pod.open({}, { hooks: { pre } })).before(pod.pre(input), signal);

describe('an input of 50 MB', () => {
  it('reaches a command whole', async () => {
    const command = 'test $(wc -c) -gt 50000000 || exit 2';
    expect(await before([{ command, timeout: '30s' }], large)).toEqual(ALLOW);
  });

  it('holds nobody where the command reads nothing', async () => {
    expect(await before([{ command: 'true' }, { command: 'exec <&-; sleep 0.1' }], large)).toEqual(ALLOW);
    const startedAtMs = performance.now();
    expect(await before([{ command: 'sleep 60', timeout: '300ms' }], large)).toEqual(ALLOW);
    expect(performance.now() - startedAtMs).toBeLessThan(5_000);
  });

  it('goes to a module and comes back', async () => {
    const module = pod.file('guard.mjs', 'export const pre = ({ tool_input }) => ({ input: tool_input + "!" });');
    const verdict = await before([{ module, timeout: '30s' }], large);
    expect((verdict as { input: string }).input.length).toBe(50_000_001);
  });
});

describe('a module that takes all memory', () => {
  it('loses its thread, not the pod', async () => {
    const module = pod.file(
      'guard.mjs',
      `export const pre = ({ tool_input }) => {
        const all = [];
        while (tool_input === 'heap') all.push(new Array(1e6).fill(all.length));
        return { input: 'fine' };
      };`,
    );
    const pipeline = await pod.open({ hooks: { pre: [{ module, name: 'guard', timeout: '60s' }] } });
    expect(await pipeline.before(pod.pre('heap'), signal)).toEqual(ALLOW);
    expect(pod.told).toEqual([expect.stringMatching(/memory/)]);
    expect(await pipeline.before(pod.pre('x'), signal)).toMatchObject({ input: 'fine' });
  });
});
