import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Doer, Hearer } from '../fixtures/signal-pods.ts';
import { addHostJob, openInside } from '../mcp.ts';
import { TestHome } from '../nika.ts';
import { endPods, recordOf, until } from '../pods.ts';
import { RedisServer } from '../servers/redis.ts';

let server: RedisServer;
let home: TestHome;
const env = () => ({ NIKA_REDIS_URL: server.url });

beforeAll(async () => {
  server = await RedisServer.open();
});
afterAll(async () => server[Symbol.asyncDispose]());
beforeEach(async () => {
  await server.admin.flushall();
  home = new TestHome();
});
afterEach(async () => {
  await endPods(home);
  home[Symbol.dispose]();
});

type Fields = Readonly<Record<string, string>>;
const streamOf = async (job: string): Promise<readonly Fields[]> =>
  (await server.admin.xrange(`nika:ipc:${job}`, '-', '+')).map(([, list]) =>
    Object.fromEntries(list.flatMap((name, at) => (at % 2 === 0 ? [[name, list[at + 1] ?? '']] : []))),
  );
const signalsOnBus = (job: string) =>
  home.lines(`channels/${job}.jsonl`).flatMap(({ type, data }) => (type === 'signal' ? [data] : []));
const codes = (done: readonly { readonly code?: string }[]) => done.map(({ code }) => code);
const SECRET = 'AWS_SECRET_ACCESS_KEY=abcdefghijklmnopqrstuvwxyz0123456789abcd';

describe('pods with Redis', () => {
  it('G2, G5, G7: a signal is whole on the wire and redacted on the bus, and its key has a time to live', async () => {
    const [hearer, doer] = [new Hearer(home, 'JOB-b', env()), new Doer(home, 'JOB-a', env())];
    await hearer.untilReady();
    const sent = await doer.do('send', 'JOB-b', 'plan', { text: SECRET });
    expect(sent.value).toMatchObject({ via: 'redis' });
    const [heard] = await hearer.untilHeard(1);
    expect(heard).toMatchObject({ kind: 'signal', name: 'plan', body: { text: SECRET }, from: 'JOB-a' });
    const [entry] = await streamOf('JOB-b');
    expect(entry).toMatchObject({ id: heard?.id, kind: 'signal', name: 'plan', from: 'JOB-a', to: 'JOB-b' });
    expect(JSON.parse(entry?.['meta'] ?? '')).toMatchObject({ entity_id: 'JOB-a', job: 'doer' });
    expect(signalsOnBus('JOB-a')).toEqual([
      {
        kind: 'signal',
        name: 'plan',
        body: { text: expect.not.stringContaining('abcdefghij') },
        signal_id: heard?.id,
        from: 'JOB-a',
        to: 'JOB-b',
      },
    ]);
    await server.mustHaveTtls();
    await doer.end();
  });

  it('hear what was sent before they listened, in the order of each sender, each once', async () => {
    const doers = [new Doer(home, 'JOB-a', env()), new Doer(home, 'JOB-c', env())];
    const done = await Promise.all(doers.map((doer) => doer.do('many', 'JOB-b', 'count', 150)));
    expect(done.map(({ value }) => value)).toEqual([150, 150]);
    const hearer = await new Hearer(home, 'JOB-b', env()).untilReady();
    await Promise.all(doers.map((doer) => doer.do('many', 'JOB-b', 'count', 150)));
    const heard = await hearer.untilHeard(600);
    const numbers = Array.from({ length: 150 }, (_, at) => at);
    for (const { id } of doers) {
      expect(heard.filter(({ from }) => from === id).map(({ body }) => body)).toEqual([...numbers, ...numbers]);
    }
    expect(heard.length).toBe(600);
    await Promise.all(doers.map((doer) => doer.end()));
  });

  it('ask and are answered, refused, let wait, told that nobody is there; each with its code', async () => {
    const [hearer, doer] = [new Hearer(home, 'JOB-b', env()), new Doer(home, 'JOB-a', env())];
    await hearer.untilReady();
    expect((await doer.do('request', 'JOB-b', 'echo', { n: [1, null] })).value).toEqual({ n: [1, null] });
    expect(await doer.do('request', 'JOB-b', 'refuse', 1)).toMatchObject({
      code: 'NIKA_SIGNAL_REFUSED',
      error: 'not today',
    });
    const late = await doer.do('request', 'JOB-b', 'silence', 1, { deadline: '400ms' });
    expect(late.code).toBe('NIKA_SIGNAL_LATE');
    expect(late.ms).toBeLessThan(2_000);
    doer.tell('request', 'JOB-nobody', 'echo', 1);
    doer.tell('send', 'JOB-b', 'long', 'x'.repeat(40_000));
    doer.tell('send', '../x', 'bad');
    doer.tell('request', 'JOB-b', 'echo', 1, { deadline: 'soon' });
    const done = await doer.untilDone();
    expect(codes(done.slice(3))).toEqual([
      'NIKA_SIGNAL_NO_JOB',
      'NIKA_SIGNAL_BODY',
      'NIKA_MODEL_BAD_ID',
      'NIKA_SIGNAL_DEADLINE',
    ]);
    expect(done[4]?.error).toMatch(/40002 bytes of JSON; 32768 are allowed: put it into working memory or a file/);
    expect((await doer.do('leave', 'JOB-b', 'slow', 'still heard', { deadline: '10s' })).value).toBe('still heard');
    expect((await doer.do('request', 'JOB-b', 'twice')).value).toBe(1);
    await until('the second answer to be refused', () => hearer.heard.at(-1)?.name === 'NIKA_SIGNAL_NO_REQUEST');
    await doer.end();
  });

  it('are told when who was asked ends, or is killed, in the middle', async () => {
    const [hearer, doer] = [new Hearer(home, 'JOB-b', env()), new Doer(home, 'JOB-a', env())];
    await hearer.untilReady();
    doer.tell('request', 'JOB-b', 'end', 1, { deadline: '20s' });
    const [ended] = await doer.untilDone();
    expect(ended).toMatchObject({ code: 'NIKA_SIGNAL_OVER', error: 'the pod ended without an answer' });
    const other = await new Hearer(home, 'JOB-c', env()).untilReady();
    doer.tell('request', 'JOB-c', 'silence', 1, { deadline: '20s' });
    await other.untilHeard(1);
    process.kill(other.pid, 'SIGKILL');
    const [, killed] = await doer.untilDone();
    expect(killed).toMatchObject({ code: 'NIKA_SIGNAL_OVER', error: 'JOB-c ended (lost) without an answer' });
    expect(killed?.ms).toBeLessThan(8_000);
    expect((await doer.do('request', 'JOB-c', 'echo', 1)).code).toBe('NIKA_SIGNAL_OVER');
    await doer.end();
  });

  it('of two hosts, as two homes, talk over one Redis', async () => {
    using far = new TestHome();
    const [hearer, doer] = [new Hearer(far, 'JOB-b', env()), new Doer(home, 'JOB-a', env())];
    await hearer.untilReady();
    expect((await doer.do('request', 'JOB-b', 'echo', 'far')).value).toBe('far');
    expect((await doer.do('send', 'JOB-b', 'end')).value).toMatchObject({ via: 'redis' });
    expect((await hearer.running.ended).code).toBe(0);
    await doer.end();
  });

  it('hear in a further attempt what no earlier one has heard', async () => {
    const hearer = await new Hearer(home, 'JOB-b', env(), 'retry: { attempts: 2, backoff: 10ms }').untilReady();
    const doer = new Doer(home, 'JOB-a', env());
    for (const name of ['one', 'fall', 'two', 'end']) await doer.do('send', 'JOB-b', name);
    expect((await hearer.running.ended).code).toBe(0);
    expect(hearer.heard.map(({ name }) => name)).toEqual(['one', 'fall', 'two', 'end']);
    expect(recordOf(home, 'JOB-b')?.attempt).toBe(2);
    await doer.end();
  });
});

describe('a job with review', () => {
  it('hears in its next round what no earlier one has heard', async () => {
    const first = await new Hearer(home, 'JOB-b', env(), 'review: required\n').untilReady();
    const doer = new Doer(home, 'JOB-a', env());
    for (const name of ['one', 'end']) await doer.do('send', 'JOB-b', name);
    expect((await first.running.ended).code).toBe(4);
    const rejected = await home.start(['review', 'reject', 'JOB-b', '--reason', 'again'], env()).ended;
    expect(rejected.code).toBe(0);
    for (const name of ['two', 'end']) await doer.do('send', 'JOB-b', name);
    await until(
      'the second round',
      () => recordOf(home, 'JOB-b')?.end?.status === 'awaiting_review' && recordOf(home, 'JOB-b')?.attempt === 2,
    );
    expect(first.heard.map(({ name }) => name)).toEqual(['one', 'end', 'two', 'end']);
    await doer.end();
  });
});

describe('pods without Redis', () => {
  it('talk straight, as far as there is somebody in the home', async () => {
    const [hearer, doer] = [new Hearer(home, 'JOB-b', {}), new Doer(home, 'JOB-a', {})];
    await hearer.untilReady();
    expect((await doer.do('send', 'JOB-b', 'plan', 1)).value).toMatchObject({ via: 'home' });
    expect((await doer.do('request', 'JOB-b', 'echo', 'x')).value).toBe('x');
    doer.tell('many', 'JOB-b', 'count', 100);
    doer.tell('request', 'JOB-b', 'silence', 1, { deadline: 300 });
    doer.tell('send', 'JOB-nobody', 'x');
    doer.tell('request', 'JOB-nobody', 'x');
    doer.tell('request', 'JOB-b', 'end');
    const done = await doer.untilDone();
    expect(codes(done.slice(3))).toEqual([
      'NIKA_SIGNAL_LATE',
      'NIKA_SIGNAL_NO_JOB',
      'NIKA_SIGNAL_NO_JOB',
      'NIKA_SIGNAL_OVER',
    ]);
    const counted = hearer.heard.filter(({ name }) => name === 'count').map(({ body }) => body);
    expect(counted).toEqual(Array.from({ length: 100 }, (_, at) => at));
    await doer.end();
  });
});

describe('people and agents', () => {
  it('send, ask and follow from the command line; the copy stands in the channel of who was meant', async () => {
    const hearer = await new Hearer(home, 'JOB-b', env()).untilReady();
    const nika = (...args: readonly string[]) => home.start(['signal', ...args], env()).ended;
    expect(await nika('send', 'JOB-b', 'plan', '--body', `"${SECRET}"`, '--json')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\{"to":"JOB-b","signal_id":"[0-9a-f-]{36}","via":"redis"\}\n$/),
    });
    const asked = await nika('send', 'b', 'echo', '--body', '{"a":1}', '--request', '--deadline', '5s');
    expect([asked.code, asked.stdout, asked.stderr]).toEqual([0, '{"a":1}\n', '']);
    expect((await nika('send', 'JOB-b', 'silence', '--request', '--deadline', '300ms')).code).toBe(3);
    expect(hearer.heard[0]).toMatchObject({ name: 'plan', body: SECRET });
    expect(hearer.heard[0]).not.toHaveProperty('from');
    expect(JSON.stringify(signalsOnBus('JOB-b'))).not.toContain('abcdefghij');
    const tailed = await nika('tail', 'JOB-b');
    expect(tailed.stdout.split('\n').map((row) => row.replace(/^\S+ +/, '').slice(0, 30))).toEqual([
      expect.stringMatching(/^signal +outside +plan/),
      expect.stringMatching(/^request +outside +echo/),
      expect.stringMatching(/^answer +JOB-b +echo/),
      expect.stringMatching(/^request +outside +silence/),
      '',
    ]);
    const local = await home.start(['signal', 'tail', 'JOB-b', '--json']).ended;
    expect(local.stderr).toContain('local only');
    const rows = local.stdout
      .trim()
      .split('\n')
      .map((row) => JSON.parse(row) as { readonly name: string });
    expect(rows.map(({ name }) => name)).toEqual(['plan', 'echo', 'echo', 'silence']);
  });

  it('an agent in a pod asks, hears and answers by its tools', async () => {
    addHostJob(home);
    await using agent = await openInside(home, 'JOB-agent');
    const [hearer, doer] = [new Hearer(home, 'JOB-b', {}), new Doer(home, 'JOB-a', {})];
    await hearer.untilReady();
    expect(await agent.call('signal', { to: 'b', name: 'echo', body: [1], request: true })).toEqual({
      isError: false,
      text: 'JOB-b answered: [1]',
    });
    expect((await agent.call('signals')).text).toBe('None.');
    doer.tell('request', 'JOB-agent', 'ready?', 'now', { deadline: '20s' });
    const { text } = await agent.call('signals', { wait_s: 20 });
    const [, id] = /^request (\S+) \(answer it with reply_to\) from JOB-a: ready\?: "now"$/.exec(text) ?? [];
    expect((await agent.call('signal', { reply_to: id, body: 'yes' })).text).toBe('Answered.');
    expect((await doer.untilDone()).at(-1)?.value).toBe('yes');
    await doer.end();
  });
});
