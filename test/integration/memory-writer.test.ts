/** Who brings the bus of a home to Qdrant: one at a time, what is new before what can wait, to the last line (G4). */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endOf } from '../../src/bus/query/read-types.ts';
import { tryLock } from '../../src/bus/segments.ts';
import type { BusWriter } from '../../src/bus/writer.ts';
import { resolveHome } from '../../src/config/home.ts';
import type { DenseEncoder } from '../../src/memory/qdrant/dense-encoder.ts';
import { openStore } from '../../src/memory/qdrant/open-store.ts';
import type { PointStore } from '../../src/memory/point-store.ts';
import { memoryDir, memoryTargetName, readMemoryState } from '../../src/memory/sync/memory-files.ts';
import { MemorySync } from '../../src/memory/sync/memory-sync.ts';
import { type MemoryOutage, MemoryWriter } from '../../src/memory/sync/memory-writer.ts';
import { createEventId } from '../../src/model/event-id.ts';
import { parseEntityId } from '../../src/model/id.ts';
import { MEMORY_LOCK, startingPath, tryMemoryLock } from '../../src/pod/remember/memory-lock.ts';
import { startMemoryWriter } from '../../src/pod/remember/start-memory-writer.ts';
import { busLine } from '../fixtures/memory-lines.ts';
import { TempBus } from '../fixtures/temp-bus.ts';
import { TestHome } from '../nika.ts';
import { until } from '../pods.ts';
import { hasQdrant, QdrantServer } from '../servers/qdrant.ts';

const write = (writer: BusWriter, entity: string): string => {
  const { type, meta, data } = busLine('job_failed', entity, { data: { error: `${entity} went wrong` } });
  const id = createEventId(Date.now());
  const texts = { metaJson: JSON.stringify(meta), dataJson: JSON.stringify(data) };
  writer.write({ ts: new Date().toISOString(), type, entity: parseEntityId(entity), id, ...texts });
  return id;
};

describe('the lock of who brings things to memory', () => {
  it('is had in spite of those that only look whether somebody has it', async () => {
    using bus = new TempBus();
    const looking = await tryLock(bus.busDir, MEMORY_LOCK);
    const taken = tryMemoryLock(bus);
    await delay(50);
    await looking?.[Symbol.asyncDispose]();
    const lock = await taken;
    expect(lock).toBeDefined();
    expect(await tryMemoryLock(bus)).toBeUndefined();
    await lock?.[Symbol.asyncDispose]();
  });

  it('found taken by one that was started lets the next one be started at once: what it relied on may end', async () => {
    using home = new TestHome();
    const env = { NIKA_QDRANT_URL: 'http://127.0.0.1:1' };
    await home.nika('run', '-q', '--', 'true');
    const place = resolveHome({ flag: home.dir, env: {}, cwd: '/' });
    await startMemoryWriter(place, env);
    const mark = startingPath(place.runDir);
    expect(existsSync(mark)).toBe(true);
    const lock = await tryLock(place.busDir, MEMORY_LOCK);
    await until('the end of the one that was started', () => !existsSync(mark));
    await lock?.[Symbol.asyncDispose]();
  });
});

describe.runIf(hasQdrant)('MemoryWriter', () => {
  let server: QdrantServer;
  let bus: TempBus;
  let store: PointStore;
  let end: AbortController;
  const dense: DenseEncoder = {
    model: 'slow',
    dimension: 2,
    encode: async (texts, signal) => {
      await delay(200, undefined, { signal });
      return texts.map((text) => [text.length, 1]);
    },
  };

  beforeEach(async () => {
    end = new AbortController();
    server = await QdrantServer.open();
    told.length = 0;
    bus = new TempBus();
    mkdirSync(bus.runDir, { recursive: true });
    store = await openStore({ target: server.target(), dense });
  });
  afterEach(async () => {
    await store[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    bus[Symbol.dispose]();
  });

  const told: MemoryOutage[] = [];

  const createWriter = (isDense: boolean): MemoryWriter => {
    const { busDir, runDir } = bus;
    const target = memoryTargetName(server.target());
    const about = { target, url: server.url, collection: 'nika_memory' };
    const given = { store, busDir, runDir, keepMs: {}, isDense, about };
    return new MemoryWriter({
      ...given,
      sync: new MemorySync({ ...given, target, signal: end.signal }),
      onOutageStart: () => undefined,
      onOutageEnd: async (outage) => void told.push(outage),
      lingerMs: 5_000,
      awayLingerMs: 5_000,
    });
  };

  it('brings what comes while dense vectors are made of what is there, and ends at once when it is asked to', async () => {
    using writer = bus.open();
    for (let nth = 0; nth < 400; nth += 1) write(writer, `JOB-${nth}`);
    const running = createWriter(true).run(end.signal);
    const withDense = () => server.count({ must: [{ has_vector: 'dense' }] }).catch(() => 0);
    await until('the first vectors', async () => (await withDense()) > 0);
    write(writer, 'JOB-new');
    await until('the new point', async () => (await server.count()) === 401);
    expect(await withDense()).toBeLessThan(400);
    end.abort();
    await running;
  });

  it('knows up to where it brought the bus: what came behind is for the next one', async () => {
    using writer = bus.open();
    write(writer, 'JOB-1');
    const bringing = createWriter(false);
    const endText = async (): Promise<string> => JSON.stringify(await endOf(bus.busDir, end.signal));
    expect(bringing.broughtEnd).toBeUndefined();
    await bringing.bring(end.signal);
    expect(bringing.broughtEnd).toBe(await endText());
    write(writer, 'JOB-2');
    expect(bringing.broughtEnd).not.toBe(await endText());
    await server.kill();
    await bringing.bring(end.signal);
    expect(bringing.broughtEnd).toBeUndefined();
  });

  it('G3: tells an outage once, from its beginning, also where its kind changes and its end cannot be written', async () => {
    using writer = bus.open();
    write(writer, 'JOB-1');
    const first = createWriter(false);
    await first.bring(end.signal);
    await server.kill();
    expect(await first.bring(end.signal)).toMatchObject({ kind: 'away' });
    const since = readMemoryState(bus.runDir)?.since;
    await server.start();
    await server.ask('DELETE', '/collections/nika_memory');
    await server.ask('PUT', '/collections/nika_memory', { vectors: { size: 4, distance: 'Dot' } });
    expect(await createWriter(false).bring(end.signal)).toMatchObject({ kind: 'other-shape' });
    await server.ask('DELETE', '/collections/nika_memory');
    const dir = memoryDir(bus.runDir);
    const last = createWriter(false);
    renameSync(dir, `${dir}-away`);
    writeFileSync(dir, '');
    expect(await last.bring(end.signal)).toMatchObject({ kind: 'done' });
    expect(told).toEqual([]);
    rmSync(dir);
    renameSync(`${dir}-away`, dir);
    for (let time = 0; time < 2; time += 1) await createWriter(false).bring(end.signal);
    expect(told).toMatchObject([{ since, cause: expect.stringContaining('not as nika writes it') }]);
  });
});
