import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  CALLS,
  expectToldAsGoingOn,
  expectUnharmed,
  type Reference,
  referenceRun,
  runThrough,
  unlike,
} from '../fixtures/redis-fault.ts';
import { ToldPod } from '../fixtures/told-pod.ts';
import type { TestHome } from '../nika.ts';
import { isOnPath, RedisServer } from '../servers/redis.ts';

let reference: Reference;
beforeAll(async () => {
  reference = await referenceRun();
});

/** A server of loopback that does so with what comes. */
const openStranger = async (answer: (socket: Socket, chunk: Buffer) => void) => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('data', (chunk: Buffer) => answer(socket, chunk));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `redis://:told-secret@127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};

/** All that a home keeps: the bus, logs, records. */
const keptBy = (home: TestHome): string =>
  readdirSync(home.dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');

describe.concurrent('G1, G7: a pod whose Redis', () => {
  it.each([
    ['speaks HTTP', (socket: Socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'), /no Redis/],
    ['answers garbage', (socket: Socket) => socket.write(Buffer.from('\u0000\u00ff?!:$\r\n*-7\r\n')), /no Redis/],
    [
      'repeats what it was told',
      (socket: Socket, chunk: Buffer) => {
        const text = String(chunk);
        const told = text.replaceAll('\r\n', ' ');
        for (const _ of text.matchAll(/^\*\d+/gm))
          socket.write(`-ERR unknown command 'X', with args beginning with: ${told}\r\n`);
      },
      /unknown command/,
    ],
    ['answers each call with what none expects', (socket: Socket) => socket.write(':42\r\n'.repeat(8)), /./],
  ])('%s works as ever, says so, and keeps its password for itself', async (_, answer, cause) => {
    await using stranger = await openStranger(answer);
    await using pod = await ToldPod.start({ url: stranger.url });
    const run = await runThrough(pod, { begin: async () => pod.untilTold('degraded') });
    await expectUnharmed(run, reference);
    expectToldAsGoingOn(run, cause);
    expect(run.end.dropped).toEqual({ redis_events_held_back: 300, redis_transitions_held_back: 12 });
    expect(pod.output + keptBy(pod.home)).not.toContain('told-secret');
  });

  it('does not take its password keeps it out of bus, logs, records and output', async () => {
    await using server = await RedisServer.open({ config: ['requirepass right-secret'], password: 'right-secret' });
    await using pod = await ToldPod.start({ url: server.url.replace('//', '//:wrong-secret@') });
    await pod.untilRedis('down');
    const shown = await pod.home.nika('pod', 'show', 'JOB-told', '--json');
    const run = await runThrough(pod, { begin: () => undefined });
    await expectUnharmed(run, reference);
    expectToldAsGoingOn(run, /WRONGPASS/);
    expect(shown.stdout).toContain('WRONGPASS');
    const kept = keptBy(pod.home);
    expect(kept).toContain('WRONGPASS');
    expect(pod.output + shown.stdout + shown.stderr + kept).not.toContain('wrong-secret');
  });
});

describe.concurrent('G1, G4: a pod', () => {
  it.each([
    ['forward', 3_600_000],
    ['back', -3_600_000],
  ])('whose clock jumps %s by an hour has everything once and in order', async (_, jumpMs) => {
    await using server = await RedisServer.open();
    const preload = join(import.meta.dirname, '../programs/clock-jump.ts');
    const env = { NODE_OPTIONS: `--import ${preload}`, CLOCK_JUMP_MS: `${jumpMs}` };
    await using pod = await ToldPod.start({ url: server.url, env });
    const run = await runThrough(pod, {
      of: server,
      begin: () => void process.kill(pod.pid, 'SIGUSR2'),
      within: async () => server.kill(),
      end: async () => server.start(),
    });
    await expectUnharmed(run, reference);
    const times = pod.home.alpha.map(({ ts }) => Date.parse(ts));
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(3_500_000); // it did jump
    const isNextDay = new Date().getUTCDate() !== new Date(Date.now() + jumpMs).getUTCDate();
    const others = await unlike(reference, server);
    expect(isNextDay ? others.filter((line) => !line.includes('<date>')) : others).toEqual([]);
  });

  it.runIf(isOnPath('prlimit'))('that may open no more files has everything once it may', async () => {
    await using server = await RedisServer.open();
    await using pod = await ToldPod.start({ url: server.url });
    const limit = (count: number): void =>
      void execFileSync('prlimit', ['--pid', `${pod.pid}`, `--nofile=${count}:1024`]);
    const run = await runThrough(pod, {
      of: server,
      begin: async () => {
        await pod.untilRedis('up');
        limit(3);
        await server.admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      },
      within: async () => pod.untilTold('degraded'),
      end: () => limit(1_024),
    });
    await expectUnharmed(run, reference);
    expect(pod.outages).toMatchObject([{ cause: expect.stringMatching(/EMFILE|lost|closed/), dropped: 0 }]);
    const others = await unlike(reference, server); // the bus had its outage too, of which the heartbeat tells
    expect(others.filter((line) => !line.startsWith('agent:state'))).toEqual([]);
    expect(run.end.calls).toBe(3 * CALLS);
  });
});
