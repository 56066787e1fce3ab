/**
 * Memory in Qdrant beside its bare client, on one server in the same run, by turns: counting, searching, writing, and the
 * rebuild from the bus until all is visible. `NIKA_BENCH_POINTS`, `NIKA_BENCH_HOME` as for `memory-bus`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { encodeQuestion } from '../../src/memory/encode/sparse.ts';
import type { MemoryPoint } from '../../src/memory/point.ts';
import { openStore } from '../../src/memory/qdrant/open-store.ts';
import { isTrue, qdrantFilter } from '../../src/memory/qdrant/qdrant-filter.ts';
import { openQdrantSource } from '../../src/memory/qdrant/qdrant-source.ts';
import { readRemembered } from '../../src/memory/sync/remembered-lines.ts';
import { createRandom, pick } from '../../test/fixtures/remembered-bus.ts';
import { QdrantServer } from '../../test/servers/qdrant.ts';
import { BareQdrant, BATCH, prepared } from './bare-qdrant.ts';
import { fixed, machine, median, percentiles, row } from './figures.ts';
import { DOMAINS, FIRST_DAY, INTENTS, STATUSES } from './remembered-bus.ts';
import { openBenchHome, runProgram } from './remembered-home.ts';

const QUESTIONS = 400;
const ROUNDS = 5;
const REBUILDS = Number(process.env['NIKA_BENCH_REBUILDS'] ?? 3);
const BATCHES = 12;
/** Prepared at once for the bare client: a million of them would not fit into memory. */
const CHUNK = 20_000;
const WORDS = 'flaky websocket timeout retry token parser lease heartbeat deadlock segment cursor migration'.split(' ');
const DAY_MS = 86_400_000;

const { signal } = new AbortController();
await using home = await openBenchHome();
const dataDir = mkdtempSync(join(process.env['NIKA_BENCH_QDRANT_DIR'] ?? tmpdir(), 'nika-bench-qdrant-'));
await using server = await QdrantServer.open({ dataDir, isAsInstalled: true });
const bare = new BareQdrant(server.url, server.key, 'bare');
const random = createRandom(7);

async function* chunks(): AsyncGenerator<readonly MemoryPoint[]> {
  let points: MemoryPoint[] = [];
  for await (const piece of readRemembered({ busDir: join(home.path, '_bus'), signal })) {
    if (piece === 'lost') throw new Error('the bus has changed');
    points.push(...piece.points);
    if (points.length < CHUNK) continue;
    yield points;
    points = [];
  }
  if (points.length > 0) yield points;
}

/** Milliseconds of sending alone, until all of it is visible. */
const loadBare = async (): Promise<number> => {
  await bare.create();
  let ms = 0;
  for await (const points of chunks()) {
    const made = prepared(points);
    await delay(10); // connections that were closed meanwhile are noticed
    const atMs = performance.now();
    await bare.load(made);
    ms += performance.now() - atMs;
  }
  if ((await bare.count()) !== home.points) throw new Error('the bare client did not write all');
  return ms;
};

const rebuild = async (): Promise<{ readonly ms: number; readonly maxRssMb: number; readonly cpuMs: number }> => {
  await server.ask('DELETE', '/collections/nika_memory');
  const taken = runProgram('bring-to-qdrant.ts', home.path, server.url, server.key, 'rebuild');
  await delay(10);
  if ((await server.count()) !== home.points) throw new Error('the rebuild did not write all');
  return taken;
};

/** Where the bare client takes too long beside it. */
const fill = async (): Promise<void> => {
  const { ms, maxRssMb, cpuMs } = await rebuild();
  row('rebuild: points a second, peak memory MB, processor s, load', [
    fixed((home.points * 1000) / ms, 0),
    fixed(maxRssMb, 0),
    fixed(cpuMs / 1000),
    load(),
  ]);
  await measureSync();
};

const load = (): string => fixed(loadavg()[0] ?? 0);

const measureSync = async (): Promise<void> => {
  const syncMs = Array.from(
    { length: ROUNDS },
    () => runProgram('bring-to-qdrant.ts', home.path, server.url, server.key).ms,
  );
  row('sync, nothing missing, ms: median, slowest', [fixed(median(syncMs), 0), fixed(Math.max(...syncMs), 0)]);
};

const measureRebuild = async (rounds: number): Promise<void> => {
  const [bareMs, ours] = [[] as number[], [] as (typeof measured)[]];
  let measured = { ms: 0, maxRssMb: 0, cpuMs: 0 };
  for (let round = 0; round < rounds; round += 1) {
    bareMs.push(await loadBare());
    measured = await rebuild();
    ours.push(measured);
  }
  row('', ['points a second', '÷ bare', 'peak memory MB', 'load']);
  row('---', ['---', '---', '---', '---']);
  const rate = (ms: readonly number[]): number => (home.points * 1000) / median(ms);
  const [bareRate, ourRate] = [rate(bareMs), rate(ours.map(({ ms }) => ms))];
  const rss = Math.max(...ours.map(({ maxRssMb }) => maxRssMb));
  row('bare client, points made beforehand', [fixed(bareRate, 0), '1.00', '', load()]);
  row('rebuild from the bus', [fixed(ourRate, 0), fixed(ourRate / bareRate, 2), fixed(rss, 0), load()]);
  row('of it processor time of nika, s', [fixed(median(ours.map(({ cpuMs }) => cpuMs)) / 1000)]);
  await measureSync();
};

/** By turns, each by itself, and each as often the first one; milliseconds. */
const byTurns = async (nth: number, ways: readonly (() => Promise<unknown>)[]): Promise<readonly number[]> => {
  const taken = ways.map(() => 0);
  const inTurn = [...ways.entries()];
  for (const [at, way] of nth % 2 === 0 ? inTurn : inTurn.toReversed()) {
    const atMs = performance.now();
    await way();
    taken[at] = performance.now() - atMs;
  }
  return taken;
};

const question = () => {
  const fromMs = Date.parse(FIRST_DAY) + Math.floor(random() * 330) * DAY_MS;
  const [domain, intent, status] = [pick(random, DOMAINS), pick(random, INTENTS), pick(random, STATUSES)];
  const month = { fromMs, untilMs: fromMs + 30 * DAY_MS };
  return { kind: ['job' as const], domain: [domain], intent: [intent], status: [status], ...month };
};

const report = (names: readonly string[], samples: readonly (readonly number[])[]): void => {
  const all = samples[0]?.map((_, at) => percentiles(Float64Array.from(samples.map((taken) => taken[at] ?? 0)))) ?? [];
  for (const [at, { p50, p99 }] of all.entries()) {
    const ratios = [p50 / (all[0]?.p50 ?? 1), p99 / (all[0]?.p99 ?? 1)].map((ratio) => fixed(ratio, 2));
    row(names[at] ?? '', [fixed(p50, 2), fixed(p99, 2), ...ratios, load()]);
  }
};

const measureQuestions = async (): Promise<void> => {
  const target = server.target();
  await using source = await openQdrantSource({ target });
  const asked = new BareQdrant(server.url, server.key, target.collection);
  row('', ['p50 ms', 'p99 ms', 'p50 ÷ bare', 'p99 ÷ bare', 'load']);
  row('---', ['---', '---', '---', '---', '---']);
  const standing = [isTrue('standing')];
  const counts: (readonly number[])[] = [];
  const searches: (readonly number[])[] = [];
  for (let nth = 0; nth < QUESTIONS; nth += 1) {
    const filter = question();
    const bareFilter = qdrantFilter(filter, standing);
    counts.push(await byTurns(nth, [() => asked.count(bareFilter), () => source.count({ filter }, signal)]));
    const words = [pick(random, WORDS), pick(random, WORDS), pick(random, WORDS)].join(' ');
    const some = nth % 2 === 0 ? {} : { domain: filter.domain, fromMs: filter.fromMs, untilMs: filter.untilMs };
    const [vector, someFilter] = [encodeQuestion(words), qdrantFilter(some, standing)];
    searches.push(
      await byTurns(nth, [
        () => asked.search(vector, someFilter, 10),
        () => source.search({ words, filter: some, limit: 10 }, signal),
      ]),
    );
  }
  report(['bare: count, four conditions', 'nika memory: count'], counts.slice(20));
  report(['bare: search, 10 points', 'nika memory: search, 10 entities'], searches.slice(20));
};

/** Of points that are not there yet, as the memory writer does it: each batch waits until it is applied. */
const measureWriting = async (): Promise<void> => {
  await using store = await openStore({ target: server.target() });
  const asked = new BareQdrant(server.url, server.key, 'nika_memory');
  const first = await chunks().next();
  const points: readonly MemoryPoint[] = first.value ?? [];
  const anew = (from: number, count: number): readonly MemoryPoint[] =>
    points.slice(from, from + count).map(({ payload }) => {
      const ids = { entity_id: `JOB-bench-${payload.entity_id}-${from}`, session_id: crypto.randomUUID() };
      return { id: crypto.randomUUID(), payload: { ...payload, ...ids } };
    });
  row('', ['p50 ms a batch', 'p99 ms', 'batches a second', '÷ bare', 'load']);
  row('---', ['---', '---', '---', '---', '---']);
  for (const count of [BATCH, 50]) {
    const taken: (readonly number[])[] = [];
    for (let nth = 0; nth < BATCHES * ROUNDS; nth += 1) {
      const [theirs, ours] = [prepared(anew(nth * 100, count)), anew(nth * 100, count)];
      taken.push(await byTurns(nth, [() => asked.upsert(theirs, true), () => store.write(ours, signal)]));
    }
    const perSecond = [0, 1].map((at) => (taken.length * 1000) / taken.reduce((sum, both) => sum + (both[at] ?? 0), 0));
    for (const [at, name] of [`bare: upsert of ${count}`, `store.write of ${count}`].entries()) {
      const { p50, p99 } = percentiles(Float64Array.from(taken.map((both) => both[at] ?? 0)));
      const rate = perSecond[at] ?? 0;
      row(name, [fixed(p50), fixed(p99), fixed(rate), fixed(rate / (perSecond[0] ?? 1), 2), load()]);
    }
  }
};

try {
  console.log(`${machine()}; ${home.points} points, ${fixed(home.bytes / 1e6, 0)} MB of bus on disk\n`);
  await (REBUILDS === 0 ? fill() : measureRebuild(REBUILDS));
  console.log('');
  await measureQuestions();
  console.log('');
  await measureWriting();
} finally {
  rmSync(dataDir, { recursive: true, force: true });
}
