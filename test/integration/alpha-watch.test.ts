/** What Alpha watches over: silent pods, lost pods, deadlines, announcements, and what other hosts did with jobs of a home. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createChain } from '../../src/bus/chain.ts';
import { verifyBus } from '../../src/bus/read/verify.ts';
import { createEventId } from '../../src/model/event-id.ts';
import { dispatched, META } from '../fixtures/dispatched.ts';
import { ToldAlpha, toldIn } from '../fixtures/told-alpha.ts';
import { TestHome } from '../nika.ts';
import { endPods, recordsOf, until, untilStatus } from '../pods.ts';
import { RedisServer } from '../servers/redis.ts';
import { linesOf, SHORT_LEASE, startWorker, untilLine } from '../workers.ts';

const SLEEP = '  - { tool: shell, input: { argv: [sleep, "100"] } }';

interface Entry {
  readonly event: string;
  readonly entity: string;
  readonly id: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const feedOf = async ({ admin }: RedisServer): Promise<readonly Entry[]> => {
  const entries = (await admin.xrange('nika:feed:entities', '-', '+')) as [string, string[]][];
  return entries.map(([, list]) => {
    const field = (name: string): string => list[list.indexOf(name) + 1] ?? '';
    return {
      event: field('event'),
      entity: field('entity_id'),
      id: field('id'),
      data: JSON.parse(field('data')) as Record<string, unknown>,
    };
  });
};

const onFeed = async (redis: RedisServer, event: string): Promise<readonly Entry[]> =>
  (await feedOf(redis)).filter((entry) => entry.event === event);

/** Puts an event onto the feed as another host does; its id. */
const publish = async (
  { admin }: RedisServer,
  entity: string,
  event: string,
  { id = createEventId(Date.now()), ...data }: Readonly<Record<string, unknown>> & { readonly id?: string },
): Promise<string> => {
  const meta = { ...META, entity_id: entity, root_id: entity, host: 'there' };
  const fields = { id, ts: new Date().toISOString(), event, entity_id: entity, entity_type: 'JOB' };
  const rest = { session_id: META.session_id, meta: JSON.stringify(meta), data: JSON.stringify(data) };
  await admin.xadd('nika:feed:entities', '*', ...Object.entries({ ...fields, ...rest }).flat());
  return id;
};

describe('the watch of Alpha', () => {
  it('tells once of a pod of another home that is silent, and of one that is back (G9)', async () => {
    await using redis = await RedisServer.open();
    using home = new TestHome();
    using other = new TestHome();
    other.job('sleeper', SLEEP);
    const started = await other.start(['pod', 'start', 'sleeper', '-d'], { NIKA_REDIS_URL: redis.url }).ended;
    const entity = started.stdout.trim();
    try {
      const { process: by } = await untilStatus(other, entity, 'running');
      await using alpha = ToldAlpha.start(home, redis.url, { staleAfterMs: 7_000 }); // a sign of life each 5 s
      await alpha.untilFollows('feed');
      await until('the pod to be in the fleet', async () => (await redis.admin.hlen('nika:fleet:state')) > 0);
      process.kill(by.pid, 'SIGSTOP');
      const [stale] = await until('pod_stale', async () => {
        const found = await onFeed(redis, 'pod_stale');
        return found.length > 0 && found;
      });
      expect(stale).toMatchObject({ entity, data: { detail: expect.stringContaining('no sign of life') } });
      expect(home.alpha.filter(({ type }) => type === 'condition')).toMatchObject([
        { id: stale?.id, meta: { entity_id: entity }, data: { condition: 'pod_stale' } },
      ]);
      process.kill(by.pid, 'SIGCONT');
      await until('pod_back', async () => (await onFeed(redis, 'pod_back')).length > 0);
      expect(await onFeed(redis, 'pod_stale')).toHaveLength(1);
      const told = () => toldIn(home).filter(({ event }) => event.startsWith('pod_'));
      await until('Alpha to be told of both', () => told().length >= 2);
      expect(told()).toHaveLength(2);
    } finally {
      await endPods(other);
    }
  });

  it('closes pods of its home that died', async () => {
    using home = new TestHome();
    home.job('sleeper', SLEEP);
    const entity = (await home.nika('pod', 'start', 'sleeper', '-d')).stdout.trim();
    await using alpha = ToldAlpha.start(home);
    await alpha.untilFollows('bus');
    const { process: by } = await untilStatus(home, entity, 'running');
    process.kill(by.pid, 'SIGKILL');
    await until('it to be closed', () => recordsOf(home)[0]?.end?.status === 'lost');
    await until('Alpha to be told', () => toldIn(home).some(({ event }) => event === 'failed'));
    expect(toldIn(home).map(({ event }) => event)).toEqual(['created', 'started', 'pod_lost', 'failed']);
  });

  it('tells once of a deadline that has passed, also over its own restart', async () => {
    using home = new TestHome();
    dispatched(home, 'JOB-late', { deadline: new Date(Date.now() - 1_000).toISOString() });
    for (let nth = 0; nth < 2; nth += 1) {
      await using alpha = ToldAlpha.start(home);
      await until('job_overdue', () => toldIn(home).some(({ event }) => event === 'job_overdue'));
      await alpha.until('it to look again', ({ entities }) => entities['created'] === 1);
      await alpha.end();
    }
    expect(toldIn(home).map(({ event, entity }) => [event, entity])).toEqual([
      ['created', 'JOB-late'],
      ['job_overdue', 'JOB-late'],
    ]);
    expect(home.lines('channels/JOB-late.jsonl').map(({ data }) => data['condition'])).toEqual([
      undefined,
      'job_overdue',
    ]);
  });

  it('puts an announcement onto the feed again that was trimmed while no worker came, with its id, and no other', async () => {
    await using redis = await RedisServer.open();
    using home = new TestHome();
    const id = dispatched(home, 'JOB-waits');
    await using alpha = ToldAlpha.start(home, redis.url, { announceEveryMs: 100, youngMs: 0, slackMs: 0 });
    await until('it to be announced', async () => (await onFeed(redis, 'created')).length > 0);
    await redis.admin.xtrim('nika:feed:entities', 'MAXLEN', 0);
    await publish(redis, 'JOB-other', 'started', { from: 'created', to: 'in_progress', rev: 2 });
    await until('it to be announced again', async () => (await onFeed(redis, 'created')).length > 0);
    expect(await onFeed(redis, 'created')).toMatchObject([
      { id, entity: 'JOB-waits', data: { dispatch: { job: 'sleeper' } } },
    ]);
    await alpha.untilFollows('feed');
    await until('Alpha to be told', () => toldIn(home).length >= 2);
    expect(toldIn(home).filter(({ entity }) => entity === 'JOB-waits')).toMatchObject([{ id }]);
  });

  it('brings a job that waits to a worker though run/queue is lost and Redis was emptied', async () => {
    await using redis = await RedisServer.open();
    using home = new TestHome();
    home.job('quick', '  - { tool: shell, input: { command: "true" } }');
    const env = { NIKA_REDIS_URL: redis.url, ...SHORT_LEASE };
    const id = (await home.start(['dispatch', 'quick'], env).ended).stdout.trim();
    rmSync(join(home.dir, 'run/queue'), { recursive: true });
    await redis.admin.flushall();
    await using _alpha = ToldAlpha.start(home, redis.url, { announceEveryMs: 100, youngMs: 0, slackMs: 0 });
    await using _worker = await startWorker(home, { env });
    await untilLine(home, id, 'job_completed');
    expect(linesOf(home, id, 'job_completed')).toHaveLength(1);
  });
});

describe('the mirror of Alpha', () => {
  it('copies what another host does with a job of this home onto its channel, once, over restarts, FLUSHALL and a second Alpha', async () => {
    await using redis = await RedisServer.open();
    using home = new TestHome();
    using other = new TestHome();
    const created = dispatched(home, 'JOB-given');
    const channel = () => home.lines('channels/JOB-given.jsonl');
    await using alpha = ToldAlpha.start(home, redis.url);
    await using second = ToldAlpha.start(home, redis.url);
    await using foreign = ToldAlpha.start(other, redis.url); // it may lead: each home has its own mirror
    await until('it to be announced', async () => (await onFeed(redis, 'created')).length > 0);
    await publish(redis, 'JOB-given', 'started', { from: 'created', to: 'in_progress', rev: 2 });
    await publish(redis, 'JOB-strange', 'started', { from: 'created', to: 'in_progress', rev: 2 });
    await until('it to be copied', () => channel().length === 2);
    await alpha.kill();
    await until('the other to take over', () => second.record?.has_home === true);
    await publish(redis, 'JOB-given', 'completed', { from: 'in_progress', to: 'completed', rev: 3, result: 'well' });
    await until('it to be copied', () => channel().length === 3);
    const before = await feedOf(redis);
    await redis.admin.flushall();
    for (const { entity, event, data, id } of before.filter((one) => one.entity === 'JOB-given'))
      await publish(redis, entity, event, { ...data, id });
    const last = await publish(redis, 'JOB-given', 'pod_back', { condition: 'pod_back' });
    await until('it to be copied', () => channel().some(({ id }) => id === last));
    const given = before.filter(({ entity }) => entity === 'JOB-given').map(({ id }) => id);
    expect(channel().map(({ id }) => id)).toEqual([...given, last]);
    expect(channel()[0]?.id).toBe(created);
    expect(channel().map(({ data }) => data['via'])).toEqual([undefined, 'feed', 'feed', 'feed']);
    expect(channel()[2]).toMatchObject({ type: 'job_completed', meta: { host: 'there' }, data: { result: 'well' } });
    expect(home.alpha.filter(({ data }) => data['via'] === 'feed')).toHaveLength(3);
    const { tampering, warnings } = await verifyBus({ busDir: join(home.dir, '_bus'), chain: createChain() });
    expect([tampering, warnings]).toEqual([0, 0]);
    await foreign.end();
  });

  it('passes over a job whose channel cannot be read, and copies what comes behind it', async () => {
    await using redis = await RedisServer.open();
    using home = new TestHome();
    dispatched(home, 'JOB-broken');
    dispatched(home, 'JOB-whole');
    const broken = join(home.dir, '_bus/channels/JOB-broken.jsonl');
    rmSync(broken);
    mkdirSync(broken); // not even root can read it as a file
    await using alpha = ToldAlpha.start(home, redis.url);
    await alpha.untilFollows('feed');
    const started = { from: 'created', to: 'in_progress', rev: 2 };
    await publish(redis, 'JOB-broken', 'started', started);
    const id = await publish(redis, 'JOB-whole', 'started', started);
    await until('it to be copied', () => home.lines('channels/JOB-whole.jsonl').some((line) => line.id === id));
    const copied = () => home.alpha.filter(({ data }) => data['via'] === 'feed').map((line) => line.id);
    await until('the alpha bus to have it too', () => copied().length > 0);
    expect(copied()).toEqual([id]);
  });

  it('leaves what a pod of this home writes to that pod', async () => {
    await using redis = await RedisServer.open();
    using home = new TestHome();
    home.job('quick', '  - { tool: shell, input: { command: "true" } }');
    await using alpha = ToldAlpha.start(home, redis.url);
    await alpha.untilFollows('feed');
    const { stdout } = await home.start(['pod', 'start', 'quick', '-d', '--id', 'JOB-own'], {
      NIKA_REDIS_URL: redis.url,
    }).ended;
    expect(stdout.trim()).toBe('JOB-own');
    await until('Alpha to be told', () => toldIn(home).some(({ event }) => event === 'completed'));
    const last = await publish(redis, 'JOB-own', 'pod_back', { condition: 'pod_back' });
    await until('Alpha to be told', () => toldIn(home).some(({ id }) => id === last));
    expect(home.alpha.filter(({ data }) => data['via'] === 'feed')).toEqual([]);
    expect(new Set(home.lines('channels/JOB-own.jsonl').map(({ id }) => id)).has(last)).toBe(false);
  });
});
