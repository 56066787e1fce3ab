/** `nika memory …` over months of a generated bus, with a real Qdrant and without. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memory } from '../../src/index.ts';
import { createRememberedBus } from '../fixtures/remembered-bus.ts';
import { McpAgent } from '../mcp.ts';
import { countOf, endMemoryWriters, useQdrant } from '../memory-homes.ts';
import { binary, TestHome } from '../nika.ts';
import { until } from '../pods.ts';
import { hasQdrant, QdrantServer } from '../servers/qdrant.ts';

const JANUARY = ['--from', '2026-01-01', '--to', '2026-02-01'];
const NOBODY = { NIKA_QDRANT_URL: 'http://127.0.0.1:9' };

let server: QdrantServer;
let home: TestHome;

/** A home with the same bus. */
const homeWithBus = async (jobs: number): Promise<TestHome> => {
  const made = new TestHome();
  using bus = await createRememberedBus({ seed: 7, jobs, segments: 2 });
  cpSync(bus.busDir, join(made.dir, '_bus'), { recursive: true, preserveTimestamps: true });
  mkdirSync(join(made.dir, 'run'), { recursive: true });
  return made;
};

beforeAll(async () => {
  if (!hasQdrant) return;
  [server, home] = await Promise.all([QdrantServer.open(), homeWithBus(300)]);
  useQdrant(home.dir, server);
  const { code, stderr } = await home.nika('memory', 'rebuild');
  if (code !== 0) throw new Error(stderr);
});
afterAll(async () => {
  if (!hasQdrant) return;
  await endMemoryWriters(home.dir);
  home[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

interface Hit {
  readonly entity_id: string;
  readonly snippet: string;
  readonly show: string;
  readonly score: number;
}
const hitsOf = (stdout: string) => JSON.parse(stdout) as { readonly hits: readonly Hit[]; readonly source: string };

describe.runIf(hasQdrant)('nika memory', () => {
  it('counts a month by day, the same from Qdrant and from the bus, and says who answered', async () => {
    const there = await countOf(home, ...JANUARY, '--by', 'day');
    expect(there).toMatchObject({ source: 'qdrant', why: null });
    expect(there.count).toBeGreaterThan(0);
    expect(there.groups?.reduce((sum, { count }) => sum + count, 0)).toBe(there.count);
    for (const { value } of there.groups ?? []) expect(value).toMatch(/^2026-01-\d\d$/);
    const ended = await home.start(['memory', 'count', ...JANUARY, '--by', 'day', '--json'], NOBODY).ended;
    const bus = JSON.parse(ended.stdout) as typeof there;
    expect(bus).toMatchObject({ source: 'bus', count: there.count, groups: there.groups });
    expect(bus.why).toMatch(/127\.0\.0\.1:9 cannot answer/);
  });

  it('prints a number alone where it is asked for nothing else, and why it was the bus beside it', async () => {
    const { stdout, stderr } = await home.start(['memory', 'count', ...JANUARY], NOBODY).ended;
    expect(stdout).toMatch(/^\d+\n$/);
    expect(stderr).toMatch(/^from the bus of this home: Qdrant at /);
  });

  it('finds by words: how it ended, when, what, why, and the command that shows all of it', async () => {
    const plain = await home.nika('memory', 'search', 'flaky', 'websocket', '-n', '2');
    expect(plain.code).toBe(0);
    expect(plain.stdout).toMatch(/^[✓✗⊘○] \w.* {2}2026-\d\d-\d\d \d\d:\d\d {2}(JOB|TASK|SUB|PROJ)-/);
    expect(plain.stdout).toMatch(/\n {3}nika bus show (JOB|TASK|SUB|PROJ)-\S+\n/);
    expect(plain.stdout).not.toContain('\u001B');
    const coloured = await home.start(['memory', 'search', 'websocket', '-n', '1'], { FORCE_COLOR: '1' }).ended;
    expect(coloured.stdout).toMatch(/\u001B\[1m\u001B\[33mwebsocket/); // eslint-disable-line no-control-regex -- colours
    const none = await home.nika('memory', 'search', 'zyxwvut');
    expect([none.code, none.stdout]).toEqual([1, '']);
    expect(none.stderr).toMatch(/Nothing was found/);
  });

  it('finds the same in Qdrant and on the bus, and what is like something', async () => {
    const args = ['memory', 'search', 'max_tokens deadlock', '--status', 'failed', '--json'];
    const [there, bus] = await Promise.all([home.nika(...args), home.start(args, NOBODY).ended]);
    const [a, b] = [hitsOf(there.stdout), hitsOf(bus.stdout)];
    expect([a.source, b.source]).toEqual(['qdrant', 'bus']);
    expect(a.hits.length).toBeGreaterThan(0);
    expect(b.hits.map(({ score }) => score.toFixed(2))).toEqual(a.hits.map(({ score }) => score.toFixed(2)));
    const first = a.hits[0]?.entity_id ?? '';
    const alike = await home.nika('memory', 'similar', first, '--limit', '3', '--json');
    const ids = hitsOf(alike.stdout).hits.map(({ entity_id: id }) => id);
    expect(ids).toHaveLength(3);
    expect(ids).not.toContain(first);
  });

  it('answers programs and agents as it answers people', async () => {
    const { count } = await countOf(home, ...JANUARY, '--status', 'failed');
    const question = { home: home.dir, from: '2026-01-01', to: '2026-02-01', status: 'failed' } as const;
    expect(await memory.count(question)).toEqual({ count, source: 'qdrant' });
    const { hits } = await memory.search('websocket', { home: home.dir, limit: 2 });
    expect(hits).toHaveLength(2);
    expect(hits[0]?.payload.entity_id).toMatch(/^(JOB|TASK|SUB|PROJ)-/);
    await expect(memory.search('x', { home: home.dir, limit: 0 })).rejects.toThrow(/limit/);
    await using agent = await McpAgent.open(home);
    const filter = { from: '2026-01-01', to: '2026-02-01', status: 'failed' };
    expect(await agent.call('memory_count', { ...filter, by: 'status' })).toMatchObject({
      text: `${count}\nfailed: ${count}`,
    });
    const found = await agent.call('memory_search', { words: 'websocket', limit: 2 });
    expect(found.text.split('\n')).toHaveLength(2);
    const wrong = await agent.call('memory_count', { status: 'over' });
    expect(wrong).toMatchObject({ isError: true, text: expect.stringContaining('status does not know "over"') });
  });

  it('refuses wrong use with exit code 2, and says what is wrong', async () => {
    const calls: readonly (readonly [readonly string[], RegExp])[] = [
      [['count', '--by', 'nothing'], /Allowed choices are status/],
      [['count', '--status', 'faild'], /Did you mean failed/],
      [['count', '--to', '2026-05-01', '--until', '2026-05'], /cannot be used with/],
      [['count', '--entity', 'nope'], /no entity "nope"/],
      [['search'], /missing required argument/],
      [['search', '  '], /nothing to search for/],
      [['search', 'x', '--limit', '0'], /1 to 1000/],
      [['similar', 'nope'], /no entity "nope"/],
      [['sync', '--home', join(home.dir, 'none')], /there is no folder/],
      [['cuont'], /unknown command/],
    ];
    const ends = await Promise.all(calls.map(([args]) => home.nika('memory', ...args)));
    for (const [nth, { code, stderr, stdout }] of ends.entries()) {
      expect([stderr, code, stdout]).toEqual([expect.stringMatching(calls[nth]?.[1] ?? /^$/), 2, '']);
    }
  });

  it('ends quietly when its reader has seen enough', async () => {
    const child = spawn(
      'sh',
      ['-c', '"$0" "$1" memory search websocket -n 1000 | head -n 1', process.execPath, binary],
      {
        env: { PATH: process.env['PATH'], HOME: home.dir, NIKA_HOME: home.dir },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let stderr = '';
    child.stderr.on('data', (chunk) => (stderr += String(chunk)));
    child.stdout.resume();
    const [code] = (await once(child, 'close')) as [number];
    expect([code, stderr]).toEqual([0, '']);
  });

  it('tells how it stands: all there, of another shape, away, or without Qdrant', async () => {
    const good = await home.nika('memory', 'status');
    expect(good.stdout).toMatch(/✓ http:\S+, 1\.\d+\.\d+, answers within/);
    expect(good.stdout).toMatch(/this home +all of its bus is there/);
    await server.ask('PUT', '/collections/other', { vectors: { size: 4, distance: 'Dot' } });
    using strange = await homeWithBus(1);
    useQdrant(strange.dir, server, 'other');
    const [status, sync] = await Promise.all([
      strange.nika('memory', 'status', '--json'),
      strange.nika('memory', 'sync'),
    ]);
    expect([status.code, JSON.parse(status.stdout)]).toEqual([
      1,
      expect.objectContaining({ collection: 'other-shape', reach: 'reached', whole: false }),
    ]);
    expect(sync).toMatchObject({ code: 1, stderr: expect.stringContaining('nothing was changed there') });
    const away = await strange.start(['memory', 'status'], NOBODY).ended;
    expect(away).toMatchObject({ code: 1, stdout: expect.stringContaining('questions are answered from the bus') });
    writeFileSync(join(strange.dir, 'config/nika.yaml'), '');
    const off = await strange.nika('memory', 'status', '--json');
    expect([off.code, JSON.parse(off.stdout)]).toEqual([0, expect.objectContaining({ reach: 'off', whole: null })]);
  });

  it('keeps the memory of several homes in one Qdrant apart on their buses, and together there', async () => {
    using other = new TestHome();
    useQdrant(other.dir, server);
    const before = await countOf(home);
    await other.nika('run', '-q', '--domain', 'elsewhere', '--', 'true');
    expect(await countOf(other)).toMatchObject({ count: before.count + 1, source: 'qdrant' });
    expect(await countOf(home, '--domain', 'elsewhere')).toMatchObject({ count: 1, source: 'qdrant' });
    await endMemoryWriters(other.dir);
  });
});

describe.runIf(hasQdrant)('nika memory rebuild', () => {
  it('goes on where it was after a kill -9 in the middle, and after Ctrl-C says how', async () => {
    using large = await homeWithBus(1_200);
    useQdrant(large.dir, server, 'rebuilt');
    const many = (): Promise<number> => server.count({}, 'rebuilt').catch(() => 0);
    const first = large.start(['memory', 'rebuild']);
    await until('some points', async () => (await many()) > 1_000);
    first.child.kill('SIGKILL');
    await first.ended;
    const second = large.start(['memory', 'rebuild']);
    await second.printed('going on where the last rebuild was broken off');
    second.child.kill('SIGINT');
    const interrupted = await second.ended;
    expect(interrupted.code).toBe(130);
    expect(interrupted.stderr).toMatch(/"nika memory rebuild" goes on where it was/);
    const third = await large.nika('memory', 'rebuild', '--json');
    const told = JSON.parse(third.stdout) as { readonly kind: string; readonly written: number };
    expect(told.kind).toBe('done');
    const { count: there } = await countOf(large, '--type', 'job', '--type', 'session');
    const ended = await large.start(['memory', 'count', '--json', '--type', 'job', '--type', 'session'], NOBODY).ended;
    expect((JSON.parse(ended.stdout) as { count: number }).count).toBe(there);
    expect(told.written).toBeLessThan(await many());
    expect(await large.nika('memory', 'sync')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('nothing was missing'),
    });
    await endMemoryWriters(large.dir);
  }, 40_000);
});
