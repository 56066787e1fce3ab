import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Fault, Proxy } from '../servers/proxy.ts';

/** Answers each chunk with itself, in capitals. */
let server: Server;
let proxy: Proxy;
const serverSide: Socket[] = [];
beforeEach(async () => {
  server = createServer((socket) => {
    serverSide.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => socket.write(String(chunk).toUpperCase()));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  proxy = await Proxy.open(address.port);
});
afterEach(async () => {
  await proxy[Symbol.asyncDispose]();
  for (const socket of serverSide.splice(0)) socket.destroy();
  server.close();
  await once(server, 'close');
});

class Peer implements Disposable {
  readonly socket: Socket;
  heard = '';
  ending: string | undefined;

  constructor() {
    this.socket = createConnection(proxy.port, '127.0.0.1').setNoDelay(true);
    this.socket.on('data', (chunk) => (this.heard += String(chunk)));
    this.socket.on('error', (error) => (this.ending = 'code' in error ? String(error.code) : error.message));
    this.socket.on('end', () => (this.ending ??= 'end'));
  }

  /** Sends and waits so long. */
  async say(text: string, waitMs = 60): Promise<string> {
    this.socket.write(text);
    await delay(waitMs);
    return this.heard;
  }

  /** Waits until it has heard that, and nothing else. */
  async hears(text: string): Promise<void> {
    const end = performance.now() + 10_000;
    while (this.heard !== text) {
      if (performance.now() > end) throw new Error(`heard ${this.heard}, not ${text}`);
      await delay(5);
    }
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

const peerUnder = async (fault: Fault): Promise<Peer> => {
  const peer = new Peer();
  peer.socket.write('a');
  await peer.hears('A');
  proxy.set(fault);
  return peer;
};

describe('the proxy of the tests', () => {
  it('passes what is said, in both directions, and the end of a connection', async () => {
    const [peer, other] = [new Peer(), new Peer()];
    peer.socket.write('hello');
    other.socket.write('you');
    await Promise.all([peer.hears('HELLO'), other.hears('YOU')]);
    expect([proxy.acceptedCount, proxy.openCount]).toEqual([2, 2]);
    other.socket.end();
    await vi.waitFor(() => expect(proxy.openCount).toBe(1), 5000);
    for (const socket of serverSide) socket.end();
    await vi.waitFor(() => expect(peer.ending).toBe('end'), 5000);
  });

  it.each([{ kind: 'silent' }, { kind: 'half-open' }] as const)(
    'can take what comes and never answer, old connections and new: $kind',
    async (fault) => {
      using old = await peerUnder(fault);
      using late = new Peer();
      expect(await old.say('b')).toBe('A');
      expect(await late.say('c')).toBe('');
      expect([old.ending, late.ending, late.socket.readyState]).toEqual([undefined, undefined, 'open']);
      proxy.set({ kind: 'none' });
      late.socket.write('d');
      await late.hears('D');
    },
  );

  it('like a cut cable hides from a client that its server is gone', async () => {
    using peer = await peerUnder({ kind: 'half-open' });
    for (const socket of serverSide) socket.destroy();
    expect(await peer.say('b')).toBe('A');
    expect([peer.ending, peer.socket.readyState]).toEqual([undefined, 'open']);
  });

  it('can fall silent in the middle of an answer', async () => {
    using peer = await peerUnder({ kind: 'silent-after', bytes: 3 });
    peer.socket.write('hello');
    await peer.hears('AHEL');
    expect(await peer.say('more')).toBe('AHEL');
    expect(peer.ending).toBeUndefined();
  });

  it('can reset in the middle of an answer', async () => {
    using peer = await peerUnder({ kind: 'reset-after', bytes: 3 });
    peer.socket.write('hello');
    await peer.hears('AHEL');
    await vi.waitFor(() => expect(peer.ending).toBe('ECONNRESET'), 5000);
  });

  it('can be late, and keeps the order', async () => {
    using peer = await peerUnder({ kind: 'latency', ms: 100 });
    const from = performance.now();
    for (const text of ['1', '2', '3']) peer.socket.write(text);
    await peer.hears('A123');
    expect(performance.now() - from).toBeGreaterThan(190);
    peer.socket.write('4');
    await delay(20);
    proxy.set({ kind: 'none' });
    peer.socket.write('5');
    await peer.hears('A12345');
  });

  it('can let answers trickle', async () => {
    using peer = await peerUnder({ kind: 'throttled', bytesPer10Ms: 10 });
    const from = performance.now();
    peer.socket.write('x'.repeat(200));
    await peer.hears(`A${'X'.repeat(200)}`);
    expect(performance.now() - from).toBeGreaterThan(180);
  });

  it('can refuse all, and take them again', async () => {
    using peer = await peerUnder({ kind: 'refusing' });
    using late = new Peer();
    await vi.waitFor(() => expect([peer.ending, late.ending]).toEqual(['ECONNRESET', 'ECONNRESET']), 5000);
    proxy.set({ kind: 'none' });
    using again = new Peer();
    again.socket.write('b');
    await again.hears('B');
  });
});
