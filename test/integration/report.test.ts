import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SocketFaults } from '../../src/pod/socket/faults.ts';
import { openPodSocket, type PodSocket } from '../../src/pod/socket/pod-socket.ts';
import { ToldDoor } from '../fixtures/told-door.ts';
import { binary, type Ended, TestHome } from '../nika.ts';

let home: TestHome;
let path: string;
let door: ToldDoor;
let socket: PodSocket;

beforeEach(async () => {
  home = new TestHome();
  path = join(home.dir, 'pod.sock');
  door = new ToldDoor();
  socket = await openPodSocket({ path, door, faults: new SocketFaults() });
});
afterEach(async () => {
  await socket[Symbol.asyncDispose]();
  home[Symbol.dispose]();
});

const report = (...args: readonly string[]): Promise<Ended> =>
  home.start(['report', ...args], { NIKA_SOCKET: path }).ended;

const piped = async (text: string, ...args: readonly string[]): Promise<number | null> => {
  const child = spawn(process.execPath, [binary, 'report', ...args], {
    env: { PATH: process.env['PATH'], NIKA_SOCKET: path },
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  child.stdin.end(text);
  await once(child, 'close');
  return child.exitCode;
};

describe('nika report', () => {
  it('tells of a tool call: what went in, what came out, how long it took', async () => {
    const flags = ['--input', '{"files":2}', '--response', '[0]', '--duration', '1.5s', '--task', 'lint'];
    expect(await report('tool', 'lint', ...flags)).toMatchObject({ code: 0, stdout: '', stderr: '' });
    const call = { tool: 'lint', input: { files: 2 }, response: [0], duration_ms: 1500, task: 'lint', ok: true };
    expect(door.requests('tool_call')).toEqual([call]);
    expect(door.told[0]?.connection.client).toBe('nika report');
  });

  it('tells of a call that failed', async () => {
    await report('tool', 'deploy', '--error', 'refused');
    expect(door.requests('tool_call')).toMatchObject([{ ok: false, error: 'refused', input: null }]);
  });

  it('reads a response from standard input, as JSON, as text, and of any length', async () => {
    const long = 'long\n'.repeat(2_000_000);
    for (const text of ['{"a":1}', 'make: done\n', long])
      expect(await piped(text, 'tool', 'make', '--response', '-')).toBe(0);
    const [json, text, cut] = door.requests('tool_call').map(({ response }) => response);
    expect([json, text]).toEqual([{ a: 1 }, 'make: done\n']);
    expect(long.startsWith(String(cut))).toBe(true);
  });

  it('tells notes, TASKs that outlive the command, and the result', async () => {
    await report('note', 'half way', '--level', 'warn');
    await report('task', 'start', 'build');
    await report('task', 'end', 'build', '--outcome', 'failed', '--summary', 'red');
    await report('result', '{"version":"1.4.0"}');
    expect(door.told.map(({ op, request }) => [op, request])).toEqual([
      ['note', { text: 'half way', level: 'warn' }],
      ['task_start', { task: 'build', keep: true }],
      ['task_end', { task: 'build', outcome: 'failed', summary: 'red' }],
      ['result', { value: { version: '1.4.0' } }],
    ]);
  });

  it('tells of tokens that were used, and what they cost where it knows that', async () => {
    const flags = [
      '--model',
      'gpt-6-sol',
      '--input-tokens',
      '1200',
      '--output-tokens',
      '300',
      '--cache-read-tokens',
      '9',
    ];
    expect(await report('usage', ...flags, '--cost', '0.25', '--task', 'lint')).toMatchObject({ code: 0, stderr: '' });
    await report('usage', '--cost-later', '--scope', 'turn');
    const counts = { input_tokens: 1200, output_tokens: 300, cache_read_tokens: 9, cache_write_tokens: 0 };
    const none = { input_tokens: 0, output_tokens: 0, cache_read_tokens: 0, cache_write_tokens: 0 };
    expect(door.requests('usage')).toEqual([
      { model: 'gpt-6-sol', ...counts, cost_usd: 0.25, scope: 'call', task: 'lint' },
      { model: '', ...none, cost_later: true, scope: 'turn' },
    ]);
  });

  it('shows the facts of the pod', async () => {
    const { stdout } = await report('facts', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ entity: 'JOB-20261120-k3f9xq2m', status: 'running' });
    expect((await report('facts')).stdout).toMatch(/started at +2026/);
  });

  it('takes the socket from --socket', async () => {
    expect(await home.nika('report', 'note', 'x', '--socket', path)).toMatchObject({ code: 0 });
    expect(door.requests('note')).toHaveLength(1);
  });

  it('outside of a pod exits 2 and says so, and with --if-pod does nothing', async () => {
    const outside = await home.nika('report', 'note', 'x');
    expect(outside.code).toBe(2);
    expect(outside.stderr).toContain('not inside a pod');
    expect(await home.nika('report', 'note', 'x', '--if-pod')).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  it('to a pod that is gone exits 1, and with --if-pod does nothing', async () => {
    await socket[Symbol.asyncDispose]();
    const gone = await report('note', 'x');
    expect(gone.code).toBe(1);
    expect(gone.stderr).toContain('NIKA_POD_UNREACHABLE');
    expect(await report('note', 'x', '--if-pod')).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  it.each([
    [['tool', 'x', '--input', 'a b'], 'It is JSON'],
    [['tool', 'x', '--duration', '5'], 'is no duration'],
    [['task', 'end', 'x', '--outcome', 'odd'], 'Allowed choices'],
    [['result'], 'missing required argument'],
    [['usage', '--input-tokens', '1.5'], 'a whole number'],
    [['usage', '--cost', '-1'], 'a number of US dollars'],
    [['usage', '--cost', '1', '--cost-later'], 'exclude each other'],
  ])('%j exits 2 and tells nothing', async (args, said) => {
    const { code, stderr } = await report(...args);
    expect(code).toBe(2);
    expect(stderr).toContain(said);
    expect(door.told).toEqual([]);
  });

  it('that the pod refuses exits with its code', async () => {
    const { code, stderr } = await report('note', 'refuse');
    expect(code).toBe(3);
    expect(stderr).toContain('NIKA_LIMIT_REACHED');
  });
});
