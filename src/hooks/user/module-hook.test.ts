import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HookedPod } from '../../../test/fixtures/hooked-pod.ts';
import type { HookPipeline } from '../hook-pipeline.ts';

let pod: HookedPod;
beforeEach(() => {
  pod = new HookedPod();
});
afterEach(() => pod[Symbol.asyncDispose]());

const signal = new AbortController().signal;
const ALLOW = { kind: 'allow' };

const open = (text: string, more: object = {}): Promise<HookPipeline> => {
  const module = pod.file('guard.ts', text);
  return pod.open({}, { hooks: { pre: [{ module, name: 'guard', timeout: '5s', ...more }] } });
};

/** One module that does what the input says. */
const MISCHIEF = `
let calls = 0;
export const pre = async ({ tool_input }: { tool_input: string }, { signal }: { signal: AbortSignal }) => {
  calls += 1;
  if (tool_input === 'count') return { input: calls };
  if (tool_input === 'loop') for (;;);
  if (tool_input === 'exit') process.exit(1);
  if (tool_input === 'throw') throw new Error('broken within');
  if (tool_input === 'later') { setTimeout(() => { throw new Error('broken later'); }, 1); return new Promise(() => {}); }
  if (tool_input === 'hang') return new Promise(() => {});
  if (tool_input === 'function') return { input: () => 1 };
  return undefined;
};
`;

describe('a module before a call', () => {
  it('is TypeScript; it lets be, changes, denies or asks', async () => {
    const pipeline = await open(`
      interface Event { tool_input: { kind: string }; cwd: string }
      export function pre(event: Event, { signal }: { signal: AbortSignal }): unknown {
        const { kind } = event.tool_input;
        if (signal.aborted) return { deny: 'aborted' };
        if (kind === 'change') return { input: { kind: process.env['OF_POD'] } };
        return kind === 'deny' ? { deny: 'no' } : kind === 'ask' ? { ask: 'sure?' } : undefined;
      }`);
    const say = (kind: string) => pipeline.before(pod.pre({ kind }), signal);
    expect(await say('nothing')).toEqual(ALLOW);
    expect(await say('change')).toEqual({ ...ALLOW, input: { kind: 'yes' }, changedBy: 'guard' });
    expect(await say('deny')).toEqual({ kind: 'deny', reason: 'no', by: 'guard' });
    expect(await say('ask')).toEqual({ kind: 'ask', reason: 'sure?', by: 'guard' });
  });

  it('keeps its thread from call to call, also where it stands in several places', async () => {
    const module = pod.file(
      'counter.mjs',
      'let n = 0; export const pre = () => ({ input: ++n }); export const post = () => { n += 10 };',
    );
    const pipeline = await pod.open(
      { hooks: { pre: [{ module }], post: [{ module }] } },
      { hooks: { pre: [{ module }] } },
    );
    expect(await pipeline.before(pod.pre(0), signal)).toMatchObject({ input: 2 });
    await pipeline.after(pod.post('x'), signal);
    expect(await pipeline.before(pod.pre(0), signal)).toMatchObject({ input: 14 });
    expect(pipeline.failures()).toEqual({});
  });
});

describe('a module that fails', () => {
  it.each([
    ['loop', /did not answer within 500 ms/, 1],
    ['hang', /did not answer within 500 ms/, 1],
    ['exit', /its thread ended with 1/, 1],
    ['later', /broken later/, 1],
    ['throw', /^guard: broken within$/, 3],
    ['function', /could not be cloned/, 3],
  ])('%s: the call goes on, it is counted, and the next call is answered', async (mischief, why, counted) => {
    const pipeline = await open(MISCHIEF, { timeout: '500ms' });
    expect(await pipeline.before(pod.pre('count'), signal)).toMatchObject({ input: 1 });
    expect(await pipeline.before(pod.pre(mischief), signal)).toEqual(ALLOW);
    expect(pod.told).toEqual([expect.stringMatching(why)]);
    expect(pipeline.failures()).toEqual({ guard: 1 });
    expect(await pipeline.before(pod.pre('count'), signal)).toMatchObject({ input: counted }); // 1: a new thread
  });

  it('denies where it is required', async () => {
    const pipeline = await open(MISCHIEF, { timeout: '500ms', required: true });
    for (const mischief of ['loop', 'exit', 'throw']) {
      expect(await pipeline.before(pod.pre(mischief), signal)).toMatchObject({
        kind: 'deny',
        by: 'guard',
        reason: expect.stringMatching(/^it is required, and failed: /),
      });
    }
  });

  it.each([
    ['export const post = () => 1;', /^guard: it exports no function "pre"$/],
    ['export const pre = (', /^guard: /],
    ['throw new Error("at its start");', /^guard: at its start$/],
    ['import "./not-there.ts";', /^guard: Cannot find module/],
    ['export const pre = () => ({ denied: true });', /^guard: its answer has none of input, deny, ask; it has denied$/],
    ['export const pre = () => "deny";', /^guard: its answer is no object$/],
  ])('is told why: %s', async (text, why) => {
    const pipeline = await open(text);
    expect(await pipeline.before(pod.pre({}), signal)).toEqual(ALLOW);
    expect(pod.told).toEqual([expect.stringMatching(why)]);
  });

  it('gets no event that cannot be sent', async () => {
    const pipeline = await open(MISCHIEF);
    expect(await pipeline.before(pod.pre({ run: () => 1 }), signal)).toEqual(ALLOW);
    expect(pod.told).toEqual([expect.stringMatching(/could not be cloned/)]);
    expect(await pipeline.before(pod.pre('count'), signal)).toMatchObject({ input: 1 });
  });

  it('prints to nobody, and does not keep a process that forgets to close it', async () => {
    const module = pod.file(
      'loud.ts',
      'console.log("at start"); export const pre = () => { console.error("x"); return { deny: "seen" }; };',
    );
    const program = pod.file(
      'forgetful.ts',
      `import { openHooks } from ${JSON.stringify(join(import.meta.dirname, '../open-hooks.ts'))};
      const hook = { match: '*', program: { kind: 'module', file: ${JSON.stringify(module)} }, timeoutMs: 5000, isRequired: true, name: 'h' };
      const hooks = { pre: [hook], post: [], failure: [] };
      const dir = import.meta.dirname;
      const pipeline = await openHooks({ settings: { hooks, dir }, job: undefined, cwd: dir, env: {}, onFailure: () => undefined });
      console.log((await pipeline.before({ tool_name: 'x' }, new AbortController().signal)).reason);`,
    );
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(pod.dir, program)], {
      timeout: 8_000,
    });
    expect([stdout, stderr]).toEqual(['seen\n', '']);
  });

  it('is not waited for once the pod is being stopped, nor when it is closed', async () => {
    const pipeline = await open(MISCHIEF);
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 300);
    expect(await pipeline.before(pod.pre('loop'), controller.signal)).toMatchObject({ kind: 'deny', by: 'guard' });
    const startedAtMs = performance.now();
    await pipeline.close();
    expect(performance.now() - startedAtMs).toBeLessThan(900);
  });

  it('has a signal that says why, as the signal of the pod does', async () => {
    const path = JSON.stringify(join(pod.dir, 'why'));
    const pipeline = await open(`
      import { writeFileSync } from 'node:fs';
      export const pre = (_: unknown, { signal }: { signal: AbortSignal }) => new Promise(() => {
        signal.addEventListener('abort', () => {
          const { reason } = signal;
          writeFileSync(${path}, JSON.stringify([reason instanceof Error, reason.message, reason.cause]));
        });
      });`);
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('killed', { cause: { kind: 'killed' } })), 300);
    await pipeline.before(pod.pre(0), controller.signal);
    await expect
      .poll(() => existsSync(join(pod.dir, 'why')) && readFileSync(join(pod.dir, 'why'), 'utf8'))
      .toBe('[true,"killed",{"kind":"killed"}]');
  });

  it('takes other calls of the same time down with it, and no later ones', async () => {
    const pipeline = await open(MISCHIEF, { timeout: '500ms' });
    await pipeline.before(pod.pre('count'), signal);
    const [hung, other] = await Promise.all([
      pipeline.before(pod.pre('loop'), signal),
      pipeline.before(pod.pre('count'), signal),
    ]);
    expect([hung, other]).toEqual([ALLOW, ALLOW]);
    expect(pipeline.failures()).toEqual({ guard: 2 });
    expect(await pipeline.before(pod.pre('count'), signal)).toMatchObject({ input: 1 });
  });
});
