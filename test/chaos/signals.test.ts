import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Doer, Hearer } from '../fixtures/signal-pods.ts';
import { TestHome } from '../nika.ts';
import { endPods, recordOf, until } from '../pods.ts';
import { RedisServer } from '../servers/redis.ts';

let server: RedisServer;
let home: TestHome;
let far: TestHome;
const env = () => ({ NIKA_REDIS_URL: server.url });

beforeEach(async () => {
  server = await RedisServer.open();
  home = new TestHome();
  far = new TestHome();
});
afterEach(async () => {
  await Promise.all([endPods(home), endPods(far)]);
  await server[Symbol.asyncDispose]();
  home[Symbol.dispose]();
  far[Symbol.dispose]();
});

const bodies = (heard: readonly { readonly name: string; readonly body?: unknown }[]): readonly unknown[] =>
  heard.filter(({ name }) => name === 'count').map(({ body }) => body);
const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at);
const bodiesInRedis = async (job: string): Promise<readonly unknown[]> =>
  (await server.admin.xrange(`nika:ipc:${job}`, '-', '+')).map(([, fields]) =>
    JSON.parse(fields[fields.indexOf('body') + 1] ?? ''),
  );
const droppedOf = (job: string): unknown => recordOf(home, job)?.beat.dropped;

describe('signals between pods, while Redis', () => {
  it('G4: is emptied: what living pods sent is brought again, and nobody hears it twice', async () => {
    const [hearer, doer] = [new Hearer(far, 'JOB-b', env()), new Doer(home, 'JOB-a', env())];
    await hearer.untilReady();
    await doer.do('many', 'JOB-b', 'count', 50);
    await hearer.untilHeard(50);
    await server.admin.flushall();
    await until('all of them to be in Redis again', async () => (await bodiesInRedis('JOB-b')).length === 50);
    expect(await bodiesInRedis('JOB-b')).toEqual(numbers(50));
    await server.mustHaveTtls();
    await server.admin.flushall();
    expect((await doer.do('request', 'JOB-b', 'echo', 'again')).value).toBe('again');
    expect(bodies(hearer.heard)).toEqual(numbers(50));
    await doer.end();
  });

  it('G1, G3, G4: hangs: a send waits for a second at most, and goes straight or is held; it is heard once, in order', async () => {
    const [here, there] = [new Hearer(home, 'JOB-here', env()), new Hearer(far, 'JOB-there', env())];
    const doer = new Doer(home, 'JOB-a', env());
    await Promise.all([here.untilReady(), there.untilReady()]);
    for (const job of ['JOB-here', 'JOB-there']) await doer.do('request', job, 'echo', 1);
    server.stop();
    const first = await doer.do('send', 'JOB-here', 'count', 0);
    expect(first.value).toMatchObject({ via: 'home' });
    expect(first.ms).toBeLessThan(2_500);
    const held = await doer.do('send', 'JOB-there', 'count', 0);
    expect(held.value).toMatchObject({ via: 'held' });
    for (const job of ['JOB-here', 'JOB-there']) await doer.do('many', job, 'count', 20);
    expect((await doer.do('request', 'JOB-here', 'echo', 'straight')).value).toBe('straight');
    const away = await doer.do('request', 'JOB-there', 'silence', 1, { deadline: '500ms' });
    expect(away).toMatchObject({ code: 'NIKA_SIGNAL_UNSENT' });
    expect(away.ms).toBeLessThan(2_500);
    await until('what is held to be told', () => JSON.stringify(droppedOf('JOB-a')).includes('signals_held_back'));
    server.cont();
    await until('all to be heard', () => bodies(there.heard).length === 21);
    await until('Redis to have all', async () => (await bodiesInRedis('JOB-here')).length >= 23);
    for (const { heard } of [here, there]) expect(bodies(heard)).toEqual([0, ...numbers(20)]);
    expect(here.heard.filter(({ name }) => name === 'echo').length).toBe(2);
    await doer.end();
  });

  it('G4: was not there, and comes: what is held is brought, and pods of other homes are reached', async () => {
    await server.kill();
    const [hearer, doer] = [new Hearer(far, 'JOB-b', env()), new Doer(home, 'JOB-a', env())];
    await hearer.untilReady();
    expect((await doer.do('send', 'JOB-b', 'count', 0)).value).toMatchObject({ via: 'held' });
    await server.start();
    expect((await doer.do('request', 'JOB-b', 'echo', 'there', { deadline: '20s' })).value).toBe('there');
    expect(bodies(hearer.heard)).toEqual([0]);
    await doer.end();
  });
});
