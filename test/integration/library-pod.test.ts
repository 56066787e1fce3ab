import { writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Ended, TestHome } from '../nika.ts';
import { endPods, recordOf, recordsOf, until, untilStatus } from '../pods.ts';

const library = join(import.meta.dirname, '../../dist/index.js');
const PATIENCE_MS = 20_000;

let home: TestHome;
beforeEach(() => {
  home = new TestHome();
});
afterEach(async () => {
  await endPods(home);
  home[Symbol.dispose]();
});

/** A program that is the pod JOB-lib, from its first line on. */
const start = (source: string, more: { options?: string; env?: NodeJS.ProcessEnv } = {}) => {
  const file = join(home.cwd, `program-${Math.random().toString(36).slice(2)}.mjs`);
  const options = `job: 'lib', domain: 'a', intent: 'b', id: 'JOB-lib', ${more.options ?? ''}`;
  writeFileSync(
    file,
    `import { Pod } from ${JSON.stringify(library)};
const codeOf = async (fn) => { try { await fn(); return 'nothing thrown'; } catch (thrown) { return thrown.code; } };
const pod = await Pod.start({ ${options} });
${source}`,
  );
  const child = spawn(process.execPath, [file], {
    cwd: home.cwd,
    env: { PATH: process.env['PATH'], HOME: home.dir, NIKA_HOME: home.dir, ...more.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: PATIENCE_MS,
    killSignal: 'SIGKILL',
  });
  const { promise: ended, resolve } = Promise.withResolvers<Ended>();
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk);
  });
  child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  return { child, ended };
};
const run = (source: string, more: Parameters<typeof start>[1] = {}) => start(source, more).ended;
const lines = () => home.lines('channels/JOB-lib.jsonl');
const callsOf = () => lines().filter(({ type }) => type === 'tool_call');
const end = () => recordOf(home, 'JOB-lib')?.end;

describe('the parent of a library pod', () => {
  const parentOf = () => lines()[0]?.meta['parent_id'];

  it('is the pod that started its program', async () => {
    writeFileSync(
      join(home.cwd, 'inner.mjs'),
      `import { Pod } from ${JSON.stringify(library)};
await Pod.run({ job: 'lib', domain: 'a', intent: 'b', id: 'JOB-lib' }, () => 1);`,
    );
    expect((await home.nika('run', '--id', 'JOB-outer', '--', process.execPath, 'inner.mjs')).code).toBe(0);
    expect(parentOf()).toBe('JOB-outer');
  });

  it.each([
    ['of another home', { NIKA_HOME: '/nowhere', NIKA_ENTITY_ID: 'JOB-known' }],
    ['not on the bus', { NIKA_ENTITY_ID: 'JOB-unknown' }],
    ['no id at all', { NIKA_ENTITY_ID: 'what?' }],
  ])('is not one that is %s', async (_what, env) => {
    await home.nika('run', '--id', 'JOB-known', '--', 'true');
    const options = `home: ${JSON.stringify(home.dir)}`;
    expect((await run('await pod.complete();', { env, options })).code).toBe(0);
    expect(parentOf()).toBeUndefined();
  });
});

describe('a library pod that is over', () => {
  it('because of its timeout fails, whatever the program says, and its signal is an Error', async () => {
    const { stdout, code } = await run(
      `await new Promise((resolve) => { pod.signal.addEventListener('abort', resolve); setTimeout(resolve, 2500); });
const { reason } = pod.signal;
const ending = await pod.complete('all is well');
console.log(JSON.stringify([reason instanceof Error, reason.message, reason.cause, ending.outcome, ending.exitCode]));`,
      { options: "timeout: '1s'" },
    );
    expect([code, JSON.parse(stdout)]).toEqual([
      0,
      [true, 'timed out after 1 s', { kind: 'timed_out', afterMs: 1000 }, 'timed_out', 3],
    ]);
    expect(end()).toMatchObject({ status: 'failed', outcome: 'timed_out', exit_code: 3 });
  });

  it('refuses all that is done with it afterwards, and ends once', async () => {
    const { stdout } = await run(`let made = 0;
const tool = pod.tool('t', () => { made += 1; });
const [first, second] = await Promise.all([pod.complete(1), pod.complete(2)]);
const third = await pod.fail('too late');
const codes = [
  await codeOf(() => tool()),
  await codeOf(() => pod.note('n')),
  await codeOf(() => pod.result(3)),
  await codeOf(() => pod.task('x', () => { made += 1; })),
  await codeOf(() => pod.onMessage(() => undefined)),
];
console.log(JSON.stringify([codes, made, first.outcome, second === first, third === first]));`);
    expect(JSON.parse(stdout)).toEqual([Array(5).fill('NIKA_POD_OVER'), 0, 'completed', true, true]);
    expect(end()).toMatchObject({ status: 'completed', result: 1 });
    expect(callsOf()).toEqual([]);
  });

  it('before its calls are has them on the bus as failed; their callers get what they wait for', async () => {
    const { stdout } =
      await run(`const slow = pod.tool('slow', () => new Promise((resolve) => setTimeout(resolve, 500, 'late')));
const calling = slow();
await new Promise((resolve) => setTimeout(resolve, 50));
const { calls, errors } = await pod.complete();
console.log(JSON.stringify([calls, errors, await calling]));`);
    expect(JSON.parse(stdout)).toEqual([1, 1, 'late']);
    expect(callsOf().map(({ data }) => [data['ok'], data['error']])).toEqual([
      [false, 'the pod ended before the call did'],
    ]);
  });

  it('while a call waits for a person never makes it', async () => {
    writeFileSync(join(home.dir, 'config/nika.yaml'), "policy: { ask: ['t'] }\n");
    const { stdout } = await run(`let made = 0;
const calling = codeOf(pod.tool('t', () => { made += 1; }));
await new Promise((resolve) => setTimeout(resolve, 100));
await pod.complete();
console.log(JSON.stringify([await calling, made]));`);
    expect(JSON.parse(stdout)).toEqual(['NIKA_POD_OVER', 0]);
    expect(callsOf().map(({ data }) => data['ok'])).toEqual([false]);
  });

  it('refuses a result that is none, and goes on', async () => {
    const { stdout } =
      await run(`const codes = [await codeOf(() => pod.result({ x: 10n })), await codeOf(() => pod.complete({ x: 10n }))];
const { outcome } = await pod.complete('x');
console.log(JSON.stringify([codes, outcome]));`);
    expect(JSON.parse(stdout)).toEqual([['NIKA_POD_RESULT', 'NIKA_POD_RESULT'], 'completed']);
  });
});

describe('a program that does not end its pod', () => {
  it('ends all the same, and the pod fails', async () => {
    const { code } = await run("await pod.tool('t', () => 1)();", { options: "timeout: '10m'" });
    expect([code, end()]).toEqual([
      1,
      expect.objectContaining({ status: 'failed', error: 'the program ended without complete()' }),
    ]);
  });

  it('keeps an exit code of its own', async () => {
    expect((await run('process.exitCode = 7;')).code).toBe(7);
    expect(end()?.status).toBe('failed');
  });

  it('by process.exit() leaves a pod that the next command closes as lost', async () => {
    expect((await run('process.exit(5);')).code).toBe(5);
    expect((await home.nika('pod', 'ls', '--all')).stdout).toMatch(/lib .*lost/);
    expect(end()).toMatchObject({ status: 'lost' });
    expect(lines().at(-1)).toMatchObject({ type: 'session_end_summary', data: { outcome: 'lost' } });
  });

  it('stays for messages while it listens, and for calls that are held', async () => {
    writeFileSync(join(home.dir, 'config/nika.yaml'), "policy: { ask: ['t'] }\n");
    const { ended } = start(`const end = pod.onMessage(async ({ text }) => {
  end();
  await pod.complete([text, await pod.tool('t', () => 'made')()]);
});`);
    await untilStatus(home, 'JOB-lib', 'running');
    expect((await home.nika('pod', 'send', 'JOB-lib', 'hello')).code).toBe(0);
    await untilStatus(home, 'JOB-lib', 'waiting');
    expect((await home.nika('pod', 'allow', 'JOB-lib')).code).toBe(0);
    expect((await ended).code).toBe(0);
    expect(end()?.result).toEqual(['hello', 'made']);
  });

  it.each(['SIGTERM', 'SIGQUIT'] as const)('and gets %s: the story is written, then it ends by it', async (signal) => {
    const { child, ended } = start('setTimeout(() => undefined, 60_000);');
    await untilStatus(home, 'JOB-lib', 'running');
    child.kill(signal);
    expect((await ended).signal).toBe(signal);
    expect(end()).toMatchObject({ status: 'cancelled', error: `interrupted by ${signal}` });
    await until('one session', () => recordsOf(home).length === 1);
  });
});
