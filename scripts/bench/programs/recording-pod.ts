/**
 * A process that records tool calls as a pod does: the real recorder, bus and way to Redis, without an agent. Its
 * arguments are a folder and the URL of Redis (none: only the bus); it is told what to do by messages, and answers each.
 */
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { createChain } from '../../../src/bus/chain.ts';
import { BusWriter } from '../../../src/bus/writer.ts';
import { parseEntityId, type SessionId } from '../../../src/model/id.ts';
import { createBodyEncoder } from '../../../src/recorder/body.ts';
import { Recorder, type Scope } from '../../../src/recorder/recorder.ts';
import { RedisSink } from '../../../src/recorder/redis/redis-sink.ts';
import { targetOf } from '../../../test/servers/target.ts';
import { percentiles } from '../figures.ts';
import { metaOf } from '../generated-bus.ts';

export type Order =
  /** So many calls, ten at a time, the event loop turns in between; `everyMs`: and a pause of so long. */
  | { readonly kind: 'bursts'; readonly calls: number; readonly everyMs: number }
  /** At a steady rate, whatever that takes. */
  | { readonly kind: 'flow'; readonly perSecond: number; readonly seconds: number; readonly isBare?: boolean }
  /** What waits is sent, for so long at most. */
  | { readonly kind: 'drain'; readonly withinMs: number }
  | { readonly kind: 'look' };

export interface Answer {
  /** Of recording one call, in µs. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  readonly calls: number;
  readonly seconds: number;
  /** Of the process, user and system. */
  readonly cpuUs: number;
  /** Since the process began. */
  readonly allCalls: number;
  readonly dropped: number;
  readonly state: string;
  readonly rssBytes: number;
  readonly heapBytes: number;
}

const [, , dir = '', url = ''] = process.argv;
const BURST = 10;
const session = crypto.randomUUID() as string as SessionId;
const entity = parseEntityId('JOB-20261120-k3f9xq2m');
const scope: Scope = { entity, metaJson: metaOf(entity) };
const backlog = { maxCount: 10_000, maxBytes: 16e6 };
const busDir = join(dir, '_bus');
const bus = BusWriter.open({ busDir, runDir: join(dir, 'run'), chain: createChain(), segmentBytes: 1e9, backlog });
const encoder = createBodyEncoder({ maxBodyBytes: 1024 ** 2, patterns: [] });
const startedAt = new Date().toISOString();
let allCalls = 0;

const openSink = (): RedisSink =>
  new RedisSink({
    target: targetOf(url),
    session,
    busDir,
    settle: () => bus.sync(),
    isBusWhole: () => !bus.isFailing,
    onOutageStart: () => undefined,
    onOutageEnd: () => undefined,
    facts: () => ({
      status: 'running',
      entity,
      job: 'bench',
      attempt: 1,
      host: 'bench',
      pid: process.pid,
      home: dir,
      domain: 'repository',
      intent: 'audit',
      parent: null,
      startedAt,
      lastWhat: '',
      lastTool: 'shell',
      lastToolAt: startedAt,
      isToolRunning: false,
      calls: allCalls,
      errors: 0,
      tokens: 0,
      costUsd: 0,
      unpricedTokens: 0,
      why: null,
      reason: null,
      waitingSince: null,
      degraded: [],
      dropped: {},
      endedAt: null,
      exitCode: null,
    }),
  });

const sink = url === '' ? undefined : openSink();
sink?.start();
const bare = new Recorder({ bus, encoder, mayKeepBlobs: () => true });
const telling = sink === undefined ? bare : new Recorder({ bus, encoder, mayKeepBlobs: () => true, sink });
/** Redis is told, or not: the same process, so that nothing else differs. */
let recorder = telling;

/** Input and response are 300 bytes of JSON together. */
const response = {
  stdout: '12\t3\tsrc/bus/writer.ts\n'.repeat(6).trim(),
  stderr: '',
  exit_code: 0,
  interrupted: false,
};

const recordOne = (): void => {
  allCalls += 1;
  recorder.recordToolCall(
    scope,
    {
      hook_event_name: 'PostToolUse',
      session_id: session,
      cwd: '/home/user/project',
      tool_name: 'shell',
      tool_input: { command: `git log --numstat -n ${allCalls} -- src/bus`, description: 'Show what changed most' },
      tool_response: response,
      tool_use_id: `call_${allCalls}`,
      duration_ms: 12.5,
    },
    { source: 'hook' },
  );
};

const timed = (samples: Float64Array, at: number): void => {
  const beganMs = performance.now();
  recordOne();
  samples[at] = (performance.now() - beganMs) * 1000;
};

const bursts = async (calls: number, everyMs: number): Promise<Float64Array> => {
  const samples = new Float64Array(calls);
  for (let at = 0; at < calls; at += 1) {
    timed(samples, at);
    if (at % BURST !== BURST - 1) continue;
    await (everyMs === 0 ? nextTurn() : delay(everyMs));
  }
  return samples;
};

/** No more of them are sampled. */
const SAMPLES = 1_000_000;

/** What is due by the clock, a few at a time; the event loop turns in between. */
const flow = async (perSecond: number, seconds: number): Promise<Float64Array> => {
  const wanted = Math.round(perSecond * seconds);
  const samples = new Float64Array(Math.min(wanted, SAMPLES));
  const beganMs = performance.now();
  let made = 0;
  while (made < wanted) {
    const due = Math.min(wanted, ((performance.now() - beganMs) / 1000) * perSecond);
    for (let n = 0; made < due && n < BURST * 10; n += 1, made += 1) timed(samples, made % SAMPLES);
    await (made < due ? nextTurn() : delay(1));
  }
  return samples;
};

const take = async (order: Order): Promise<Float64Array> => {
  switch (order.kind) {
    case 'bursts':
      return bursts(order.calls, order.everyMs);
    case 'flow':
      recorder = order.isBare === true ? bare : telling;
      return flow(order.perSecond, order.seconds);
    case 'drain':
      await sink?.drain(order.withinMs);
      return new Float64Array();
    case 'look':
      globalThis.gc?.();
      return new Float64Array();
  }
};

const answer = async (order: Order): Promise<Answer> => {
  const beganMs = performance.now();
  const before = process.cpuUsage();
  const callsBefore = allCalls;
  const samples = await take(order);
  const { user, system } = process.cpuUsage(before);
  const { rss, heapUsed } = process.memoryUsage();
  return {
    seconds: (performance.now() - beganMs) / 1000,
    cpuUs: user + system,
    calls: allCalls - callsBefore,
    allCalls,
    ...percentiles(samples),
    dropped: sink?.dropped()['redis_events_dropped'] ?? 0,
    state: sink?.state.kind ?? 'none',
    rssBytes: rss,
    heapBytes: heapUsed,
  };
};

process.on('message', (order: Order) => {
  answer(order).then(
    (told) => process.send?.(told),
    (thrown: unknown) => {
      console.error(thrown);
      process.exit(1);
    },
  );
});
process.once('disconnect', () => {
  bus[Symbol.dispose]();
  process.exit(0);
});
process.send?.('ready');
