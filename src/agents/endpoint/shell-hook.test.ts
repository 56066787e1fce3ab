import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HookEndpoint, type HookPayload } from './hook-endpoint.ts';
import { hookOfFile, loopbackOf, type ShellHookOptions, shellHookLack, writeShellHook } from './shell-hook.ts';

const ENV = { PATH: process.env['PATH'] ?? '' };

describe.each(['curl', 'bash'] as const)('the hook in shell, by %s', (way) => {
  let dir = '';
  let taken: [string, HookPayload][] = [];
  let answer = '';
  /** Until then the pod does not answer. */
  let held: Promise<unknown> | undefined;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'nika-shell-hook-'));
    mkdirSync(join(dir, 'spool'));
    taken = [];
    answer = '';
    held = undefined;
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const openPod = (): Promise<HookEndpoint> => {
    const handle = async (event: string, payload: HookPayload): Promise<string> => {
      taken.push([event, payload]);
      await held;
      return answer;
    };
    return HookEndpoint.open({ handle, socket: join(dir, 'x.hook') });
  };
  const write = ({ url, token }: { url: string; token: string }, options: Partial<ShellHookOptions> = {}): string => {
    const loopback = way === 'bash' ? loopbackOf({ url, token }, { cwd: dir, env: ENV }) : undefined;
    return writeShellHook({
      dir,
      socket: join(dir, 'x.hook'),
      spool: join(dir, 'spool'),
      timeoutS: 5,
      loopback,
      ...options,
    });
  };
  const run = async (path: string, args: readonly string[], body: string, env = {}): Promise<string> => {
    const child = execFile(path, args, { env: { ...ENV, ...env } });
    let stdout = '';
    child.stdout?.on('data', (chunk) => {
      stdout += String(chunk);
    });
    child.stdin?.end(body);
    const [code] = (await once(child, 'close')) as [number];
    expect(code).toBe(0);
    return stdout;
  };
  const left = (): readonly string[] => readdirSync(join(dir, 'spool'));

  it('hands over the payload as it is, however long, and prints the answer', async () => {
    await using pod = await openPod();
    const path = write(pod);
    answer = '{"reason":"it\'s é\\n"}';
    const payload = { text: `it's %s "\\ \n ${'é'.repeat(200_000)}`, n: 1 };
    expect(await run(path, ['PreToolUse'], JSON.stringify(payload))).toBe(answer);
    expect(taken).toEqual([['PreToolUse', payload]]);
    expect(left()).toEqual([]);
  });

  it('prints what the agent wants to read where nothing is said', async () => {
    await using pod = await openPod();
    expect(await run(write(pod), ['Stop'], '{}')).toBe('');
    const path = write(pod, { nothing: '{}' });
    expect(await run(path, ['Stop'], '{}')).toBe('{}');
    answer = '{"a":1}';
    expect(await run(path, ['Stop'], '{}')).toBe('{"a":1}');
  });

  it('leaves the payload as a file where the pod is gone, at once', async () => {
    const pod = await openPod();
    const path = write(pod, { nothing: '{}' });
    await pod[Symbol.asyncDispose]();
    expect(await run(path, ['Stop'], '{"n":1}')).toBe('{}');
    const [name = ''] = left();
    expect(readFileSync(join(dir, 'spool', name), 'utf8')).toBe('{"n":1}');
  });

  it('E3: is told once where the pod was too slow to answer, though it left its file as well', async () => {
    await using pod = await openPod();
    const late = Promise.withResolvers<undefined>();
    held = late.promise;
    expect(await run(write(pod, { timeoutS: 1 }), ['Stop'], '{}')).toBe('');
    late.resolve(undefined);
    const names = left().map((name) => hookOfFile(name.slice(0, -'.json'.length)));
    expect(names.map((name) => pod.claim(name))).toEqual([false]);
    expect(pod.claim('another')).toBe(true);
    expect(taken).toHaveLength(1);
  });

  it('waits longer for a single event where it is told to', async () => {
    await using pod = await openPod();
    held = new Promise((resolve) => setTimeout(resolve, 1_500));
    answer = 'late';
    expect(await run(write(pod, { timeoutS: 1 }), ['PreToolUse', '30'], '{}')).toBe('late');
  });

  it('tells nothing in an agent that this one started', async () => {
    await using pod = await openPod();
    const path = write(pod, { unless: 'INNER', nothing: '{}' });
    expect(await run(path, ['Stop'], '{"n":1}', { INNER: 'yes' })).toBe('{}');
    expect(await run(path, ['Stop'], '{"n":2}')).toBe('{}');
    expect([taken.map(([, { n }]) => n), left()]).toEqual([[2], []]);
  });

  it('reads no settings of the user, which could change what is said', async () => {
    await using pod = await openPod();
    writeFileSync(join(dir, '.curlrc'), 'include\nverbose\n');
    writeFileSync(join(dir, 'bash_env'), 'echo noise; exit 7\n');
    answer = '{"a":1}';
    const env = { HOME: dir, BASH_ENV: join(dir, 'bash_env'), ENV: join(dir, 'bash_env') };
    expect(await run(write(pod), ['Stop'], '{}', env)).toBe('{"a":1}');
  });
});

describe('the hook in shell', () => {
  it('is by bash where that is there, and says what it lacks where nothing is (G9)', () => {
    const place = { url: 'http://127.0.0.1:1', token: 'x' };
    expect(loopbackOf(place, { cwd: '/', env: ENV })?.bash).toMatch(/\/bash$/);
    expect(loopbackOf({ ...place, url: '' }, { cwd: '/', env: ENV })).toBeUndefined();
    expect(loopbackOf(place, { cwd: '/', env: { PATH: '/nowhere' } })).toBeUndefined();
    expect(shellHookLack({ cwd: '/', env: ENV })).toBeUndefined();
    expect(shellHookLack({ cwd: '/', env: { PATH: '/nowhere' } })).toContain('there is no bash and no curl');
  });
});
