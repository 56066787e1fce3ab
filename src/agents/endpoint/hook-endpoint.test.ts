import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../../test/pods.ts';
import { HookEndpoint, type HookPayload } from './hook-endpoint.ts';
import { HookSpool } from './hook-spool.ts';
import { writeShellHook } from './shell-hook.ts';

let dir = '';
let taken: [string, HookPayload][] = [];
let answer = '';
const handle = (event: string, payload: HookPayload): Promise<string> => {
  taken.push([event, payload]);
  if (payload['fails'] === true) return Promise.reject(new Error('a bug'));
  return Promise.resolve(answer);
};

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nika-hooks-'));
  taken = [];
  answer = '';
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const post = (endpoint: HookEndpoint, body: string, { token = endpoint.token, path = '/hook/PreToolUse' } = {}) =>
  fetch(`${endpoint.url}${path}`, { method: 'POST', headers: { authorization: `Bearer ${token}` }, body });

const postToSocket = (socketPath: string, body: string): Promise<number | undefined> => {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  const sent = request({ socketPath, path: '/hook/Stop', method: 'POST' }, (response) => {
    response.resume();
    resolve(response.statusCode);
  });
  sent.once('error', reject).end(body);
  return promise;
};

describe('HookEndpoint', () => {
  it('gives what comes to the pod and answers with what it says, over loopback with the token and over its socket', async () => {
    const socket = join(dir, 'x.hook');
    await using endpoint = await HookEndpoint.open({ handle, socket });
    answer = '{"a":1}';
    const said = await post(endpoint, '{"tool":"x"}');
    expect([said.status, await said.text()]).toEqual([200, '{"a":1}']);
    answer = '';
    expect((await post(endpoint, '{}')).status).toBe(204);
    expect(await postToSocket(socket, '{"b":2}')).toBe(204);
    expect(taken).toEqual([
      ['PreToolUse', { tool: 'x' }],
      ['PreToolUse', {}],
      ['Stop', { b: 2 }],
    ]);
    expect(endpoint.refused()).toEqual({});
  });

  it('refuses who has no token, and counts what it cannot take, without an error for the agent (G1, G3)', async () => {
    await using endpoint = await HookEndpoint.open({ handle, socket: undefined });
    expect((await post(endpoint, '{}', { token: 'guessed' })).status).toBe(401);
    expect((await post(endpoint, '{}', { path: '/elsewhere' })).status).toBe(404);
    expect((await post(endpoint, 'no json')).status).toBe(204);
    expect((await post(endpoint, '[1]')).status).toBe(204);
    expect((await post(endpoint, '{"fails":true}')).status).toBe(204);
    expect((await post(endpoint, `{"a":"${'x'.repeat(33 * 1024 * 1024)}"}`)).status).toBe(204);
    expect(endpoint.refused()).toEqual({ unauthorised: 1, not_json: 2, failed: 1, too_long: 1 });
    expect(taken).toHaveLength(1);
  });

  it('is gone when it is closed: whoever asks is refused at once, and the socket is removed', async () => {
    const socket = join(dir, 'x.hook');
    const endpoint = await HookEndpoint.open({ handle, socket });
    await endpoint[Symbol.asyncDispose]();
    await expect(post(endpoint, '{}')).rejects.toThrow('fetch failed');
    expect(existsSync(socket)).toBe(false);
  });

  it('goes on without a socket that cannot be opened', async () => {
    await using endpoint = await HookEndpoint.open({ handle, socket: join(dir, 'no', 'folder', 'x.hook') });
    expect(endpoint.socket).toBe('');
    expect((await post(endpoint, '{}')).status).toBe(204);
  });
});

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
}

const runHook = (path: string, event: string, body: string, env: NodeJS.ProcessEnv = process.env): Promise<Ran> => {
  const { promise, resolve } = Promise.withResolvers<Ran>();
  const child = execFile(path, [event], { env }, (error, stdout) => resolve({ code: error === null ? 0 : 1, stdout }));
  child.stdin?.end(body);
  return promise;
};

describe('the hook in shell', () => {
  it('hands the payload to the socket and prints the answer', async () => {
    const socket = join(dir, 'x.hook');
    await using _endpoint = await HookEndpoint.open({ handle, socket });
    const path = writeShellHook({ dir, socket, spool: join(dir, 'spool'), timeoutS: 5 });
    answer = '{"deny":"it\'s"}';
    const body = `{"text":"it's %s \\\\n ${'é'.repeat(10)}"}`;
    expect(await runHook(path, 'PreToolUse', body)).toEqual({ code: 0, stdout: '{"deny":"it\'s"}' });
    expect(taken).toEqual([['PreToolUse', JSON.parse(body)]]);
  });

  it('leaves the payload as a file where nobody takes it, which is taken up later, in order (G3)', async () => {
    const spool = join(dir, 'spool');
    mkdirSync(spool);
    const path = writeShellHook({ dir, socket: join(dir, 'gone.hook'), spool, timeoutS: 1, nothing: '{}' });
    expect(await runHook(path, 'Stop', '{"hook_event_name":"Stop","n":1}')).toEqual({ code: 0, stdout: '{}' });
    expect(await runHook(path, 'Stop', '{"hook_event_name":"Stop","n":2}')).toEqual({ code: 0, stdout: '{}' });
    writeFileSync(join(spool, 'half.part'), '{"hook_event');
    writeFileSync(join(spool, 'zzz.json'), 'no json');
    using taking = HookSpool.open(spool, handle);
    await taking.take();
    expect(taken.map(([event, { n }]) => [event, n])).toEqual([
      ['Stop', 1],
      ['Stop', 2],
    ]);
    expect(taking.unreadable).toBe(1);
    expect(readdirSync(spool)).toEqual(['half.part']);
  });

  it('has what was left by the time somebody asks taken up, also while others are, and whatever became of one (G3)', async () => {
    const spool = join(dir, 'spool');
    mkdirSync(spool);
    const leave = (n: number): void => writeFileSync(join(spool, `${n}.json`), JSON.stringify({ n, fails: n === 1 }));
    leave(1);
    leave(2);
    let seen = 0;
    using taking = HookSpool.open(spool, async (event, payload) => {
      seen += 1;
      if (seen === 2) leave(3); // the last hook of an agent that ends while the one before it is taken up
      await handle(event, payload);
    });
    const first = taking.take();
    await until('the last one to be left', () => existsSync(join(spool, '3.json')));
    await taking.take();
    await first;
    expect(taken.map(([, { n }]) => n)).toEqual([1, 2, 3]);
    expect(taking.unreadable).toBe(1);
  });

  it('of which a copy was found first is taken once (E3)', async () => {
    await using endpoint = await HookEndpoint.open({ handle, socket: undefined });
    expect(endpoint.claim('a')).toBe(true);
    const headers = { authorization: `Bearer ${endpoint.token}`, 'x-nika-hook': 'a' };
    const late = await fetch(`${endpoint.url}/hook/Stop`, { method: 'POST', headers, body: '{}' });
    expect([late.status, taken, endpoint.refused()]).toEqual([204, [], {}]);
  });

  it('keeps the keys of providers from what it starts', async () => {
    const seen = join(dir, 'seen');
    const bin = join(dir, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'curl'), `#!/bin/sh\nenv >${seen}\nexit 7\n`, { mode: 0o755 });
    const path = writeShellHook({ dir, socket: join(dir, 'x'), spool: join(dir, 'spool'), timeoutS: 1 });
    const env = { PATH: `${bin}:${process.env['PATH']}`, OPENAI_API_KEY: 'sk-of-a-test', KEPT: 'yes' };
    await runHook(path, 'Stop', '{}', env);
    const { readFileSync } = await import('node:fs');
    expect(readFileSync(seen, 'utf8')).toContain('KEPT=yes');
    expect(readFileSync(seen, 'utf8')).not.toContain('sk-of-a-test');
  });
});
