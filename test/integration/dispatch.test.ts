import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Home, resolveHome } from '../../src/config/home.ts';
import { dispatch } from '../../src/index.ts';
import { loadSettings } from '../../src/config/settings.ts';
import { parseFeedChange, type FeedChange } from '../../src/ipc/feed/feed-change.ts';
import { parseEntityId, sessionIdSchema } from '../../src/model/id.ts';
import { startDetached } from '../../src/pod/launch/detach.ts';
import { createKeys } from '../../src/redis/keys.ts';
import { openWriter } from '../../src/redis/link.ts';
import { announceWaiting } from '../../src/swarm/dispatch/announce-waiting.ts';
import { enqueueFromChange } from '../../src/swarm/dispatch/enqueue-change.ts';
import { flushOutbox } from '../../src/swarm/dispatch/flush-outbox.ts';
import { openWorkQueue } from '../../src/swarm/queue/open-work-queue.ts';
import type { Claim, WorkQueue } from '../../src/swarm/queue/work-queue.ts';
import { SwarmSession } from '../../src/swarm/session/swarm-session.ts';
import { rowOf, statesOf, taken } from '../fixtures/queued-job.ts';
import { addHostJob, McpAgent, openInside } from '../mcp.ts';
import { OWN_POD } from '../../src/pod/launch/own-pod.ts';
import { TestHome } from '../nika.ts';
import { endPods } from '../pods.ts';
import { freePort, RedisServer } from '../servers/redis.ts';
import { targetOf } from '../servers/target.ts';

const ECHO = '  - { name: say, tool: shell, input: { command: "echo hello ${{ inputs.who }}" } }';
const INPUTS = 'inputs: { who: { required: true }, times: { type: number, default: 1 } }';

let home: TestHome;
const at = (): Home => resolveHome({ flag: home.dir, env: {}, cwd: home.dir });
const openQueue = async (url?: string): Promise<WorkQueue> => {
  const queue = await openWorkQueue({
    home: at(),
    settings: loadSettings(at(), url === undefined ? {} : { NIKA_REDIS_URL: url }),
  });
  await queue.untilKnown(2_000);
  return queue;
};
const configure = (url: string): void =>
  writeFileSync(join(home.dir, 'config/nika.yaml'), `redis: { url: '${url}' }\n`);
const filesIn = (folder: string): readonly string[] => {
  try {
    return readdirSync(join(home.dir, 'run/queue', folder));
  } catch {
    return [];
  }
};

/** As a worker does: the job as a pod of this home, its next attempt. */
const runAsPod = async ({ job }: Claim): Promise<void> => {
  const file = join(home.dir, 'config/jobs', `${job.name}.yaml`);
  const spec = {
    v: 1,
    session: sessionIdSchema.parse(crypto.randomUUID()),
    job: job.job.kind === 'inline' ? job.job : ({ kind: 'file', file } as const),
    worktree: null,
    inputs: job.inputs,
    parent: job.parent,
    entity: job.entity,
    resumes: true,
    called_in: home.cwd,
    tmux: null,
    may_wait: true,
    ...OWN_POD,
  } as const;
  const env = { PATH: process.env['PATH'], HOME: home.dir };
  await startDetached({ home: at(), spec, env, signal: AbortSignal.timeout(20_000) });
};

beforeEach(() => {
  home = new TestHome();
  home.job('hello', ECHO, INPUTS);
  home.job('broken', '  - { name: say, tool: shell, input: { command: "exit 7" } }');
});
afterEach(async () => {
  await endPods(home);
  home[Symbol.dispose]();
});

describe('nika dispatch without Redis', () => {
  it('writes the job on the bus as created, puts it into the queue of the home, and prints its id', async () => {
    const { code, stdout, stderr } = await home.nika(
      'dispatch',
      'hello',
      '-i',
      'who=you',
      '--priority',
      '7',
      '--id',
      'JOB-x',
    );
    expect([code, stdout]).toEqual([0, 'JOB-x\n']);
    expect(stderr).toBe('nika: the job waits: no worker offers default now; start one: nika worker start -d\n');
    const dispatch = { job: 'hello', inputs: { who: 'you', times: 1 }, capability: 'default', priority: 7 };
    expect(home.alpha).toMatchObject([{ type: 'entity_created', entity: 'JOB-x', data: { to: 'created', dispatch } }]);
    await using queue = await openQueue();
    expect(await rowOf(queue, 'x')).toMatchObject({ state: 'waiting', job: { priority: 7, inputs: dispatch.inputs } });
    expect((await home.nika('dispatch', 'hello', '-i', 'who=me', '--id', 'JOB-x')).stderr).toContain(
      'NIKA_ENTITY_EXISTS',
    );
    expect((await taken(queue)).job.inputs).toEqual(dispatch.inputs);
  });

  it.each([
    ['an unknown job', ['helo', '-i', 'who=you'], 'NIKA_JOB_NOT_FOUND', 'did you mean "hello"?'],
    ['an input that is missing', ['hello'], 'NIKA_JOB_BAD_INPUT', 'who'],
    ['an input of another type', ['hello', '-i', 'who=you', '-i', 'times=often'], 'NIKA_JOB_BAD_INPUT', 'times'],
    [
      'a parent that is not there',
      ['hello', '-i', 'who=you', '--parent', 'JOB-none'],
      'NIKA_ENTITY_NO_PARENT',
      'JOB-none',
    ],
    ['a priority that is none', ['hello', '-i', 'who=you', '--priority', '10'], 'NIKA_CLI_USAGE', '--priority'],
    ['a capability that is none', ['hello', '-i', 'who=you', '--capability', 'A B'], 'NIKA_CLI_USAGE', '--capability'],
    ['a delay that is none', ['hello', '-i', 'who=you', '--delay', 'soon'], 'NIKA_CLI_USAGE', '--delay'],
    ['a deadline that is over', ['hello', '-i', 'who=you', '--deadline', '2020-01-01'], 'NIKA_CLI_USAGE', 'is over'],
  ])('tells of %s before anything is written', async (_, args, code, text) => {
    const ended = await home.nika('dispatch', ...args);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain(code);
    expect(ended.stderr).toContain(text);
    expect(filesIn('jobs')).toEqual([]);
    expect(() => home.alpha).toThrow(/ENOENT/);
  });

  it('waits to the end where it is asked to, and exits as the job does', async () => {
    await using queue = await openQueue();
    const good = home.start(['dispatch', 'hello', '-i', 'who=you', '--wait', '--json']);
    const first = await taken(queue);
    await runAsPod(first);
    const { code, stdout } = await good.ended;
    expect(code).toBe(0);
    const [told, end] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(told).toMatchObject({ id: first.job.entity, queued: true });
    expect(end).toMatchObject({ id: first.job.entity, status: 'completed', exit_code: 0 });
    await first.done('completed');
    const bad = home.start(['dispatch', 'broken', '--wait']);
    await runAsPod(await taken(queue));
    expect(await bad.ended).toMatchObject({ code: 1, stderr: expect.stringContaining('failed') });
  });

  it('takes the definition of a job along that is given by its path', async () => {
    const file = join(home.cwd, 'mine.yaml');
    writeFileSync(
      file,
      `name: mine\ndescription: A job.\ndomain: test\nintent: prove\nsteps:\n${ECHO.replace(' ${{ inputs.who }}', '')}\n`,
    );
    expect((await home.nika('dispatch', './mine.yaml', '--id', 'JOB-mine')).code).toBe(0);
    rmSync(file);
    await using queue = await openQueue();
    const claim = await taken(queue);
    expect(claim.job.job).toMatchObject({ kind: 'inline', job: { name: 'mine' } });
    expect(home.alpha[0]?.data['dispatch']).not.toHaveProperty('inputs'); // no other host could run it by its name
    const waiting = home.start(['dispatch', 'broken', '--delay', '1h', '-q']);
    expect((await waiting.ended).code).toBe(0);
    await runAsPod(claim);
  });

  it('is a function of the library, too, whose job can be waited for', async () => {
    const job = await dispatch({ job: 'hello', inputs: { who: 'you' }, priority: 3, home: home.dir });
    expect(job).toMatchObject({ isQueued: true, troubles: [] });
    await using queue = await openQueue();
    const claim = await taken(queue);
    expect(claim.job).toMatchObject({ entity: job.id, priority: 3, inputs: { who: 'you', times: 1 } });
    await expect(job.wait(AbortSignal.timeout(50))).rejects.toThrow(/timeout/);
    await runAsPod(claim);
    expect(await job.wait()).toMatchObject({ state: 'completed', exitCode: 0 });
    await expect(dispatch({ job: 'hello', home: home.dir })).rejects.toThrow(/who/);
  });

  it('keeps a secret off the bus, and gives it to the worker as it is', async () => {
    const secret = 'ghp_0123456789abcdefghijABCDEFGHIJ012345';
    expect((await home.nika('dispatch', 'hello', '-i', `who=${secret}`)).code).toBe(0);
    const bus = readFileSync(join(home.dir, '_bus/alpha_bus.jsonl'), 'utf8');
    expect(bus).not.toContain(secret);
    await using queue = await openQueue();
    expect((await taken(queue)).job.inputs).toMatchObject({ who: secret });
  });

  it('refuses where the home cannot be written, and leaves nothing half done', async () => {
    writeFileSync(join(home.dir, '_bus'), 'a file where the folder belongs');
    const { code, stdout, stderr } = await home.nika('dispatch', 'hello', '-i', 'who=you');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('NIKA_DISPATCH_FAILED');
    expect(filesIn('jobs')).toEqual([]);
    expect(filesIn('outbox')).toEqual([]);
    rmSync(join(home.dir, '_bus'));
    rmSync(join(home.dir, 'run/queue'), { recursive: true });
    writeFileSync(join(home.dir, 'run/queue'), 'another');
    const closed = await home.nika('dispatch', 'hello', '-i', 'who=you', '--id', 'JOB-y');
    expect(closed).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('NIKA_DISPATCH_FAILED') });
    expect(home.alpha.map(({ type }) => type)).toEqual(['entity_created', 'job_failed']);
  });
});

/** Runs a command while folders of the home are on a full disk each, in a mount namespace of its own. */
const onFullDisks = (
  folders: readonly string[],
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
) => {
  const each = 'mount -t tmpfs -o size=64k tmpfs "$0/$one" && head -c 1m /dev/zero > "$0/$one/fill" 2>/dev/null';
  const script = `for one in ${folders.join(' ')}; do mkdir -p "$0/$one"; ${each}; done; exec "$@"`;
  const userNamespace = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  return home.start(args, env, ['unshare', '--mount', ...userNamespace, 'sh', '-c', script, home.dir]).ended;
};

describe('nika dispatch on a full disk', () => {
  it('G3: gives the job all the same where only the bus is full, and says that it is', async () => {
    const args = ['dispatch', 'hello', '-i', 'who=you', '--id', 'JOB-x'];
    const { code, stdout, stderr } = await onFullDisks(['_bus'], args);
    expect([code, stdout]).toEqual([0, 'JOB-x\n']);
    expect(stderr).toContain('ENOSPC');
    await using queue = await openQueue();
    expect((await taken(queue)).job.entity).toBe('JOB-x');
  });

  it('says that nobody has it where queue and outbox are full too', async () => {
    const ended = await onFullDisks(['_bus', 'run'], ['dispatch', 'hello', '-i', 'who=you']);
    expect(ended).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('NIKA_DISPATCH_FAILED') });
  });

  it('says that nobody has it where the bus is full and Redis is away: its line would go with the process', async () => {
    const away = { NIKA_REDIS_URL: 'redis://127.0.0.1:1' };
    const ended = await onFullDisks(['_bus'], ['dispatch', 'hello', '-i', 'who=you'], away);
    expect(ended).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('neither bus nor queue') });
    expect(filesIn('outbox')).toEqual([]);
  });
});

describe('nika queue', () => {
  it('lists, shows, cancels and retries; what is cancelled is so on the bus', async () => {
    for (const id of ['JOB-one', 'JOB-two'])
      await home.nika('dispatch', 'hello', '-i', 'who=you', '--id', id, '--delay', id === 'JOB-two' ? '1h' : '0s');
    expect((await home.nika('queue', 'ls')).stdout).toMatch(
      /hello +JOB-one +waiting .*\n.*hello +JOB-two +delayed .* begins in 59m/,
    );
    expect((await home.nika('queue', 'ls', '-q', '--state', 'delayed')).stdout).toBe('JOB-two\n');
    expect(JSON.parse((await home.nika('queue', 'show', 'one', '--json')).stdout)).toMatchObject({
      id: 'JOB-one',
      state: 'waiting',
      inputs: { who: 'you', times: 1 },
    });
    expect((await home.nika('queue', 'retry', 'two')).stdout).toBe('JOB-two waits for a worker\n');
    expect(await home.nika('queue', 'cancel', 'one', '--reason', 'not now')).toMatchObject({ code: 0 });
    expect(home.alpha.at(-1)).toMatchObject({ type: 'job_cancelled', entity: 'JOB-one', data: { reason: 'not now' } });
    expect(await home.nika('queue', 'cancel', 'one')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('NIKA_QUEUE_UNKNOWN'),
    });
    await using queue = await openQueue();
    await taken(queue);
    expect(await home.nika('queue', 'cancel', 'two')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('NIKA_QUEUE_ACTIVE'),
    });
    expect((await home.nika('bus', 'verify')).code).toBe(0);
  });
});

describe('dispatch with Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.open();
  });
  afterAll(() => server[Symbol.asyncDispose]());
  beforeEach(async () => {
    await server.admin.flushall();
  });

  const redisPlace = async () => {
    const link = await openWriter(targetOf(server.url));
    await link.untilReady(2_000);
    return { link, keys: createKeys('') };
  };
  const feed = async (): Promise<readonly FeedChange[]> => {
    const entries = await server.admin.xrange('nika:feed:entities', '-', '+');
    return entries.flatMap(([, flat]) => {
      const pairs = flat.flatMap((name, nth) => (nth % 2 === 0 ? [[name, flat[nth + 1] ?? '']] : []));
      return parseFeedChange(Object.fromEntries(pairs)) ?? [];
    });
  };

  it('G1: says so where Redis is away, keeps the job in the home, and whoever comes next brings it', async () => {
    configure(`redis://127.0.0.1:${await freePort()}`);
    const away = await home.nika('dispatch', 'hello', '-i', 'who=you', '--id', 'JOB-x');
    expect(away).toMatchObject({ code: 0, stdout: 'JOB-x\n' });
    expect(away.stderr).toMatch(/the queue is away \(redis: .*ECONNREFUSED.*\): the job waits in this home/);
    expect(filesIn('outbox')).toEqual(['JOB-x.json']);
    const asked = await home.nika('queue', 'ls');
    expect(asked).toMatchObject({ code: 1, stderr: expect.stringContaining('NIKA_QUEUE_AWAY') });
    configure(server.url);
    await home.nika('dispatch', 'hello', '-i', 'who=me', '--id', 'JOB-y', '--priority', '1');
    await using queue = await openQueue(server.url);
    expect(await statesOf(queue)).toEqual(['JOB-y waiting', 'JOB-x waiting']);
    expect(filesIn('outbox')).toEqual([]);
    expect((await feed()).map(({ entity, event }) => `${entity} ${event}`)).toContain('JOB-y created');
    expect(await flushOutbox({ home: at(), settings: loadSettings(at(), {}), queue })).toBe(0);
  });

  it('G4: what Redis forgot by FLUSHALL is put into the queue again, once, unless it runs or is over', async () => {
    configure(server.url);
    for (const id of ['JOB-a', 'JOB-b', 'JOB-c']) await home.nika('dispatch', 'hello', '-i', 'who=you', '--id', id);
    await using queue = await openQueue(server.url);
    await home.nika('queue', 'cancel', 'JOB-c');
    await server.admin.flushall();
    await server.admin.set('nika:lease:JOB-b', '1796014600329000 held somebody', 'EX', 30);
    const redis = await redisPlace();
    await using _link = redis.link;
    const place = { home: at(), settings: loadSettings(at(), {}), queue, redis };
    expect(await announceWaiting(place)).toEqual({ queued: ['JOB-a'] });
    expect(await announceWaiting(place)).toEqual({ queued: [] });
    expect(await statesOf(queue)).toEqual(['JOB-a waiting']);
  });

  it('what another home ran or cancelled is not put into the queue again, whatever Redis forgets later', async () => {
    configure(server.url);
    for (const id of ['JOB-a', 'JOB-b', 'JOB-c']) await home.nika('dispatch', 'hello', '-i', 'who=you', '--id', id);
    await using queue = await openQueue(server.url);
    await using other = await openQueue(server.url);
    for (let nth = 0; nth < 2; nth += 1) await (await taken(other)).done('fine'); // a and b
    await server.admin.set('nika:lease:JOB-a', '1796014600329000 settled somebody', 'EX', 30);
    await other.cancel('JOB-c');
    const told = { id: 'e3', event: 'cancelled', entity_id: 'JOB-c', meta: '{}', data: '{}' };
    const entry = { ...told, ts: new Date().toISOString() };
    await server.admin.xadd('nika:feed:entities', '*', ...Object.entries(entry).flat());
    const redis = await redisPlace();
    await using _link = redis.link;
    const place = { home: at(), settings: loadSettings(at(), {}), queue, redis };
    expect(await announceWaiting(place)).toEqual({ queued: [] });
    expect(filesIn('dispatched')).toEqual([]);
    await server.admin.flushall();
    expect(await announceWaiting(place)).toEqual({ queued: [] });
  });

  it('what began elsewhere, as Alpha copied it here, and is over by the feed is not put into the queue again', async () => {
    configure(server.url);
    await home.nika('dispatch', 'hello', '-i', 'who=you', '--id', 'JOB-a');
    {
      const place = { home: at(), settings: loadSettings(at(), {}), env: {} };
      await using session = SwarmSession.open({ ...place, kind: 'command', job: 'test' });
      const id = parseEntityId('JOB-a');
      const lineage = { job: 'hello', domain: 'test', intent: 'prove', root_id: id };
      const entity = session.entity(id, undefined, lineage, { state: 'created', rev: 1 });
      entity.transition('in_progress', 'entity_started', {});
    }
    await server.admin.flushall();
    const told = { id: 'e4', event: 'completed', entity_id: 'JOB-a', meta: '{}', data: '{}' };
    const entry = { ...told, ts: new Date().toISOString() };
    await server.admin.xadd('nika:feed:entities', '*', ...Object.entries(entry).flat());
    await using queue = await openQueue(server.url);
    const redis = await redisPlace();
    await using _link = redis.link;
    expect(await announceWaiting({ home: at(), settings: loadSettings(at(), {}), queue, redis })).toEqual({
      queued: [],
    });
    expect(filesIn('dispatched')).toEqual([]);
  });

  it('any program that can XADD gives work; a repeat is harmless, and an old announcement is none', async () => {
    configure(server.url);
    await using queue = await openQueue(server.url);
    const redis = await redisPlace();
    await using _link = redis.link;
    const place = { home: at(), settings: loadSettings(at(), {}), queue, redis };
    const dispatch = { job: 'hello', inputs: { who: 'you' }, priority: 3 };
    const created = (name: string, more: Partial<FeedChange> = {}): FeedChange => ({
      id: crypto.randomUUID(),
      ts: new Date().toISOString(),
      event: 'created',
      entity: parseEntityId(`JOB-${name}`),
      entityType: 'JOB',
      session: '',
      meta: {},
      data: { dispatch },
      ...more,
    });
    expect(await enqueueFromChange(created('a'), place)).toEqual({ kind: 'queued' });
    expect(await enqueueFromChange(created('a'), place)).toEqual({ kind: 'there' });
    expect(await rowOf(queue, 'a')).toMatchObject({
      job: { priority: 3, capability: 'default', inputs: { who: 'you' } },
    });
    expect(await enqueueFromChange(created('b', { data: {} }), place)).toMatchObject({ kind: 'none' });
    expect(await enqueueFromChange(created('b', { data: { dispatch: { job: 'hello' } } }), place)).toMatchObject({
      kind: 'none',
    });
    await server.admin.set('nika:lease:JOB-c', '1796014600329000 settled somebody', 'EX', 30);
    expect(await enqueueFromChange(created('c'), place)).toEqual({ kind: 'stale', why: 'it is over' });
    const ts = new Date(Date.now() - 60_000).toISOString();
    const entry = {
      id: 'e1',
      ts: new Date().toISOString(),
      event: 'completed',
      entity_id: 'JOB-d',
      meta: '{}',
      data: '{}',
    };
    await server.admin.xadd('nika:feed:entities', '*', ...Object.entries(entry).flat());
    expect(await enqueueFromChange(created('d', { ts }), place)).toMatchObject({ kind: 'stale' });
    expect(await enqueueFromChange(created('e', { ts }), place)).toEqual({ kind: 'queued' });
    await home.nika('dispatch', 'hello', '-i', 'who=you', '--id', 'JOB-f', '--delay', '1h');
    await home.nika('queue', 'cancel', 'JOB-f');
    expect(await enqueueFromChange(created('f', { ts }), place)).toMatchObject({ kind: 'stale' });
  });

  it('waits for the end of a job that runs elsewhere by the feed', async () => {
    configure(server.url);
    const waiting = home.start(['dispatch', 'hello', '-i', 'who=you', '--id', 'JOB-z', '--wait']);
    await waiting.printed('JOB-z');
    const data = JSON.stringify({ from: 'in_progress', to: 'failed', error: 'no luck' });
    const entry = { id: 'e2', ts: new Date().toISOString(), event: 'failed', entity_id: 'JOB-z', meta: '{}', data };
    await server.admin.xadd('nika:feed:entities', '*', ...Object.entries(entry).flat());
    const stderr = expect.stringMatching(/no worker offers default now.*\nJOB-z failed: no luck\n$/);
    expect(await waiting.ended).toMatchObject({ code: 1, stderr });
  });
});

describe('an agent', () => {
  it('gives the swarm a job below its own, no more at a time than it may', async () => {
    addHostJob(home);
    writeFileSync(join(home.dir, 'config/nika.yaml'), 'mcp: { maxChildren: 1 }\n');
    await using agent: McpAgent = await openInside(home, 'JOB-parent');
    const told = await agent.call('dispatch', { job: 'hello', inputs: { who: 'you' }, id: 'JOB-child', priority: 4 });
    expect(told).toEqual({ isError: false, text: expect.stringMatching(/^JOB-child waits for a worker/) });
    await using queue = await openQueue();
    expect(await rowOf(queue, 'child')).toMatchObject({
      job: { parent: 'JOB-parent', root: 'JOB-parent', priority: 4 },
    });
    const more = await agent.call('dispatch', { job: 'hello', inputs: { who: 'you' } });
    expect(more).toMatchObject({ isError: true, text: expect.stringContaining('mcp.maxChildren: 1') });
    expect((await agent.call('dispatch', { job: 'hello', delay: 'soon' })).text).toContain('delay is a time');
  });
});
