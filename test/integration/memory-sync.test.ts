/** What the bus of a home has for memory is in Qdrant, whatever happened to Qdrant or to who brings it (G4). */
import { cpSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rollSegment } from '../../src/bus/segments.ts';
import type { BusWriter } from '../../src/bus/writer.ts';
import { createEventId } from '../../src/model/event-id.ts';
import { parseEntityId } from '../../src/model/id.ts';
import type { MemoryKind } from '../../src/model/memory.ts';
import { openStore } from '../../src/memory/qdrant/open-store.ts';
import type { PointStore } from '../../src/memory/point-store.ts';
import { memoryTargetName, readMemoryCursor } from '../../src/memory/sync/memory-files.ts';
import { pointOf } from '../../src/memory/point.ts';
import { MemorySync } from '../../src/memory/sync/memory-sync.ts';
import { busLine, type LineParts } from '../fixtures/memory-lines.ts';
import { TempBus } from '../fixtures/temp-bus.ts';
import { hasQdrant, QdrantServer } from '../servers/qdrant.ts';

const { signal } = new AbortController();
const DAY_MS = 86_400_000;

/** Writes a line as pods do; gives its id. */
const write = (writer: BusWriter, type: string, entity: string, parts: LineParts = {}): string => {
  const { ts, meta, data } = busLine(type, entity, { ts: new Date().toISOString(), ...parts });
  const id = createEventId(Date.now());
  const texts = { metaJson: JSON.stringify(meta), dataJson: JSON.stringify(data) };
  writer.write({ ts, type, entity: parseEntityId(entity), id, ...texts });
  return id;
};

interface Raw {
  readonly points: readonly { readonly id: string; readonly payload: { readonly standing: boolean } }[];
}

describe.runIf(hasQdrant)('MemorySync', () => {
  let server: QdrantServer;
  let bus: TempBus;
  let store: PointStore;

  beforeEach(async () => {
    server = await QdrantServer.open();
    bus = new TempBus();
    mkdirSync(bus.runDir, { recursive: true });
    store = await openStore({ target: server.target() });
  });
  afterEach(async () => {
    await store[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    bus[Symbol.dispose]();
  });

  const createSync = (keepMs: Readonly<Partial<Record<MemoryKind, number>>> = {}, collection?: string): MemorySync => {
    const target = memoryTargetName(server.target(collection === undefined ? {} : { collection }));
    return new MemorySync({ store, busDir: bus.busDir, runDir: bus.runDir, target, keepMs, signal });
  };

  const there = async (): Promise<ReadonlyMap<string, boolean>> => {
    const asked = { limit: 10_000, with_payload: ['standing'] };
    const { points } = (await server.ask('POST', '/collections/nika_memory/points/scroll', asked)) as Raw;
    return new Map(points.map(({ id, payload }) => [id, payload.standing]));
  };

  it('writes what came since the last time, and nothing twice; what is over takes the place of what was begun', async () => {
    using writer = bus.open();
    const created = write(writer, 'entity_created', 'JOB-a');
    expect(await createSync().catchUp()).toMatchObject({ kind: 'done', isFull: true, writtenCount: 1 });
    const failed = write(writer, 'job_failed', 'JOB-a');
    const late = write(writer, 'job_completed', 'JOB-a');
    write(writer, 'note', 'JOB-a');
    const next = createSync();
    expect(await next.catchUp()).toMatchObject({ kind: 'done', isFull: false, writtenCount: 2 });
    expect(await next.catchUp()).toMatchObject({ kind: 'done', isFull: false, writtenCount: 0 });
    expect(await createSync().catchUp()).toMatchObject({ isFull: false, writtenCount: 0 });
    expect(await there()).toEqual(
      new Map([
        [created, false],
        [failed, true],
        [late, false],
      ]),
    );
  });

  it('brings all of a bus in batches side by side; broken off and begun again it lets nothing stand that is over', async () => {
    using writer = bus.open();
    const roots = Array.from({ length: 700 }, (_, nth) => `JOB-r${nth}`);
    const created = roots.map((root) => write(writer, 'entity_created', root));
    const ended = roots.slice(1).map((root) => write(writer, 'job_completed', root));
    write(writer, 'entity_created', 'JOB-elsewhere');
    const broken = new AbortController();
    const target = memoryTargetName(server.target());
    const places = { busDir: bus.busDir, runDir: bus.runDir };
    const first = new MemorySync({
      ...places,
      store,
      target,
      keepMs: {},
      signal: broken.signal,
      onProgress: ({ writtenCount }) => writtenCount >= 1_000 && broken.abort(),
    });
    // What other homes bring meanwhile: the end of a root that began here.
    expect((await store.prepare(signal)).kind).toBe('done');
    const end = pointOf(busLine('job_failed', 'JOB-elsewhere', { ts: new Date().toISOString() }));
    expect((await store.write(end === undefined ? [] : [end], signal)).kind).toBe('done');
    first.rebuild();
    await expect(first.catchUp()).rejects.toThrow('aborted');
    expect(readMemoryCursor(bus.runDir)).toMatchObject({ is_partial: true, is_rewrite: true });
    expect(await createSync().catchUp()).toMatchObject({ kind: 'done', writtenCount: 1_400 });
    const standing = [...(await there())].filter(([, stands]) => stands).map(([id]) => id);
    expect(new Set(standing)).toEqual(new Set([created[0], ...ended, end?.id]));
  });

  it('compares all of it where Qdrant lost its data, or a part of them', async () => {
    using writer = bus.open();
    const ids = Array.from({ length: 50 }, (_, nth) => write(writer, 'job_failed', `JOB-${nth}`));
    await createSync().catchUp();
    await server.ask('POST', '/collections/nika_memory/points/delete?wait=true', { points: ids.slice(-10) });
    expect(await createSync().catchUp()).toMatchObject({ isFull: true, writtenCount: 10 });
    await server.ask('DELETE', '/collections/nika_memory');
    const next = createSync();
    expect(await next.catchUp()).toMatchObject({ isFull: true, writtenCount: 50 });
    await server.ask('DELETE', '/collections/nika_memory');
    expect(await next.catchUp()).toMatchObject({ isFull: true, writtenCount: 50 }); // the same process notices it too
    expect([...(await there()).keys()].toSorted()).toEqual(ids.toSorted());
  });

  it('says that Qdrant is away, goes on once it is back, and has lost nothing', async () => {
    using writer = bus.open();
    const ids = [write(writer, 'job_failed', 'JOB-1')];
    const sync = createSync();
    await sync.catchUp();
    await server.kill();
    ids.push(write(writer, 'job_failed', 'JOB-2'));
    expect(await sync.catchUp()).toMatchObject({ kind: 'away' });
    await server.start();
    expect(await sync.catchUp()).toMatchObject({ kind: 'done', writtenCount: 1 });
    expect([...(await there()).keys()].toSorted()).toEqual(ids.toSorted());
  });

  it('G4: notices that Qdrant came back with an older state of its data, also where the same process goes on', async () => {
    using writer = bus.open();
    const some = (count: number): readonly string[] =>
      Array.from({ length: count }, () => write(writer, 'job_failed', `JOB-${crypto.randomUUID()}`));
    const ids = [...some(8)];
    const sync = createSync();
    await sync.catchUp();
    const dataDir = join(server.dir, 'data');
    await server.kill();
    cpSync(dataDir, `${dataDir}-old`, { recursive: true });
    await server.start();
    ids.push(...some(2));
    await sync.catchUp();
    await server.kill();
    rmSync(dataDir, { recursive: true });
    renameSync(`${dataDir}-old`, dataDir);
    expect(await sync.catchUp()).toMatchObject({ kind: 'away' });
    await server.start();
    ids.push(...some(6));
    expect(await sync.catchUp()).toMatchObject({ kind: 'done', isFull: true, writtenCount: 8 });
    expect([...(await there()).keys()].toSorted()).toEqual(ids.toSorted());
  });

  it('goes on over the turn of a segment, also with what is written late into the full one', async () => {
    const late = bus.open();
    const writer = bus.open();
    const ids = [write(writer, 'job_failed', 'JOB-1'), write(late, 'job_failed', 'JOB-2')];
    const sync = createSync();
    await sync.catchUp();
    await rollSegment(bus.busDir, 1);
    ids.push(write(late, 'job_failed', 'JOB-3')); // it looks whether it was renamed each millisecond
    ids.push(write(writer, 'job_failed', 'JOB-4'));
    await sync.catchUp();
    ids.push(write(writer, 'job_failed', 'JOB-5'));
    await sync.catchUp();
    expect([...(await there()).keys()].toSorted()).toEqual(ids.toSorted());
    late[Symbol.dispose]();
    writer[Symbol.dispose]();
  });

  it('G3: passes over what Qdrant does not take, counts it, and brings all the rest', async () => {
    using writer = bus.open();
    const ids = [write(writer, 'job_failed', 'JOB-1')];
    const texts = { metaJson: JSON.stringify(busLine('job_failed', 'JOB-2').meta), dataJson: '{"to":"failed"}' };
    const ts = new Date().toISOString();
    writer.write({ ts, type: 'job_failed', entity: parseEntityId('JOB-2'), id: 'not-a-uuid', ...texts });
    ids.push(write(writer, 'job_failed', 'JOB-3', { meta: { job: 'half a character: \ud800' } }));
    const sync = createSync();
    expect(await sync.catchUp()).toMatchObject({ kind: 'done' });
    expect(sync.counts).toMatchObject({ refusedCount: 1, writtenCount: 2 });
    expect(await createSync().catchUp()).toMatchObject({ isFull: false, writtenCount: 0 });
    sync.compareAll();
    expect(await sync.catchUp()).toMatchObject({ kind: 'done', isFull: true });
    expect([...(await there()).keys()].toSorted()).toEqual(ids.toSorted());
  });

  it('lets nothing stand as begun that another home ends at the same moment', async () => {
    await using other = await openStore({ target: server.target() });
    await Promise.all([store.prepare(signal), other.prepare(signal)]);
    const points = (type: string, nth: number) => {
      const point = pointOf(busLine(type, `JOB-${nth}`));
      if (point === undefined) throw new Error('it is not remembered');
      return [point];
    };
    for (let nth = 0; nth < 60; nth += 1)
      await Promise.all([
        store.write(points('entity_created', nth), signal),
        other.write(points('job_failed', nth), signal),
      ]);
    const standing = [...(await there()).values()].filter((one) => one);
    expect(standing.length).toBe(60);
  });

  it('lets one end of an entity stand where two homes have one each, written at once or again', async () => {
    using second = new TempBus();
    mkdirSync(second.runDir, { recursive: true });
    await using other = await openStore({ target: server.target() });
    using here = bus.open();
    using elsewhere = second.open();
    const names = Array.from({ length: 60 }, (_, nth) => `JOB-${nth}`);
    for (const name of names) {
      write(here, 'entity_created', name);
      write(here, 'job_failed', name);
      write(elsewhere, 'job_completed', name);
    }
    const { busDir, runDir } = second;
    const target = memoryTargetName(server.target());
    const syncs = () => [createSync(), new MemorySync({ store: other, busDir, runDir, target, keepMs: {}, signal })];
    const standing = async () => [...(await there()).values()].filter((one) => one).length;
    const [first, next] = syncs();
    await store.prepare(signal);
    await Promise.all([first?.catchUp(), next?.catchUp()]);
    expect(await standing()).toBe(names.length);
    for (const sync of syncs()) {
      sync.rebuild();
      await sync.catchUp();
      expect(await standing()).toBe(names.length);
    }
  });

  it('does not bring what is kept no longer, or was copied from another host, or is of another collection', async () => {
    using writer = bus.open();
    const old = { ts: new Date(Date.now() - 10 * DAY_MS).toISOString() };
    const kept = [write(writer, 'session_end_summary', 'JOB-1'), write(writer, 'job_failed', 'JOB-1', old)];
    write(writer, 'session_end_summary', 'JOB-2', { ...old, session: crypto.randomUUID() });
    write(writer, 'job_failed', 'JOB-3', { data: { via: 'feed' } });
    await createSync({ session: DAY_MS }).catchUp();
    expect([...(await there()).keys()].toSorted()).toEqual(kept.toSorted());
    expect(readMemoryCursor(bus.runDir)?.samples.toSorted()).toEqual(kept.toSorted());
    expect(await createSync({}, 'another').catchUp()).toMatchObject({ isFull: true }); // its cursor is not that of this one
  });
});
