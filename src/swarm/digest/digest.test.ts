import { appendFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setImmediate as nextTick } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NOW_MS, ToldSwarm } from '../../../test/fixtures/told-swarm.ts';
import { ALPHA } from '../../bus/layout.ts';
import { statePath } from '../state/state-file.ts';

let swarm: ToldSwarm;
beforeEach(() => {
  swarm = new ToldSwarm();
});
afterEach(() => swarm[Symbol.dispose]());

const idOf = (part: string): string => `JOB-20261120-${part.padEnd(8, '2')}`;
const withoutCursor = (text: string): string => text.replace(/d1-[a-z0-9-]+/, 'CURSOR');

/** One of each kind. */
const tellAll = (): void => {
  swarm.start(idOf('broken'), 30, { job: 'audit' });
  swarm.end(
    idOf('broken'),
    ['failed', 5],
    { error: 'step 2: Exit code 1\nnpm test:  3 of 80 tests failed', code: 'failed' },
    { job: 'audit' },
  );
  swarm.start(idOf('asks'), 20, { job: 'fix-tests' });
  swarm.pod(idOf('asks'), ['fix-tests', 20], {
    status: 'waiting',
    reason: 'permission',
    why: 'asks: Bash rm -rf build: not in the list',
    waiting_since: swarm.at(3),
    calls: 4,
  });
  swarm.start(idOf('judge'), 60, { job: 'write-docs' });
  swarm.tell(
    idOf('judge'),
    ['review_request', 10],
    { from: 'in_progress', to: 'awaiting_review', rev: 3, round: 2, reason: 'docs of the queue' },
    { job: 'write-docs' },
  );
  swarm.start(idOf('limited'), 50, { job: 'port' });
  swarm.pod(idOf('limited'), ['port', 50], {
    status: 'waiting',
    reason: 'rate_limit',
    waiting_since: swarm.at(12),
    why: 'HTTP 429',
  });
  swarm.start(idOf('busy'), 8, { job: 'port' });
  const last = { tool: 'Bash', what: 'npm test', at: swarm.at(0), running: true };
  swarm.pod(idOf('busy'), ['port', 8], { last_tool: last, cost_usd: 0.421, errors: 1 }, { attempt: 2, attempts: 3 });
  swarm.start(idOf('silent'), 100, { job: 'crawl' });
  swarm.pod(idOf('silent'), ['crawl', 100], { mono_ms: 0, at: swarm.at(4) });
  swarm.start(idOf('far'), 15, { job: 'crawl' });
  swarm.tell(
    idOf('far'),
    ['session_start', 15],
    { kind: 'pod', version: '0', cwd: '/' },
    { job: 'crawl', meta: { host: 'box2', session_id: 's2' } },
  );
  swarm.start(idOf('gone'), 90, { job: 'crawl' });
  swarm.tell(
    idOf('gone'),
    ['condition', 85],
    { condition: 'pod_lost', detail: 'its process is gone' },
    { job: 'crawl' },
  );
  const dispatch = { job: 'lint', capability: 'gpu', priority: 7, deadline: swarm.at(2) };
  swarm.tell(idOf('queued'), ['entity_created', 40], { from: null, to: 'created', rev: 1, dispatch }, { job: 'lint' });
  swarm.start(idOf('fine'), 70, { job: 'audit' });
  swarm.end(
    idOf('fine'),
    ['completed', 25],
    { result: { summary: 'No secret in 812 files.', files: 812 } },
    { job: 'audit' },
  );
  const usage = [
    {
      scope: 'run',
      model: 'm',
      input_tokens: 1,
      cache_read_tokens: 0,
      cache_write_tokens: 0,
      output_tokens: 1,
      cost_usd: 1.5,
      cost_from: 'agent',
    },
  ];
  swarm.tell(
    idOf('fine'),
    ['session_end_summary', 25],
    { outcome: 'completed', calls: 9, errors: 0, usage },
    { job: 'audit' },
  );
  swarm.start(idOf('part'), 60, { job: 'audit-part', parent: idOf('fine') });
  swarm.end(idOf('part'), ['completed', 30], { result: 'half of it' }, { job: 'audit-part', parent: idOf('fine') });
  swarm.start(idOf('enough'), 33, { job: 'crawl' });
  swarm.end(idOf('enough'), ['cancelled', 32], { reason: 'stopped by ada' }, { job: 'crawl' });
};

describe('a digest', () => {
  it('tells each kind of state, the most important first, in the same words each time', async () => {
    tellAll();
    const { text, tokens, totals, items } = await swarm.digest();
    expect(withoutCursor(text))
      .toBe(`nika digest, 2026-11-20 12:00 UTC, last 1d: 1 failed, 2 wait for somebody, 2 stale or lost, 3 run, 1 not started, 2 completed, 1 cancelled
FAILED
broken22 audit, 5m ago, took 25m: step 2: Exit code 1; npm test: 3 of 80 tests failed
WAITS FOR SOMEBODY
judge222 write-docs, review for 10m, round 2: docs of the queue
asks2222 fix-tests, permission for 3m: asks: Bash rm -rf build: not in the list
STALE OR LOST
silent22 crawl, stale, silent for 4m
gone2222 crawl, lost, heard of 1h25m ago
RUNS
limited2 port, rate limit for 12m: HTTP 429
far22222 crawl, 15m, on box2
busy2222 port, 8m, attempt 2/3, 1 error, $0.42: Bash npm test
NOT STARTED
queued22 lint, overdue by 2m, queued 40m ago, needs gpu, priority 7
COMPLETED
fine2222 audit, 25m ago, took 45m, $1.50, children: 1 done: No secret in 812 files.
CANCELLED
enough22 crawl, 32m ago, took 1m: stopped by ada
Deeper: nika bus show <id> --max-tokens 400, nika pod result <id> --max-tokens 400. Only what is new: nika alpha digest --cursor CURSOR
`);
    expect(tokens).toBeLessThanOrEqual(800);
    expect(totals.finished).toBe(2);
    expect(items.map(({ id }) => id)).toContain(idOf('broken'));
    expect((await swarm.digest()).text).toBe(text);
  });

  it('says so where nothing ran, also in a home without a bus', async () => {
    rmSync(swarm.bus.busDir, { recursive: true });
    const { text, cursor } = await swarm.digest();
    expect(text).toContain('last 1d: nothing ran');
    swarm.writer = swarm.bus.open();
    swarm.start(idOf('first'), 1, { job: 'audit' });
    expect((await swarm.digest({ cursor })).text).toContain('first222 audit');
  });

  it('does not tell of Alpha, of workers, of what was imported and of what ended too long ago', async () => {
    const self = { job: 'nika-alpha', meta: { domain: 'nika', intent: 'orchestrate' } };
    swarm.tell(idOf('alpha'), ['session_start', 9], { kind: 'alpha', version: '0', cwd: '/' }, self);
    swarm.start(idOf('read'), 9, { job: 'claude', meta: { tags: ['nika:imported'] } });
    swarm.end(idOf('old'), ['failed', 60 * 25], { error: 'x' });
    expect((await swarm.digest()).text).toContain('nothing ran');
    expect((await swarm.digest({ since: swarm.at(60 * 26) })).text).toContain('1 failed');
    swarm.end(idOf('older'), ['failed', 60 * 24 * 9], { error: 'x' });
    expect((await swarm.digest({ since: swarm.at(60 * 24 * 10) })).totals.failed).toBe(2);
  });

  it('gives whole ids where two end alike, and names that cannot pass for another line', async () => {
    swarm.end('JOB-20261119-aaaaaaaa', ['failed', 1], { error: 'a' });
    swarm.end('JOB-20261120-aaaaaaaa', ['failed', 2], { error: 'b' }, { job: 'x\nFAILED: all, really' });
    swarm.end('JOB-of-ada', ['failed', 3], { error: 'c\nRUNS\nnothing' });
    const lines = (await swarm.digest()).text.split('\n').slice(2, 5);
    expect(lines).toEqual([
      'JOB-20261119-aaaaaaaa told, 1m ago: a',
      'JOB-20261120-aaaaaaaa x; FAILED_ all_ really, 2m ago: b',
      'JOB-of-ada told, 3m ago: c; RUNS; nothing',
    ]);
  });

  it('tells failed children of a job that goes on each, and those of one that failed with it', async () => {
    swarm.start(idOf('top'), 9, { job: 'crowd' });
    swarm.pod(idOf('top'), ['crowd', 9], {});
    const child = { job: 'part', parent: idOf('top') };
    for (const n of [1, 2, 3])
      swarm.end(`${idOf('part')}-${n}`, [n === 3 ? 'completed' : 'failed', 5], { error: 'no disk' }, child);
    const { text } = await swarm.digest();
    expect(text).toContain('-1 part, 5m ago, of top22222: no disk');
    expect(text).toContain('top22222 crowd, 9m, children: 1 done');
  });
});

describe('the room of a digest', () => {
  it('holds a thousand transitions of 200 pods in 800 tokens: a little of each kind, the rest by job', async () => {
    for (let n = 0; n < 200; n += 1) {
      const id = idOf(
        `n${n.toString(36).replaceAll(/[01089]/g, 'z')}${'abcdefgh'[n % 8] ?? ''}${n.toString(2).replaceAll('0', 'x').replaceAll('1', 'y')}`.slice(
          0,
          8,
        ),
      );
      const of = { job: `job-${n % 9}` };
      swarm.start(id, 500 - n, of);
      swarm.tell(id, ['review_request', 400 - n], { from: 'in_progress', to: 'awaiting_review', rev: 3 }, of);
      if (n % 10 === 1) continue;
      swarm.tell(
        id,
        ['review_decision', 300 - n],
        { from: 'awaiting_review', to: 'in_progress', rev: 4, decision: 'rejected' },
        of,
      );
      if (n % 10 === 2) continue;
      const error = `Exit code ${n}: the tests of part ${n} do not pass, and this is why, in many words: ${'word '.repeat(60)}`;
      swarm.end(
        id,
        [n % 10 === 3 ? 'failed' : 'completed', 200 - n / 2],
        n % 10 === 3 ? { error } : { result: error },
        of,
      );
    }
    const { text, tokens, totals, omitted } = await swarm.digest();
    expect(tokens).toBeLessThanOrEqual(800);
    expect(tokens).toBeGreaterThan(650);
    const inText = ['FAILED', 'WAITS FOR SOMEBODY', 'STALE OR LOST', 'COMPLETED'].map((title) =>
      text.includes(`\n${title}\n`),
    );
    expect(inText).toEqual([true, true, true, true]);
    expect(text).toMatch(/\d+ more completed: job-\d \d+, /);
    const left = Object.values(omitted.finished ?? {}).reduce((sum, count) => sum + count, 0);
    expect(left + (text.split('COMPLETED\n')[1]?.split(' more completed')[0]?.split('\n').length ?? 0) - 1).toBe(
      totals.finished,
    );
  });

  it('holds what was left out too, however many jobs there are', async () => {
    for (let n = 0; n < 600; n += 1)
      swarm.end(`JOB-${n}`, [n % 2 === 0 ? 'failed' : 'completed', 5], { error: 'e' }, { job: `a-job-of-name-${n}` });
    const { text: _text, ...asData } = await swarm.digest();
    expect(JSON.stringify(asData).length).toBeLessThan(10_000);
    const left = Object.values(asData.omitted.failed ?? {}).reduce((sum, count) => sum + count, 0);
    expect(left + asData.items.filter(({ section }) => section === 'failed').length).toBe(300);
  });

  it('too small to tell anything in is refused', async () => {
    await expect(swarm.digest({ maxTokens: 199 })).rejects.toMatchObject({ code: 'NIKA_DIGEST_TOO_SMALL' });
  });
});

describe('a cursor', () => {
  const alphaPath = (): string => swarm.bus.path(ALPHA);

  it('gives what is new since, and all that ended is told once by a chain of them', async () => {
    const told: string[] = [];
    let cursor: string | undefined;
    for (let round = 0; round < 5; round += 1) {
      for (let n = 0; n < 4; n += 1)
        swarm.end(`JOB-${round}-${n}`, [n === 0 ? 'failed' : 'completed', 1], { error: 'e', result: 'r' });
      const given = await swarm.digest(cursor === undefined ? {} : { cursor });
      told.push(...given.items.map(({ id }) => id));
      ({ cursor } = given);
    }
    expect(told.toSorted()).toEqual([0, 1, 2, 3, 4].flatMap((round) => [0, 1, 2, 3].map((n) => `JOB-${round}-${n}`)));
    expect((await swarm.digest(cursor === undefined ? {} : { cursor })).text).toContain('nothing');
  });

  it('gives a job of which an attempt failed, also where the summary of its session is the last line', async () => {
    const id = idOf('tries');
    const dispatch = { job: 'told', capability: 'default', priority: 0 };
    swarm.tell(id, ['entity_created', 40], { from: null, to: 'created', rev: 1, dispatch });
    swarm.tell(id, ['entity_started', 39], { from: 'created', to: 'in_progress', rev: 2 });
    swarm.tell(id, ['session_start', 39], { kind: 'pod', version: '0', cwd: '/' });
    const { cursor } = await swarm.digest();
    swarm.tell(id, ['attempt_failed', 1], { error: 'no disk', attempts_left: 1 });
    swarm.tell(id, ['session_end_summary', 1], { outcome: 'failed', calls: 0, errors: 0 });
    const { text, cursor: next } = await swarm.digest({ cursor });
    expect(text).toContain('tries222 told, queued 1m ago, 1 attempt left: no disk');
    expect((await swarm.digest({ cursor: next })).text).toContain(': nothing\n');
  });

  it('of what runs gives what started, and what began to wait', async () => {
    swarm.start(idOf('before'), 9);
    swarm.pod(idOf('before'), ['told', 9], {});
    const { cursor } = await swarm.digest();
    swarm.start(idOf('after'), 0);
    swarm.pod(idOf('after'), ['told', -1], {});
    const { items } = await swarm.digest({ cursor, nowMs: NOW_MS + 60_000 });
    expect(items.map(({ id }) => id)).toEqual([idOf('after')]);
  });

  it('holds when its segment was renamed, and compressed', async () => {
    swarm.end('JOB-1', ['failed', 1], { error: 'e' });
    const { cursor } = await swarm.digest();
    const segment = join(dirname(alphaPath()), 'alpha_bus.000001.jsonl');
    renameSync(alphaPath(), segment);
    swarm.writer[Symbol.dispose]();
    swarm.writer = swarm.bus.open();
    swarm.end('JOB-2', ['failed', 1], { error: 'e' });
    const ids = async (): Promise<readonly string[]> => (await swarm.digest({ cursor })).items.map(({ id }) => id);
    expect(await ids()).toEqual(['JOB-2']);
    writeFileSync(`${segment}.gz`, gzipSync(readFileSync(segment)));
    rmSync(segment);
    expect(await ids()).toEqual(['JOB-2']);
  });

  it('misses and repeats nothing while the bus is written, and goes on in new segments', async () => {
    swarm.writer[Symbol.dispose]();
    swarm.writer = swarm.bus.open({ segmentBytes: 20_000 });
    const told: string[] = [];
    let written = 0;
    let { cursor } = await swarm.digest();
    const writing = setInterval(() => {
      for (let n = 0; n < 7 && written < 300; n += 1, written += 1)
        swarm.end(`JOB-${written}`, ['completed', 1], { result: 'r' });
    }, 1);
    const endMs = performance.now() + 10_000;
    while (told.length < 300 && performance.now() < endMs) {
      await nextTick();
      const given = await swarm.digest({ cursor, maxTokens: 50_000 });
      told.push(...given.items.map(({ id }) => id));
      ({ cursor } = given);
    }
    clearInterval(writing);
    expect(new Set(told).size).toBe(300);
    expect(told).toHaveLength(300);
  });

  it('of another home, or whose place is gone, is refused with what to do', async () => {
    using other = new ToldSwarm();
    other.end('JOB-1', ['failed', 1], { error: 'e' });
    swarm.end('JOB-1', ['failed', 1], { error: 'e' });
    const refused = async (cursor: string, why: string): Promise<void> => {
      const asked = swarm.digest({ cursor });
      await expect(asked).rejects.toMatchObject({ code: 'NIKA_DIGEST_CURSOR' });
      await expect(asked).rejects.toThrow(why);
    };
    await refused((await other.digest()).cursor, 'another home');
    const { cursor } = await swarm.digest();
    await refused('d1-nonsense', 'not one that a digest gave');
    rmSync(alphaPath());
    await refused(cursor, 'its place on the bus is gone');
  });
});

describe('the state that is kept', () => {
  const fill = (count: number): void => {
    for (let n = 0; n < count; n += 1) swarm.end(`JOB-${n}`, ['completed', 5], { result: `${n} ${'x'.repeat(900)}` });
  };

  it('spares the next one the reading, and gives the same', async () => {
    fill(400);
    const { text } = await swarm.digest();
    expect(existsSync(statePath(swarm.home.runDir))).toBe(true);
    let readBytes = 0;
    const again = await swarm.digest({ onRead: (bytes) => (readBytes = bytes) });
    expect(again.text).toBe(text);
    expect(readBytes).toBeGreaterThan(0);
    swarm.end('JOB-new', ['failed', 1], { error: 'late' });
    expect((await swarm.digest()).totals).toMatchObject({ failed: 1, finished: 400 });
  });

  it('is made again where it is damaged, of another version, or of a bus that is gone', async () => {
    fill(400);
    const { text } = await swarm.digest();
    const path = statePath(swarm.home.runDir);
    const kept = readFileSync(path, 'utf8');
    for (const damaged of [
      '',
      '{',
      kept.slice(0, 5_000),
      kept.replace('"form":1', '"form":0'),
      kept.replace('"begins":"{', '"begins":"x{'),
    ]) {
      writeFileSync(path, damaged);
      expect((await swarm.digest()).text).toBe(text);
    }
  });

  it('holds so many of what ended, and counts the rest', async () => {
    for (let n = 0; n < 2_100; n += 1)
      swarm.end(`JOB-${n}`, ['completed', 5], { result: `${n}` }, { job: `job-${n % 3}` });
    const { totals, text } = await swarm.digest();
    expect(totals.finished).toBe(2_100);
    expect(text).toMatch(/more completed: job-\d \d{3}, job-\d \d{3}, job-\d \d{3}/);
  });

  it('counts none of those among what ended since that had ended before', async () => {
    for (let n = 0; n < 2_000; n += 1) swarm.end(`JOB-${n}`, ['failed', 50], { error: 'e' });
    swarm.end('JOB-late', ['failed', 5], { error: 'e' });
    expect((await swarm.digest()).totals.failed).toBe(2_001);
    expect((await swarm.digest({ since: swarm.at(10) })).totals.failed).toBe(1);
  });

  it('is read past lines that are torn, glued or damaged', async () => {
    swarm.end('JOB-1', ['failed', 1], { error: 'e' });
    swarm.writer[Symbol.dispose]();
    appendFileSync(
      swarm.bus.path(ALPHA),
      '{"ts":"2026-11-20T11:59:00.000Z","type":"job_failed","entity":"JOB-x","wri\n\u0000\u0001 rubbish {"type":"job_failed"\n',
    );
    swarm.writer = swarm.bus.open();
    swarm.end('JOB-2', ['failed', 1], { error: 'e' });
    appendFileSync(swarm.bus.path(ALPHA), '{"ts":"2026-11-20T11:5');
    expect((await swarm.digest()).totals.failed).toBe(2);
  });
});
