import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FACTS, ToldDoor } from '../../../test/fixtures/told-door.ts';
import { serveOwn } from '../socket/connection.ts';
import { SocketFaults } from '../socket/faults.ts';
import { openPodSocket, type PodSocket } from '../socket/pod-socket.ts';
import { connect, type PodClient } from './client.ts';

let dir: string;
let path: string;
let door: ToldDoor;
let socket: PodSocket;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'nika-sock-'));
  path = join(dir, 'pod.sock');
  door = new ToldDoor();
  socket = await openPodSocket({ path, door, faults: new SocketFaults() });
});
afterEach(async () => {
  await socket[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

describe('a tool call', () => {
  it('is asked about, made, and told how it ended', async () => {
    await using pod = await connect({ path });
    const sum = await pod.tool('add', { a: 1, b: 2 }, ({ a, b }) => a + b);
    expect(sum).toBe(3);
    const [begin] = door.requests('tool_begin');
    const [end] = door.requests('tool_end');
    expect(begin).toMatchObject({ tool: 'add', input: { a: 1, b: 2 } });
    expect(end).toMatchObject({ call: begin?.['call'], ok: true, response: 3 });
    expect(end?.['duration_ms']).toBeTypeOf('number');
    expect([pod.session, pod.entity]).toEqual([FACTS.session, FACTS.entity]);
  });

  it('that is denied is not made, and says why', async () => {
    await using pod = await connect({ path, failOpen: true });
    let isMade = false;
    const call = pod.tool('denied', 0, () => {
      isMade = true;
    });
    await expect(call).rejects.toMatchObject({ code: 'NIKA_POD_DENIED', message: 'denied: not on a Friday' });
    expect(isMade).toBe(false);
    expect(pod.missed()).toEqual({});
  });

  it('is made with the input that a hook changed', async () => {
    await using pod = await connect({ path });
    expect(await pod.tool<object, object>('changed', { changed: false }, (input) => input)).toEqual({ changed: true });
  });

  it('that throws is told as failed, and throws on', async () => {
    await using pod = await connect({ path });
    const call = pod.tool({ tool: 'x', task: 't', what: 'tries' }, 0, () => {
      throw new RangeError('too far');
    });
    await expect(call).rejects.toThrow(RangeError);
    await pod.facts();
    expect(door.requests('tool_begin')[0]).toMatchObject({ task: 't', what: 'tries' });
    expect(door.requests('tool_end')).toMatchObject([{ ok: false, error: 'too far' }]);
  });

  it('is not made when its signal comes before the verdict, and the pod is told that it is over', async () => {
    await using pod = await connect({ path, failOpen: true });
    const signal = AbortSignal.timeout(50);
    await expect(pod.tool('never', 0, () => 1, signal)).rejects.toThrow('aborted due to timeout');
    await pod.facts();
    expect(door.requests('tool_end')).toMatchObject([{ ok: false }]);
  });

  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;
  it.each([
    ['a cycle', cyclic],
    ['a bigint', 1n],
    ['a function', () => 1],
    ['nothing', undefined],
    ['more than a frame holds', 'x'.repeat(5 * 1024 * 1024)],
    ['a deep object of more than a frame holds', { a: ['ü'.repeat(5 * 1024 * 1024)] }],
  ])('that gives %s is told all the same', async (_, value) => {
    await using pod = await connect({ path });
    expect(await pod.tool('odd', 0, () => value)).toBe(value);
    expect(door.requests('tool_end')).toMatchObject([{ ok: true }]);
    await pod.report({ tool: 'odd', input: value, ok: true });
    expect(door.requests('tool_call')).toHaveLength(1);
  });

  it('whose input cannot be sent as it is, is not asked about with another', async () => {
    await using pod = await connect({ path });
    await expect(pod.tool('odd', cyclic, () => 1)).rejects.toMatchObject({ code: 'NIKA_POD_PROTOCOL' });
    expect(door.requests('tool_begin')).toEqual([]);
  });
});

describe('a task', () => {
  it('holds the calls that are made in it, and ends as its work ends', async () => {
    await using pod = await connect({ path });
    const value = await pod.task('build', async (task) => {
      await task.report({ tool: 'make', input: 0, ok: true });
      return task.tool('link', 0, () => 'linked');
    });
    expect(value).toBe('linked');
    const failing = pod.task('test', () => Promise.reject(new Error('red')));
    await expect(failing).rejects.toThrow('red');
    await pod.facts();
    expect(door.requests('tool_call')[0]).toMatchObject({ task: 'build' });
    expect(door.requests('tool_begin')[0]).toMatchObject({ task: 'build' });
    expect(door.requests('task_end')).toEqual([
      { task: 'build', outcome: 'completed' },
      { task: 'test', outcome: 'failed', summary: 'red' },
    ]);
  });
});

describe('messages', () => {
  it('come in order, with who sent them, until the pod stops', async () => {
    await using pod = await connect({ path });
    const stopped = await pod.listen();
    await using other = await connect({ path });
    expect(await other.send('one')).toBe(1);
    expect(await other.send({ text: 'two', from: 'ann' })).toBe(1);
    const heard: unknown[] = [];
    const reading = (async () => {
      for await (const { text, from } of pod.messages()) heard.push([text, from]);
    })();
    await other.send('three');
    await other.stop({ reason: 'enough' });
    await reading;
    expect(heard).toEqual([
      ['one', undefined],
      ['two', 'ann'],
      ['three', undefined],
    ]);
    expect(stopped.reason).toMatchObject({ message: 'enough' });
  });

  it('that nobody takes are bounded and counted', async () => {
    await using pod = await connect({ path });
    await pod.listen();
    await using other = await connect({ path });
    await Promise.all(Array.from({ length: 1010 }, (_, n) => other.send(`m${n}`)));
    await pod.facts();
    expect(pod.missed()).toEqual({ messages: 10 });
  });

  it('are waited for no longer than the signal allows', async () => {
    await using pod = await connect({ path });
    const heard: unknown[] = [];
    for await (const message of pod.messages(AbortSignal.timeout(50))) heard.push(message);
    expect(heard).toEqual([]);
  });
});

describe('a pod that is not there', () => {
  const calls: readonly [string, (pod: PodClient) => Promise<unknown>][] = [
    ['note', (pod) => pod.note('x')],
    ['report', (pod) => pod.report({ tool: 'x', input: 0, ok: true })],
    ['result', (pod) => pod.result(1)],
    ['tool', (pod) => pod.tool('x', 0, () => 1)],
    ['task', (pod) => pod.task('x', () => 1)],
  ];

  it('is told as such', async () => {
    await expect(connect({ path: '' })).rejects.toMatchObject({ code: 'NIKA_POD_OUTSIDE' });
    await expect(connect({ path: `${path}x` })).rejects.toMatchObject({ code: 'NIKA_POD_UNREACHABLE' });
  });

  it.each(calls)('any longer rejects %s, also what is under way, at once', async (_, call) => {
    await using pod = await connect({ path });
    const underWay = pod.tool('never', 0, () => 1);
    const atMs = performance.now();
    const [outcome] = await Promise.allSettled([underWay, socket[Symbol.asyncDispose]()]);
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'NIKA_POD_UNREACHABLE' } });
    await expect(call(pod)).rejects.toMatchObject({ code: 'NIKA_POD_UNREACHABLE' });
    expect(performance.now() - atMs).toBeLessThan(1500);
  });

  it.each(calls)('with failOpen does not keep %s from its work, and counts', async (_, call) => {
    await using never = await connect({ path: '', failOpen: true });
    await call(never);
    await using pod = await connect({ path, failOpen: true });
    await socket[Symbol.asyncDispose]();
    await call(pod);
    expect(Object.keys(pod.missed()).length).toBeGreaterThan(0);
    expect(pod.missed()).toEqual(never.missed());
    await expect(pod.facts()).rejects.toMatchObject({ code: 'NIKA_POD_UNREACHABLE' });
  });

  it('ends the messages, and the signal of listen', async () => {
    await using pod = await connect({ path });
    const stopped = await pod.listen();
    await socket[Symbol.asyncDispose]();
    for await (const message of pod.messages()) throw new Error(`heard ${message.text}`);
    expect(stopped.reason).toMatchObject({ code: 'NIKA_POD_UNREACHABLE' });
  });
});

describe('what answers behind the socket', () => {
  const behind = async (serve: (peer: Socket) => void): Promise<AsyncDisposable> => {
    const peers = new Set<Socket>();
    const server = createServer((peer) => {
      peers.add(peer);
      peer.on('error', () => undefined);
      serve(peer);
    });
    await once(server.listen(`${path}2`), 'listening');
    return {
      [Symbol.asyncDispose]: async () => {
        for (const peer of peers) peer.destroy();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  };

  it('never: the client gives up at its deadline', async () => {
    await using _server = await behind((peer) => peer.resume());
    const atMs = performance.now();
    const client = connect({ path: `${path}2`, deadlineMs: 100 });
    await expect(client).rejects.toMatchObject({ code: 'NIKA_POD_LATE' });
    expect(performance.now() - atMs).toBeLessThan(1000);
  });

  it('with garbage: no pod', async () => {
    await using _server = await behind((peer) => peer.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await expect(connect({ path: `${path}2` })).rejects.toMatchObject({ code: 'NIKA_POD_PROTOCOL' });
  });
});

it('speaks over a pipe as well', async () => {
  const [here, there] = duplexPair();
  const connection = serveOwn(there, { door, faults: new SocketFaults() });
  {
    await using pod = await connect({ stream: here });
    await pod.tool('x', 0, () => sleep(1));
  }
  await connection.closed;
  expect(door.told.map(({ op, connection: { isOwn } }) => [op, isOwn])).toEqual([
    ['tool_begin', true],
    ['tool_end', true],
  ]);
});
