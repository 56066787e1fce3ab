import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Duplex, duplexPair } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RawPeer } from '../../../test/fixtures/raw-peer.ts';
import { ToldDoor } from '../../../test/fixtures/told-door.ts';
import { serveOwn } from './connection.ts';
import { SOCKET_FAULTS, SocketFaults } from './faults.ts';
import { encodeFrame, FRAME_MAX_BYTES } from './frames.ts';
import { CONNECTIONS_MAX_COUNT, openPodSocket, type PodSocket, type PodSocketOptions } from './pod-socket.ts';

let dir: string;
let path: string;
let door: ToldDoor;
let faults: SocketFaults;
let said: string[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nika-sock-'));
  path = join(dir, 'pod.sock');
  door = new ToldDoor();
  said = [];
  faults = new SocketFaults((fault) => said.push(fault));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const open = (more: Partial<PodSocketOptions> = {}): Promise<PodSocket> =>
  openPodSocket({ path, door, faults, ...more });

/** A socket file whose process was killed. */
const leaveStale = (): void => {
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 9))`;
  spawnSync(process.execPath, ['-e', script]);
};

describe('the file of the socket', () => {
  it('is 0600, and gone at the end, with nothing left beside it', async () => {
    {
      await using _socket = await open();
      expect(lstatSync(path).mode & 0o777).toBe(0o600);
      expect(readdirSync(dir)).toEqual(['pod.sock']);
    }
    expect(readdirSync(dir)).toEqual([]);
  });

  it('of a dead pod is replaced', async () => {
    leaveStale();
    expect(lstatSync(path).isSocket()).toBe(true);
    await using _socket = await open();
    using peer = await RawPeer.open(path);
    expect(await peer.hello()).toMatchObject({ ok: true });
  });

  it('in use is never replaced, and neither is what is no socket', async () => {
    await using _first = await open();
    await expect(open()).rejects.toMatchObject({ code: 'NIKA_POD_SOCKET' });
    using peer = await RawPeer.open(path);
    expect(await peer.hello()).toMatchObject({ ok: true });
    const file = join(dir, 'file');
    writeFileSync(file, 'mine');
    await expect(open({ path: file })).rejects.toThrow('is no socket');
    expect(readdirSync(dir).sort()).toEqual(['file', 'pod.sock']);
  });

  it('is had by exactly one of many that open it at once, over the file of a dead pod', async () => {
    leaveStale();
    const all = await Promise.allSettled(Array.from({ length: 8 }, () => open()));
    const opened = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(opened).toHaveLength(1);
    using peer = await RawPeer.open(path);
    expect(await peer.hello()).toMatchObject({ ok: true });
    for (const socket of opened) await socket[Symbol.asyncDispose]();
    expect(readdirSync(dir)).toEqual([]);
  });

  it('is left alone at the end where another has put its own there', async () => {
    const first = await open();
    renameSync(path, join(dir, 'moved'));
    const other = createServer();
    await once(other.listen(path), 'listening');
    await first[Symbol.asyncDispose]();
    expect(existsSync(path)).toBe(true);
    other.close();
  });

  it('is refused in a folder that others may look into, and by a path that is too long', async () => {
    chmodSync(dir, 0o755);
    await expect(open()).rejects.toThrow('is open to others (mode 755)');
    chmodSync(dir, 0o700);
    await expect(open({ path: join(dir, 'x'.repeat(90)) })).rejects.toThrow('more than 103 bytes');
  });
});

describe('a request', () => {
  it('is answered with its id, and the door is told who asked', async () => {
    await using _socket = await open();
    using peer = await RawPeer.open(path);
    expect(await peer.ask({ id: 1, op: 'hello', v: 1, client: 'a test' })).toMatchObject({
      re: 1,
      ok: true,
      v: 1,
      entity: 'JOB-20261120-k3f9xq2m',
    });
    const call = { tool: 'lint', input: { a: 1 }, ok: true, response: [1], duration_ms: 3 };
    expect(await peer.ask({ id: 2, op: 'tool_call', ...call })).toEqual({ re: 2, ok: true });
    expect(door.told[0]).toMatchObject({
      op: 'tool_call',
      request: call,
      connection: { client: 'a test', isOwn: false },
    });
  });

  it('that takes long does not hold the next', async () => {
    await using _socket = await open();
    using peer = await RawPeer.open(path);
    await peer.hello();
    peer.send({ id: 1, op: 'tool_begin', call: 'a', tool: 'never', input: 0 }, { id: 2, op: 'note', text: 'x' });
    expect(await peer.answer(2)).toMatchObject({ ok: true });
  });

  it('that the door refuses, or stumbles over, is answered with the code', async () => {
    await using _socket = await open();
    using peer = await RawPeer.open(path);
    await peer.hello();
    const refused = { ok: false, code: 'NIKA_LIMIT_REACHED', message: 'no more notes' };
    expect(await peer.ask({ id: 1, op: 'note', text: 'refuse' })).toMatchObject(refused);
    expect(await peer.ask({ id: 2, op: 'note', text: 'bug' })).toMatchObject({ ok: false, code: 'NIKA_POD_FAILED' });
    expect(faults.counts()).toEqual({ door_failed: 1 });
  });

  it.each([
    [{ op: 'nonsense' }, 'no operation "nonsense"'],
    [{ op: 'toString' }, 'no operation "toString"'],
    [{}, 'no operation without a name'],
    [{ op: 'note' }, 'note: text'],
    [{ op: 'tool_call', tool: 'x', input: 0, ok: 'yes' }, 'tool_call: ok'],
    [{ op: 'hello', v: 1 }, 'said already'],
  ])('such as %j is refused, counted, and the connection goes on', async (request, message) => {
    await using _socket = await open();
    using peer = await RawPeer.open(path);
    await peer.hello();
    const answer = await peer.ask({ id: 1, ...request });
    expect(answer).toMatchObject({ ok: false, code: 'NIKA_POD_PROTOCOL' });
    expect(answer['message']).toContain(message);
    expect(faults.counts()).toEqual({ bad_request: 1 });
    expect(await peer.ask({ id: 2, op: 'note', text: 'fine' })).toMatchObject({ ok: true });
  });

  it('is not taken before hello', async () => {
    await using _socket = await open();
    using peer = await RawPeer.open(path);
    expect(await peer.ask({ id: 1, op: 'note', text: 'x' })).toMatchObject({ ok: false, code: 'NIKA_POD_PROTOCOL' });
    expect(door.told).toEqual([]);
    expect(door.gone).toEqual([]);
  });

  it('of a client of a newer version is told which the pod speaks; it may say hello again', async () => {
    await using _socket = await open();
    using peer = await RawPeer.open(path);
    const answer = await peer.ask({ id: 1, op: 'hello', v: 7 });
    expect(answer).toMatchObject({ ok: false, code: 'NIKA_POD_PROTOCOL', v: 1 });
    expect(answer['message']).toContain('speaks version 1');
    expect(await peer.hello(1)).toMatchObject({ ok: true, v: 1 });
    expect(faults.counts()).toEqual({ other_version: 1 });
  });

  it('beyond those that may wait at once is answered as busy', async () => {
    await using _socket = await open();
    using peer = await RawPeer.open(path);
    await peer.hello();
    for (let id = 1; id <= 1030; id += 1) peer.send({ id, op: 'tool_begin', call: `c${id}`, tool: 'never', input: 0 });
    expect(await peer.answer(1030)).toMatchObject({ ok: false, code: 'NIKA_POD_BUSY' });
    expect(faults.counts()).toEqual({ too_many_requests: 6 });
  });
});

describe('a bad peer', () => {
  const big = Buffer.alloc(4);
  big.writeUInt32BE(FRAME_MAX_BYTES + 1);
  it.each([
    ['garbage', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'oversized_frame'],
    ['a frame that is too long', big, 'oversized_frame'],
    ['a frame that is no JSON', Buffer.from([0, 0, 0, 1, 0x7b]), 'bad_frame'],
    ['a request without an id', encodeFrame({ op: 'facts' }), 'bad_frame'],
  ])('that sends %s is told so once and closed; others are served', async (_, bytes, fault) => {
    await using _socket = await open();
    using other = await RawPeer.open(path);
    await other.hello();
    using peer = await RawPeer.open(path);
    peer.socket.write(Buffer.concat([bytes, bytes, bytes]));
    await peer.closed();
    expect(peer.heard).toMatchObject([{ re: 0, ok: false, code: 'NIKA_POD_PROTOCOL' }]);
    expect(faults.counts()).toEqual({ [fault]: 1 });
    expect(said).toEqual([fault]);
    expect(await other.ask({ id: 1, op: 'note', text: 'x' })).toMatchObject({ ok: true });
  });

  it('that stops in the middle of a frame is closed, unless the pod is held', async () => {
    let isHeld = true;
    await using _socket = await open({ idleMs: 50, isHeld: () => isHeld });
    using peer = await RawPeer.open(path);
    await peer.hello();
    peer.socket.write(encodeFrame({ id: 2, op: 'facts' }).subarray(0, 9));
    await sleep(300);
    expect(peer.isClosed).toBe(false);
    isHeld = false;
    await peer.closed();
    expect(faults.counts()).toEqual({ half_frame: 1 });
    expect(door.gone).toHaveLength(1);
  });

  it('that never says hello is closed; one that is idle after it is not', async () => {
    await using socket = await open({ idleMs: 50 });
    using idle = await RawPeer.open(path);
    await idle.hello();
    using peer = await RawPeer.open(path);
    await peer.closed();
    await sleep(200);
    expect([idle.isClosed, socket.connectionCount]).toEqual([false, 1]);
    expect(faults.counts()).toEqual({ no_hello: 1 });
  });

  it('that says much and goes away without an answer is heard to the end', async () => {
    await using socket = await open();
    const peer = await RawPeer.open(path);
    await peer.hello();
    for (let id = 1; id <= 200; id += 1) peer.send({ id, op: 'note', text: 'quick' });
    peer.socket.end(() => peer.socket.destroy());
    await expect.poll(() => socket.connectionCount).toBe(0);
    expect(door.requests('note')).toHaveLength(200);
    expect(door.gone).toHaveLength(1);
  });

  it('that goes away in the middle of a frame is counted', async () => {
    await using _socket = await open();
    using peer = await RawPeer.open(path);
    await peer.hello();
    peer.socket.end(encodeFrame({ id: 2, op: 'facts' }).subarray(0, 9));
    await peer.closed();
    expect(faults.counts()).toEqual({ half_frame: 1 });
  });

  it('that asks and does not read is read no further, and does not fill the memory', async () => {
    await using _socket = await open();
    using peer = await RawPeer.open(path);
    await peer.hello();
    peer.socket.pause();
    for (let id = 1; id <= 20_000; id += 1) peer.send({ id, op: 'facts' });
    await sleep(500);
    const served = door.told.length;
    expect(served).toBeLessThan(10_000);
    peer.socket.resume();
    await peer.answer(20_000);
    expect(door.told).toHaveLength(20_000);
    expect(faults.counts()).toEqual({});
  });

  it('that listens and does not read is closed when too much waits for it', async () => {
    await using _socket = await open();
    using deaf = await RawPeer.open(path);
    await deaf.hello();
    await deaf.ask({ id: 1, op: 'listen' });
    deaf.socket.pause();
    using peer = await RawPeer.open(path);
    await peer.hello();
    const text = 'x'.repeat(60_000);
    for (let id = 1; id <= 100; id += 1) await peer.ask({ id, op: 'send', text });
    expect(faults.counts()).toEqual({ slow_reader: 1 });
    expect(door.gone).toHaveLength(1);
  });
});

describe('many connections', () => {
  it('are served up to 64; the next are told that there is no room, until one goes', async () => {
    await using socket = await open();
    const peers = await Promise.all(Array.from({ length: 100 }, () => RawPeer.open(path)));
    const outcomes = await Promise.allSettled(peers.map((peer) => peer.hello()));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(CONNECTIONS_MAX_COUNT);
    const refused = peers.filter(({ isClosed }) => isClosed);
    expect(refused.map(({ heard }) => heard[0]?.['code'])).toEqual(Array(36).fill('NIKA_POD_BUSY'));
    expect(faults.counts()).toEqual({ too_many_connections: 36 });
    for (const peer of peers) peer.socket.destroy();
    await expect.poll(() => socket.connectionCount).toBe(0);
    expect(door.gone).toHaveLength(CONNECTIONS_MAX_COUNT);
    using late = await RawPeer.open(path);
    expect(await late.hello()).toMatchObject({ ok: true });
  });

  it('are all ended with the socket, in bounded time, also those that do not read', async () => {
    const socket = await open();
    const peers = await Promise.all(Array.from({ length: 20 }, () => RawPeer.open(path)));
    await Promise.all(peers.map((peer) => peer.hello()));
    for (const peer of peers.slice(0, 10)) peer.socket.pause();
    const atMs = performance.now();
    await socket[Symbol.asyncDispose]();
    expect(performance.now() - atMs).toBeLessThan(1500);
    expect(door.gone).toHaveLength(20);
    for (const peer of peers) peer.socket.destroy();
  });
});

describe('the pipe to the module of a pod', () => {
  it('speaks the same, as its own', async () => {
    const [here, there]: Duplex[] = duplexPair();
    if (here === undefined || there === undefined) throw new Error('no pair');
    const connection = serveOwn(there, { door, faults });
    const heard: Buffer[] = [];
    here.on('data', (chunk: Buffer) => heard.push(chunk));
    here.write(encodeFrame({ id: 1, op: 'hello', v: 1 }));
    here.write(encodeFrame({ id: 2, op: 'note', text: 'x' }));
    await expect.poll(() => door.told).toHaveLength(1);
    expect(door.told[0]?.connection.isOwn).toBe(true);
    here.end();
    await connection.closed;
    expect(door.gone).toHaveLength(1);
    expect(Buffer.concat(heard).toString()).toContain('"re":2');
  });
});

it('the names of faults are API', () => {
  expect(SOCKET_FAULTS).toEqual([
    'bad_frame',
    'oversized_frame',
    'half_frame',
    'bad_request',
    'no_hello',
    'other_version',
    'slow_reader',
    'too_many_connections',
    'too_many_requests',
    'broken_connection',
    'accept_failed',
    'door_failed',
  ]);
});
