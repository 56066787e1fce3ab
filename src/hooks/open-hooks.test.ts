import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HookedPod } from '../../test/fixtures/hooked-pod.ts';
import { NO_HOOKS } from './hook-pipeline.ts';

let pod: HookedPod;
beforeEach(() => {
  pod = new HookedPod();
});
afterEach(() => pod[Symbol.asyncDispose]());

const signal = new AbortController().signal;
const ALLOW = { kind: 'allow' };

/** The hooks of a job before one call. */
const before = async (pre: readonly object[], input: unknown = { command: 'ls' }) =>
  (await pod.open({}, { hooks: { pre } })).before(pod.pre(input), signal);

const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

describe('a command before a call', () => {
  it('reads the whole event from its stdin, in its folder, with the environment of the pod', async () => {
    const check = pod.program('check.sh', 'cat > seen.json; pwd > pwd; echo "$OF_POD" > env');
    expect(await before([{ command: [check] }], { command: 'é\n"' })).toEqual(ALLOW);
    expect(JSON.parse(readFileSync(join(pod.dir, 'seen.json'), 'utf8'))).toEqual(pod.pre({ command: 'é\n"' }));
    expect(readFileSync(join(pod.dir, 'pwd'), 'utf8')).toBe(`${pod.dir}\n`);
    expect(readFileSync(join(pod.dir, 'env'), 'utf8')).toBe('yes\n');
  });

  it('denies by exit code 2, with the reason on stderr', async () => {
    expect(await before([{ command: 'echo "not on a Friday" >&2; exit 2', name: 'friday' }])).toEqual({
      kind: 'deny',
      reason: 'not on a Friday',
      by: 'friday',
    });
  });

  it("changes the input, in nika's form or the agents'", async () => {
    const own = { command: `echo '{"input":{"command":"ls -a"}}'` };
    expect(await before([own])).toEqual({ ...ALLOW, input: { command: 'ls -a' }, changedBy: own.command });
    const theirs = `echo '{"hookSpecificOutput":{"permissionDecision":"ask","permissionDecisionReason":"r","updatedInput":{"x":1}}}'`;
    expect(await before([{ command: theirs, name: 'theirs' }])).toEqual({
      kind: 'ask',
      reason: 'r',
      by: 'theirs',
      input: { x: 1 },
      changedBy: 'theirs',
    });
  });

  it('lets be what it only chats about', async () => {
    expect(await before([{ command: 'echo looks good' }])).toEqual(ALLOW);
    expect(await before([{ command: 'yes', timeout: '200ms' }])).toEqual(ALLOW);
  });

  it('runs only for the tools it is for', async () => {
    const pipeline = await pod.open({}, { hooks: { pre: [{ match: 'Write|Ed*', command: 'exit 2' }] } });
    expect(pipeline.before(pod.pre({}), signal)).toBeUndefined();
    expect(await pipeline.before(pod.pre({}, 'Edit'), signal)).toMatchObject({ kind: 'deny' });
  });

  it("runs in order, the settings' first; each sees the input as the one before left it; the first deny ends it", async () => {
    const add = (word: string) => ({
      command: [
        process.execPath,
        '-e',
        `let t='';process.stdin.on('data',(c)=>t+=c).on('end',()=>console.log(JSON.stringify({input:[...JSON.parse(t).tool_input,'${word}']})))`,
      ],
      name: word,
    });
    const last = { command: 'touch ran' };
    const settings = { hooks: { pre: [add('a')] } };
    const pipeline = await pod.open(settings, { hooks: { pre: [add('b'), add('c')] } });
    expect(await pipeline.before(pod.pre([]), signal)).toEqual({ ...ALLOW, input: ['a', 'b', 'c'], changedBy: 'c' });
    const denying = await pod.open(settings, { hooks: { pre: [{ command: 'exit 2', name: 'x' }, last] } });
    expect(await denying.before(pod.pre([]), signal)).toEqual({ kind: 'deny', reason: 'no reason given', by: 'x' });
    expect(existsSync(join(pod.dir, 'ran'))).toBe(false);
  });
});

describe('a command that fails', () => {
  const FAILING = [
    ['crashes', 'echo oops >&2; exit 3', /^h: exit code 3: oops$/],
    ['is killed', 'kill -9 $$', /^h: killed by SIGKILL$/],
    ['is not there', './nothing-there', /^h: exit code 127: /],
    ['answers nonsense', `echo '{"deny'`, /^h: its answer is not JSON: /],
    ['answers too much', `printf '{"input":"%070000d"}' 0`, /^h: its answer is longer than 64 KiB$/],
    ['never ends', 'exec sleep 60', /^h: it did not answer within 300 ms$/],
  ] as const;

  const limitOf = (command: string): string => (command.includes('sleep') ? '300ms' : '30s');

  it.each(FAILING)('%s: the call goes on, and it is counted', async (_, command, why) => {
    const pipeline = await pod.open({}, { hooks: { pre: [{ command, name: 'h', timeout: limitOf(command) }] } });
    expect(await pipeline.before(pod.pre({}), signal)).toEqual(ALLOW);
    expect(pipeline.failures()).toEqual({ h: 1 });
    expect(pod.told).toEqual([expect.stringMatching(why)]);
  });

  it.each(FAILING)('%s: required, it denies', async (_, command) => {
    const verdict = await before([{ command, name: 'h', timeout: limitOf(command), required: true }]);
    expect(verdict).toMatchObject({
      kind: 'deny',
      by: 'h',
      reason: expect.stringMatching(/^it is required, and failed: /),
    });
  });

  it('is ended with its whole process group at its time limit', async () => {
    const command = 'sleep 60 & echo $! > child; trap "" TERM; sleep 61';
    const pipeline = await pod.open({}, { hooks: { pre: [{ command, timeout: '1s' }] } });
    const startedAtMs = performance.now();
    expect(await pipeline.before(pod.pre({}), signal)).toEqual(ALLOW);
    expect(performance.now() - startedAtMs).toBeLessThan(2_900); // not the 2 s more that the group is given to end
    await pipeline.close();
    expect(isAlive(Number(readFileSync(join(pod.dir, 'child'), 'utf8')))).toBe(false);
  });

  it('is not waited for once the pod is being stopped', async () => {
    const controller = new AbortController();
    const pipeline = await pod.open({}, { hooks: { pre: [{ command: 'sleep 60', name: 'h' }] } });
    setTimeout(() => controller.abort(), 100);
    const verdict = await pipeline.before(pod.pre({}), controller.signal);
    expect(verdict).toMatchObject({ kind: 'deny', by: 'h' });
    expect(pipeline.failures()).toEqual({});
  });
});

describe('after a call', () => {
  it('the complete event goes to post or failure; what these come to changes nothing, and is counted', async () => {
    const pipeline = await pod.open({
      hooks: {
        post: [{ command: 'cat > post.json' }, { command: 'exit 2', name: 'bad' }, { command: 'touch after-bad' }],
        failure: [{ command: 'cat > failure.json' }],
      },
    });
    await pipeline.after(pod.post({ stdout: 'x' }), signal);
    await pipeline.after(pod.failure('broken'), signal);
    expect(JSON.parse(readFileSync(join(pod.dir, 'post.json'), 'utf8'))).toEqual(pod.post({ stdout: 'x' }));
    expect(JSON.parse(readFileSync(join(pod.dir, 'failure.json'), 'utf8'))).toEqual(pod.failure('broken'));
    expect(existsSync(join(pod.dir, 'after-bad'))).toBe(true);
    expect(pipeline.failures()).toEqual({ bad: 1 });
    expect(pipeline.before(pod.pre({}), signal)).toBeUndefined();
  });
});

describe('policy and hooks together', () => {
  it('are nothing at all where nothing is set', async () => {
    expect(await pod.open({}, {})).toBe(NO_HOOKS);
  });

  it('ask the policy first: what it denies runs no hook', async () => {
    const pipeline = await pod.open({ policy: { deny: ['shell: rm *'] }, hooks: { pre: [{ command: 'touch ran' }] } });
    expect(await pipeline.before(pod.pre({ command: 'rm x' }), signal)).toEqual({
      kind: 'deny',
      by: "the settings' policy",
      reason: 'shell: rm *',
    });
    expect(existsSync(join(pod.dir, 'ran'))).toBe(false);
  });

  it('hold what a hook made of the input against the policy again', async () => {
    const pre = [{ command: `echo '{"input":{"command":"rm x"}}'`, name: 'h' }];
    const policy = { deny: ['shell: rm *'], ask: ['shell: ls*'] };
    const denying = await pod.open({ policy }, { hooks: { pre } });
    expect(await denying.before(pod.pre({ command: 'ls' }), signal)).toMatchObject({
      kind: 'deny',
      reason: 'shell: rm *',
    });
    const asking = await pod.open({ policy: { ask: ['shell: ls*'] } }, { hooks: { pre } });
    expect(await asking.before(pod.pre({ command: 'ls' }), signal)).toEqual({
      kind: 'ask',
      by: "the settings' policy",
      reason: 'shell: ls*',
      input: { command: 'rm x' },
      changedBy: 'h',
    });
  });

  it('a hook that allows does not lift what the policy asks about', async () => {
    const command = `echo '{"hookSpecificOutput":{"permissionDecision":"allow"}}'`;
    const pipeline = await pod.open({ policy: { ask: ['shell'] }, hooks: { pre: [{ command }] } });
    expect(await pipeline.before(pod.pre({}), signal)).toMatchObject({ kind: 'ask' });
  });

  it('cost a call that they are not about less than 1 µs', async () => {
    const rules = Array.from({ length: 20 }, (_, at) => `tool_${at}*: x*${at}`);
    const policy = { deny: rules.slice(10), ask: rules.slice(0, 10) };
    const pipeline = await pod.open({ policy, hooks: { pre: [{ match: 'Bash', command: 'true' }] } });
    const event = pod.pre({ command: 'ls' });
    const round = (): number => {
      const startedAtMs = performance.now();
      for (let n = 0; n < 20_000; n += 1) if (pipeline.before(event, signal) !== undefined) return 1;
      return (performance.now() - startedAtMs) / 20_000;
    };
    expect(pipeline.before(event, signal)).toBeUndefined();
    expect(Math.min(...Array.from({ length: 5 }, round))).toBeLessThan(0.001);
  });
});
