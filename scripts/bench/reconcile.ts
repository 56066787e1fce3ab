/**
 * `nika reconcile` as a whole process, start-up included: 100,000 transitions that Redis does not have, beside bare
 * pipelined XADDs of the same entries in the same run; and a bus of 1 GB on which nothing is missing, beside `cat` of it
 * and a Node that does nothing. `NIKA_BENCH_MB=300` for a smaller bus. Needs `redis-server`.
 */
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { createEventId } from '../../src/model/event-id.ts';
import { parseEntityId } from '../../src/model/id.ts';
import { RedisServer } from '../../test/servers/redis.ts';
import { fixed, machine, median, row } from './figures.ts';
import { metaOf } from './generated-bus.ts';
import { nikaCommand, sample, type Sample } from './process-sample.ts';

const MISSED_COUNT = 100_000;
const BUS_BYTES = Number(process.env['NIKA_BENCH_MB'] ?? 1000) * 1e6;
const DAYS = 10;
const RUNS = 5;
const BATCH = 200;
const DAY_MS = 86_400_000;
/** Of the transitions among the lines of the large bus: one in so many. */
const TRANSITION_EVERY = 20;

const FEED = 'nika:feed:entities';
const entity = parseEntityId('JOB-20261120-bench');
const meta = metaOf(entity);
const transition = JSON.stringify({ from: 'created', to: 'in_progress', rev: 2 });
const note = JSON.stringify({ text: 'what was found in the third step, and why it matters. '.repeat(8) });

interface Written {
  readonly id: string;
  readonly ts: string;
}

const homeOf = (name: string): string => {
  const home = join(folder, name);
  mkdirSync(join(home, '_bus'), { recursive: true });
  mkdirSync(join(home, 'run'));
  return home;
};

/** Lines on the alpha bus, of the real form; the chain is not asked for here. */
const writeAlpha = (home: string, lines: Iterable<readonly [type: string, atMs: number]>): readonly Written[] => {
  const fd = openSync(join(home, '_bus/alpha_bus.jsonl'), 'a');
  const transitions: Written[] = [];
  let text = '';
  let seq = 0;
  for (const [type, atMs] of lines) {
    const [id, ts] = [createEventId(atMs), new Date(atMs).toISOString()];
    const data = type === 'note' ? note : transition;
    seq += 1;
    const body = `{"ts":"${ts}","type":"${type}","entity":"${entity}","writer":"bench","seq":${seq},"id":"${id}","meta":${meta},"data":${data}`;
    text += `${body},"h":"${createHash('sha256').update(body).digest('hex')}"}\n`;
    if (type !== 'note') transitions.push({ id, ts });
    if (text.length < 1e6) continue;
    writeSync(fd, text);
    text = '';
  }
  writeSync(fd, text);
  closeSync(fd);
  return transitions;
};

function* missedLines(): Generator<readonly [string, number]> {
  const fromAtMs = Date.now() - MISSED_COUNT;
  for (let nth = 0; nth < MISSED_COUNT; nth += 1) yield ['entity_started', fromAtMs + nth];
}

/** Over days, so that a tenth of them is young enough for the feed. */
function* manyLines(): Generator<readonly [string, number]> {
  const lineBytes = meta.length + note.length + 280;
  const count = Math.ceil(BUS_BYTES / lineBytes);
  const fromAtMs = Date.now() - DAYS * DAY_MS;
  for (let nth = 0; nth < count; nth += 1)
    yield [nth % TRANSITION_EVERY === 0 ? 'entity_started' : 'note', fromAtMs + (nth / count) * DAYS * DAY_MS];
}

/** The reference: the same entries, and no question whether they are there. */
const bareXadds = async (url: string, entries: readonly Written[]): Promise<number> => {
  const client = new Redis(url);
  await client.ping();
  const atMs = performance.now();
  for (let from = 0; from < entries.length; from += BATCH) {
    const pipeline = client.pipeline();
    for (const { id, ts } of entries.slice(from, from + BATCH)) {
      const names = ['event', 'started', 'entity_id', entity, 'entity_type', 'JOB', 'session_id', 'x'.repeat(36)];
      pipeline.xadd(FEED, '*', 'id', id, 'ts', ts, ...names, 'meta', meta, 'data', transition);
    }
    await pipeline.exec();
  }
  const tookMs = performance.now() - atMs;
  client.disconnect();
  return tookMs;
};

const tell = (name: string, samples: readonly Sample[]): void => {
  const times = samples.map(({ ms }) => ms);
  const rss = Math.max(...samples.map(({ maxRssKb }) => maxRssKb)) / 1000;
  const seconds = (ms: number): string => fixed(ms / 1000, 2);
  row(name, [seconds(median(times)), seconds(Math.max(...times)), rss === 0 ? '' : fixed(rss, 0)]);
};

const folder = mkdtempSync(join(tmpdir(), 'nika-bench-'));
await using server = await RedisServer.open();
process.env['NIKA_REDIS_URL'] = server.url; // for the processes that are started
const reconcile = (home: string, ...flags: readonly string[]): Sample =>
  sample(nikaCommand('reconcile', '--json', ...flags, '--home', home), '0,1');

/** @throws where the feed does not hold what it should */
const mustHold = async (count: number): Promise<void> => {
  const length = await server.admin.xlen(FEED);
  if (length !== count) throw new Error(`${length} entries on the feed, not ${count}`);
};

const benchMissed = async (): Promise<void> => {
  const home = homeOf('missed');
  const entries = writeAlpha(home, missedLines());
  const [ours, bare]: [Sample[], Sample[]] = [[], []];
  for (let nth = 0; nth < RUNS; nth += 1) {
    await server.admin.flushall();
    rmSync(join(home, 'run/reconcile'), { recursive: true, force: true });
    ours.push(reconcile(home));
    await mustHold(MISSED_COUNT);
    await server.admin.flushall();
    bare.push({ ms: await bareXadds(server.url, entries), maxRssKb: 0, cpuMs: 0 });
  }
  tell(`${MISSED_COUNT} missing transitions: nika reconcile`, ours);
  tell(`the same entries: XADD, ${BATCH} in a pipeline`, bare);
};

const benchQuiet = async (): Promise<void> => {
  const home = homeOf('quiet');
  await server.admin.flushall();
  writeAlpha(home, manyLines());
  const alpha = join(home, '_bus/alpha_bus.jsonl');
  const megabytes = fixed(statSync(alpha).size / 1e6, 0);
  reconcile(home);
  const count = await server.admin.xlen(FEED);
  const [quiet, full, cat, node]: [Sample[], Sample[], Sample[], Sample[]] = [[], [], [], []];
  for (let nth = 0; nth < RUNS; nth += 1) {
    quiet.push(reconcile(home));
    full.push(reconcile(home, '--full'));
    cat.push(sample(['sh', '-c', `cat ${alpha} > /dev/null`], '0,1'));
    node.push(sample([process.execPath, '-e', '0'], '0,1'));
  }
  await mustHold(count);
  tell(`${megabytes} MB, nothing missing: nika reconcile`, quiet);
  tell(`the same, ${count} events compared: nika reconcile --full`, full);
  tell('cat of the bus', cat);
  tell('a Node that does nothing', node);
};

try {
  console.log(`${machine()}; medians of ${RUNS} interleaved runs, two cores`);
  row('', ['seconds', 'slowest', 'peak memory MB']);
  row('---', ['---', '---', '---']);
  await benchMissed();
  await benchQuiet();
} finally {
  rmSync(folder, { recursive: true });
}
