import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { FeedEvent } from '../../src/redis/scripts/publish.lua.ts';
import { eventOf, eventsOf, FeedTeller, idsOf, ToldReader } from '../fixtures/fed-feed.ts';
import { until } from '../pods.ts';
import { Proxy } from '../servers/proxy.ts';
import { RedisServer } from '../servers/redis.ts';

class Folder implements Disposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'nika-feed-'));

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Tells one change after the other until it is stopped; what was not taken is told again, as sessions do (G4). */
class SteadyTeller {
  readonly events: FeedEvent[] = [];
  readonly #teller: FeedTeller;
  readonly #ended: Promise<void>;
  #isStopped = false;

  constructor(teller: FeedTeller) {
    this.#teller = teller;
    this.#ended = this.#run();
  }

  async untilTold(count: number): Promise<void> {
    const wanted = this.events.length + count;
    await until(`${count} more are told`, () => this.events.length >= wanted);
  }

  /** Ends, and brings all again that Redis may have lost. */
  async stop(): Promise<readonly string[]> {
    this.#isStopped = true;
    await this.#ended;
    await this.#teller.tell(this.events);
    return idsOf(this.events);
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const event = eventOf(`steady${this.events.length % 5}`);
      await this.#teller.tell([event]);
      this.events.push(event);
      await delay(2);
    }
  }
}

interface Fault {
  readonly begin: () => unknown;
  readonly whileAway?: (reader: ToldReader) => Promise<void>;
  readonly end?: () => unknown;
}

interface Story {
  readonly told: readonly string[];
  readonly handled: readonly string[];
}

/** Changes told before, in and after the fault, until all are acknowledged. */
const tellThrough = async (server: RedisServer, url: string, fault: Fault): Promise<Story> => {
  using folder = new Folder();
  await using teller = await FeedTeller.open(server.url);
  const steady = new SteadyTeller(teller);
  await using reader = new ToldReader(url, { seenFile: join(folder.dir, 'seen') });
  await reader.untilGot(100);
  await fault.begin();
  await fault.whileAway?.(reader);
  await fault.end?.();
  await reader.untilStatus('reading');
  await steady.untilTold(50);
  const ids = await steady.stop();
  await reader.untilHandled(ids.length);
  await until(
    'the rest is passed over',
    async () => ((await server.admin.xpending('nika:feed:entities', 'cg:orchestrator')) as [number])[0] === 0,
  );
  await server.mustHaveTtls(); // G5
  return { told: ids.toSorted(), handled: reader.ids.toSorted() };
};

describe.concurrent('G4: a reader of the feed has each change once, and is back by itself, where Redis', () => {
  it('loses all its data (FLUSHALL) in the middle', async () => {
    await using server = await RedisServer.open();
    const { told, handled } = await tellThrough(server, server.url, { begin: async () => server.admin.flushall() });
    expect(handled).toEqual(told);
  });

  it('is killed and comes back empty', async () => {
    await using server = await RedisServer.open();
    const { told, handled } = await tellThrough(server, server.url, {
      begin: async () => server.kill(),
      whileAway: async (reader) => reader.untilStatus('away'),
      end: async () => server.start(),
    });
    expect(handled).toEqual(told);
  });

  it('is killed and comes back with its data', async () => {
    await using server = await RedisServer.open({ isPersistent: true });
    const { told, handled } = await tellThrough(server, server.url, {
      begin: async () => server.kill(),
      whileAway: async (reader) => reader.untilStatus('away'),
      end: async () => server.start(),
    });
    expect(handled).toEqual(told);
  });

  it('hangs (SIGSTOP) and goes on (SIGCONT)', async () => {
    await using server = await RedisServer.open();
    const { told, handled } = await tellThrough(server, server.url, {
      begin: () => server.stop(),
      whileAway: async (reader) => reader.untilStatus('away'),
      end: () => server.cont(),
    });
    expect(handled).toEqual(told);
  });

  it('is behind a connection that went silent for good while it says that it is open', async () => {
    await using server = await RedisServer.open();
    await using proxy = await Proxy.open(server.port);
    const { told, handled } = await tellThrough(server, proxy.url, {
      begin: () => proxy.set({ kind: 'silent-after', bytes: 700 }),
      whileAway: async (reader) => reader.untilStatus('away'),
      end: () => proxy.set({ kind: 'none' }),
    });
    expect(handled).toEqual(told);
  });

  it('is full (OOM) when its group has to be made, and has room again', async () => {
    await using server = await RedisServer.open();
    await using reader = new ToldReader(server.url);
    await reader.untilStatus('reading');
    await server.configSet('maxmemory', '1');
    await server.admin.flushall();
    await reader.untilStatus('away');
    expect(reader.reader.status).toMatchObject({ why: expect.stringContaining('OOM') });
    await server.configSet('maxmemory', '0');
    await reader.untilStatus('reading');
    await using teller = await FeedTeller.open(server.url);
    await teller.tell(eventsOf(3));
    await reader.untilHandled(3);
  });
});

describe('G4: consumers of one group that are killed', () => {
  const start = async (server: RedisServer, name: string, dir: string): Promise<ChildProcess> => {
    const program = join(import.meta.dirname, '../programs/feed-consumer.ts');
    const args = [program, server.url, name, join(dir, 'handled'), join(dir, 'seen')];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    return child;
  };

  it('lose nothing: others take over, and only what one was at when it was killed comes twice', async () => {
    using folder = new Folder();
    await using server = await RedisServer.open();
    await using teller = await FeedTeller.open(server.url);
    const handled = (): readonly string[] => readFileSync(join(folder.dir, 'handled'), 'utf8').split('\n').slice(0, -1);
    writeFileSync(join(folder.dir, 'handled'), '');
    const events = eventsOf(1_500);
    await teller.tell(events.slice(0, 1_000));
    const [first, second] = await Promise.all([start(server, 'a', folder.dir), start(server, 'b', folder.dir)]);
    await until('they are at it', () => handled().length > 200);
    first.kill('SIGKILL');
    await teller.tell(events.slice(1_000));
    await until('the other goes on', () => handled().length > 600);
    second.kill('SIGKILL');
    const third = await start(server, 'c', folder.dir);
    await until('all are handled', () => new Set(handled()).size === events.length);
    const gone = once(third, 'exit');
    third.kill('SIGTERM');
    expect(await gone).toEqual([0, null]);
    expect([...new Set(handled())].toSorted()).toEqual(idsOf(events).toSorted());
    expect(handled().length - events.length).toBeLessThanOrEqual(2);
  });

  it('hand on nothing once they were taken for dead: one that was paused, and goes on', async () => {
    using folder = new Folder();
    await using server = await RedisServer.open();
    await using teller = await FeedTeller.open(server.url);
    const handled = (): readonly string[] => readFileSync(join(folder.dir, 'handled'), 'utf8').split('\n').slice(0, -1);
    writeFileSync(join(folder.dir, 'handled'), '');
    const events = eventsOf(400);
    await teller.tell(events);
    const paused = await start(server, 'a', folder.dir);
    await until('it is at it', () => handled().length > 20);
    paused.kill('SIGSTOP');
    const other = await start(server, 'b', folder.dir);
    await until('the other has them all', () => new Set(handled()).size >= events.length - 1);
    paused.kill('SIGCONT');
    await until('all are handled', () => new Set(handled()).size === events.length);
    const gone = Promise.all([once(paused, 'exit'), once(other, 'exit')]);
    paused.kill('SIGTERM');
    other.kill('SIGTERM');
    await gone;
    expect(handled().length - events.length).toBeLessThanOrEqual(1);
  });
});
