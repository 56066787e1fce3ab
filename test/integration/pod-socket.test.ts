import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connect } from '../../src/pod/client/client.ts';
import { SocketFaults } from '../../src/pod/socket/faults.ts';
import { openPodSocket, type PodSocket } from '../../src/pod/socket/pod-socket.ts';
import { REQUEST_SCHEMAS } from '../../src/pod/socket/protocol.ts';
import { ToldDoor } from '../fixtures/told-door.ts';

let dir: string;
let path: string;
let door: ToldDoor;
let faults: SocketFaults;
let socket: PodSocket;
const children: ChildProcess[] = [];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'nika-sock-'));
  path = join(dir, 'pod.sock');
  door = new ToldDoor();
  faults = new SocketFaults();
  socket = await openPodSocket({ path, door, faults });
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await socket[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

interface Program {
  readonly child: ChildProcess;
  readonly printed: (text: string) => Promise<void>;
  /** The last line that it printed, when it has ended. */
  readonly said: Promise<Record<string, unknown>>;
}

const start = (program: string, argument: string, socketPath = path): Program => {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../programs', program), argument], {
    env: { PATH: process.env['PATH'], NIKA_SOCKET: socketPath },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += String(chunk);
  });
  const said = once(child, 'close').then(
    () => JSON.parse(text.trim().split('\n').at(-1) ?? '') as Record<string, unknown>,
  );
  said.catch(() => undefined); // one that is killed says nothing
  const printed = async (wanted: string): Promise<void> => {
    await expect.poll(() => text, { timeout: 10_000 }).toContain(wanted);
  };
  return { child, printed, said };
};

const run = (scenario: string): Promise<Record<string, unknown>> => start('socket-client.ts', scenario).said;

describe('a program inside a pod', () => {
  it('can ask by everything that the protocol has', async () => {
    expect(await run('every-op')).toEqual({
      states: ['paused', 'running'],
      call: 'the oldest',
      listeners: 1,
      via: 'redis',
      asked: 1,
      message: 'to myself',
      entity: 'JOB-20261120-k3f9xq2m',
    });
    const ofModule = ['run_end']; // the pipe to the module of the pod, test/integration/pod-ends.test.ts
    const all = new Set(['hello', ...ofModule, ...door.told.map(({ op }) => op)]);
    expect(all).toEqual(new Set(Object.keys(REQUEST_SCHEMAS)));
    expect(door.told.every(({ connection }) => connection.client === 'every-op')).toBe(true);
    await expect.poll(() => door.gone).toHaveLength(1);
    expect(faults.counts()).toEqual({});
  });

  it('is not kept alive by an idle connection', async () => {
    const { child, said } = start('socket-client.ts', 'idle');
    expect(await said).toMatchObject({ session: expect.any(String) });
    expect(child.exitCode).toBe(0);
  });

  it('gets an answer that takes longer than its deadline, as long as the pod says that it waits', async () => {
    expect(await run('slow')).toEqual({ value: 'made' });
  });

  it('that is killed in the middle of a call is told to the door as gone', async () => {
    const { child, printed } = start('socket-client.ts', 'in-call');
    await printed('asked');
    await expect.poll(() => door.requests('tool_begin')).toHaveLength(1);
    child.kill('SIGKILL');
    await expect.poll(() => door.gone, { timeout: 1000 }).toHaveLength(1);
  });

  it('that was stopped for longer than its deadline gets the answer that came meanwhile', async () => {
    const { child, printed, said } = start('socket-client.ts', 'slow');
    await expect.poll(() => door.requests('tool_begin'), { timeout: 10_000 }).toHaveLength(1);
    child.kill('SIGSTOP');
    await sleep(4000);
    child.kill('SIGCONT');
    await printed('made');
    expect(await said).toEqual({ value: 'made' });
  });
});

describe('a flood of 100,000 frames', () => {
  it("is served, and does not slow another's round trips to 50 ms", async () => {
    const trips = start('socket-client.ts', 'round-trips');
    await trips.printed('tripping');
    expect(await run('flood')).toEqual({ sent: 100_000 }); // while the other goes on
    expect(trips.child.exitCode).toBeNull();
    const { p99, count } = await trips.said;
    expect(p99).toBeLessThan(50);
    expect(count).toBeGreaterThan(100);
    expect(door.requests('note').filter(({ text }) => text === 'flood')).toHaveLength(100_000);
    expect(faults.counts()).toEqual({});
  });
});

describe('a pod', () => {
  it('that is killed rejects what is under way at once', async () => {
    const pod = start('socket-pod.ts', `${path}2`);
    await pod.printed('listening');
    const client = start('socket-client.ts', 'in-call', `${path}2`);
    await client.printed('asked');
    const atMs = performance.now();
    pod.child.kill('SIGKILL');
    expect(await client.said).toEqual({ code: 'NIKA_POD_UNREACHABLE' });
    expect(performance.now() - atMs).toBeLessThan(900);
  });

  it('that hangs is given up at the deadline', async () => {
    const pod = start('socket-pod.ts', `${path}2`);
    await pod.printed('listening');
    await using client = await connect({ path: `${path}2`, deadlineMs: 300 });
    pod.child.kill('SIGSTOP');
    const atMs = performance.now();
    await expect(client.note('x')).rejects.toMatchObject({ code: 'NIKA_POD_LATE' });
    await expect(connect({ path: `${path}2`, deadlineMs: 300 })).rejects.toMatchObject({ code: 'NIKA_POD_LATE' });
    expect(performance.now() - atMs).toBeLessThan(3000);
    pod.child.kill('SIGCONT');
    await client.note('y');
  });
});
