/**
 * What Redis costs a tool call: its time while Redis is well, hung and absent, with one pod and with eight; the
 * processor time of it; a flood; a million calls. Pods are processes with the real recorder, bus and way to Redis, beside
 * real servers; what is compared runs by turns. `NIKA_BENCH_SECONDS=60` for the whole minute of the flood.
 */
import type { RedisServer as Server } from '../../test/servers/redis.ts';
import { freePort, RedisServer } from '../../test/servers/redis.ts';
import { fixed, machine, median, row } from './figures.ts';
import type { Answer, Order } from './programs/recording-pod.ts';
import { RecordingPod } from './recording-pods.ts';

const ROUNDS = 5;
const FLOOD_SECONDS = Number(process.env['NIKA_BENCH_SECONDS'] ?? 10);
const MILLION = Number(process.env['NIKA_BENCH_CALLS'] ?? 1_000_000);
const KINDS = ['healthy', 'hung', 'absent'] as const;
type Kind = (typeof KINDS)[number];
/** The client is loaded, the state known, the code warm. */
const WARM_CALLS = 40_000;
const HUNG_FOR_MS = 3_000;

const medianOf = (answers: readonly Answer[], key: 'p50' | 'p99' | 'p999' | 'max'): number =>
  median(answers.map((one) => one[key]));

const openAll = async (url: string | undefined, count: number): Promise<readonly RecordingPod[]> =>
  Promise.all(Array.from({ length: count }, () => RecordingPod.open(url)));

const doAll = async (pods: readonly RecordingPod[], order: Order): Promise<readonly Answer[]> =>
  Promise.all(pods.map((pod) => pod.do(order)));

const closeAll = async (pods: readonly RecordingPod[]): Promise<void> => {
  await Promise.all(pods.map((pod) => pod[Symbol.asyncDispose]()));
};

/** The medians over its pods stand for a round. */
const tellTimes = (name: string, rounds: Readonly<Record<Kind | 'bare', (readonly Answer[])[]>>): void => {
  const of = (round: readonly Answer[] | undefined, key: 'p50' | 'p99' | 'p999' | 'max'): number =>
    medianOf(round ?? [], key);
  for (const kind of ['bare', ...KINDS] as const) {
    const cells = (['p50', 'p99', 'p999', 'max'] as const).map((key) =>
      fixed(median(rounds[kind].map((round) => of(round, key)))),
    );
    const ratios = (['p50', 'p99'] as const).map((key) =>
      fixed(median(rounds[kind].map((round, at) => of(round, key) / of(rounds.healthy[at], key))), 2),
    );
    const title = kind === 'bare' ? 'no Redis configured (reference)' : `Redis ${kind}`;
    row(`${name}, ${title}`, [...cells, ...ratios]);
  }
};

const compare = async (name: string, count: number, order: Order): Promise<void> => {
  await using healthy = await RedisServer.open();
  await using hung = await RedisServer.open();
  const urls = { healthy: healthy.url, hung: hung.url, absent: `redis://127.0.0.1:${await freePort()}` };
  const pods = {
    bare: await openAll(undefined, count),
    healthy: await openAll(urls.healthy, count),
    hung: await openAll(urls.hung, count),
    absent: await openAll(urls.absent, count),
  };
  const rounds = { bare: [], healthy: [], hung: [], absent: [] } as Record<Kind | 'bare', (readonly Answer[])[]>;
  try {
    for (const kind of ['bare', ...KINDS] as const)
      await doAll(pods[kind], { kind: 'bursts', calls: WARM_CALLS / count, everyMs: 0 });
    hung.stop();
    await new Promise((resolve) => setTimeout(resolve, HUNG_FOR_MS));
    for (let round = 0; round < ROUNDS; round += 1)
      for (const kind of ['bare', ...KINDS] as const) rounds[kind].push(await doAll(pods[kind], order));
    const states = KINDS.map((kind) => `${kind} ${rounds[kind].at(-1)?.[0]?.state}`);
    tellTimes(name, rounds);
    console.error(`${name}: ${states.join(', ')}`);
  } finally {
    for (const kind of ['bare', ...KINDS] as const) await closeAll(pods[kind]);
    hung.cont();
  }
};

const times = async (): Promise<void> => {
  row('recording a tool call', ['p50 µs', 'p99 µs', 'p99.9 µs', 'max µs', 'p50 / healthy', 'p99 / healthy']);
  row('---', ['---', '---', '---', '---', '---', '---']);
  await compare('1 pod, one call after the other', 1, { kind: 'bursts', calls: 40_000, everyMs: 0 });
  await compare('1 pod, 10 calls each 5 ms', 1, { kind: 'bursts', calls: 6_000, everyMs: 5 });
  await compare('8 pods, 10 calls each 20 ms', 8, { kind: 'bursts', calls: 1_500, everyMs: 20 });
};

/** The same process with and without, by turns. */
const processor = async (): Promise<void> => {
  row('processor time of a pod, µs per call', ['with Redis', 'without', 'for Redis']);
  row('---', ['---', '---', '---']);
  await using server = await RedisServer.open();
  await using pod = await RecordingPod.open(server.url);
  await pod.do({ kind: 'bursts', calls: WARM_CALLS, everyMs: 0 });
  for (const perSecond of [2_000, 20_000, 50_000]) {
    const told: number[] = [];
    const bare: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const flow = { kind: 'flow', perSecond, seconds: 2 } as const;
      const one = await pod.do(flow);
      await pod.do({ kind: 'drain', withinMs: 1_000 });
      const other = await pod.do({ ...flow, isBare: true });
      told.push(one.cpuUs / one.calls);
      bare.push(other.cpuUs / other.calls);
    }
    const differences = told.map((us, at) => us - (bare[at] ?? 0));
    row(
      `${perSecond} calls/s`,
      [told, bare, differences].map((list) => fixed(median(list))),
    );
  }
};

interface Counts {
  readonly calls: number;
  readonly events: number;
  readonly dropped: number;
  readonly streamLength: number;
  /** Ever added to the stream, by the server's own count. */
  readonly added: number;
}

const field = async ({ admin }: Server, pattern: string, name: string): Promise<number> => {
  let sum = 0;
  for (const key of await admin.keys(pattern)) sum += Number((await admin.hget(key, name)) ?? 0); // two, at midnight
  return sum;
};

const countsIn = async (server: Server): Promise<Counts> => {
  const [stream = ''] = await server.admin.keys('agent:events:*');
  const info = (await server.admin.xinfo('STREAM', stream)) as readonly unknown[];
  return {
    calls: await field(server, 'agent:metrics:*', 'shell:calls'),
    events: await field(server, 'nika:ipc:metrics:*', 'events'),
    dropped: await field(server, 'nika:ipc:metrics:*', 'dropped'),
    streamLength: Number(info[info.indexOf('length') + 1]),
    added: Number(info[info.indexOf('entries-added') + 1]),
  };
};

const verdict = (offered: number, { calls, events, dropped, streamLength, added }: Counts): string => {
  const isExact = calls === offered && events + dropped === offered && events === added;
  return isExact && streamLength === Math.min(5000, events) ? 'exact' : 'NOT EXACT';
};

const COUNT_HEADS = ['written', 'dropped', 'agent:metrics', 'XLEN', 'counts'] as const;
const countCells = (offered: number, counts: Counts): readonly string[] => [
  String(counts.added),
  String(counts.dropped),
  String(counts.calls),
  String(counts.streamLength),
  verdict(offered, counts),
];

/** As many calls a second as wanted; what the ring lets go is counted. */
const flood = async (): Promise<void> => {
  row('flood of one pod', ['calls/s wanted', 'made without Redis (reference)', 'made', 'calls', ...COUNT_HEADS]);
  row(
    '---',
    Array.from({ length: 9 }, () => '---'),
  );
  for (const perSecond of [50_000, 100_000]) {
    await using server = await RedisServer.open();
    await using pod = await RecordingPod.open(server.url);
    const bare = await pod.do({ kind: 'flow', perSecond, seconds: FLOOD_SECONDS, isBare: true });
    const one = await pod.do({ kind: 'flow', perSecond, seconds: FLOOD_SECONDS });
    await pod.do({ kind: 'drain', withinMs: 10_000 });
    const speeds = [bare, one].map(({ calls, seconds }) => fixed(calls / seconds, 0));
    const cells = [String(perSecond), ...speeds, String(one.calls)];
    row(`${fixed(one.seconds, 0)} s`, [...cells, ...countCells(one.calls, await countsIn(server))]);
  }
};

const PIECES = 20;

/** In pieces, with a look at the memory after each: the first tenth beside the last. */
const million = async (): Promise<void> => {
  await using server = await RedisServer.open();
  await using pod = await RecordingPod.open(server.url);
  const looks: Answer[] = [];
  for (let piece = 0; piece < PIECES; piece += 1) {
    await pod.do({ kind: 'bursts', calls: MILLION / PIECES, everyMs: 0 });
    looks.push(await pod.do({ kind: 'look' }));
  }
  const { allCalls } = await pod.do({ kind: 'drain', withinMs: 10_000 });
  const mb = (key: 'rssBytes' | 'heapBytes', from: number): number =>
    median(looks.slice(from, from + PIECES / 10).map((one) => one[key])) / 1e6;
  row('one pod', ['calls', 'heap MB first tenth', 'last', 'RSS MB first tenth', 'last', ...COUNT_HEADS]);
  row(
    '---',
    Array.from({ length: 10 }, () => '---'),
  );
  const memory = (['heapBytes', 'rssBytes'] as const).flatMap((key) => [
    fixed(mb(key, 0)),
    fixed(mb(key, PIECES - PIECES / 10)),
  ]);
  row('a million calls', [String(allCalls), ...memory, ...countCells(allCalls, await countsIn(server))]);
};

console.log(`${machine()}; medians of ${ROUNDS} interleaved rounds\n`);
const PARTS = { times, processor, flood, million };
/** `NIKA_BENCH_PARTS=flood,million`: only those. */
const chosen = process.env['NIKA_BENCH_PARTS']?.split(',') ?? Object.keys(PARTS);
for (const [name, part] of Object.entries(PARTS)) {
  if (!chosen.includes(name)) continue;
  await part();
  console.log('');
}
