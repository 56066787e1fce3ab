import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestHome } from '../nika.ts';
import { endPods, until } from '../pods.ts';
import { RedisServer } from '../servers/redis.ts';

let server: RedisServer;
let home: TestHome;
beforeAll(async () => {
  server = await RedisServer.open();
  home = new TestHome();
});
afterAll(async () => {
  await endPods(home);
  home[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

const digest = async (from: TestHome, url: string): Promise<string> => {
  const { stdout, code } = await from.start(['alpha', 'digest'], { NIKA_REDIS_URL: url }).ended;
  expect(code).toBe(0);
  return stdout;
};

it('a pod of another home of the same Redis is told with its host', async () => {
  using other = new TestHome();
  home.job('long', '  - { tool: shell, input: { command: "sleep 300" } }');
  const env = { NIKA_REDIS_URL: server.url };
  await home.start(['pod', 'start', 'long', '-d', '--id', 'JOB-long'], env).ended;
  const told = await until('it to be told', async () => {
    const text = await digest(other, server.url);
    return text.includes('JOB-long') && text;
  });
  expect(told).toMatch(/JOB-long long, .*on \S+/);
});

it('G1: is told without it, and says so, where Redis is away or hangs', async () => {
  expect(await digest(home, 'redis://127.0.0.1:1')).toContain(
    'other hosts are not told of: redis: connect ECONNREFUSED',
  );
  server.stop();
  const fromMs = performance.now();
  const text = await digest(home, server.url);
  expect(performance.now() - fromMs).toBeLessThan(10_000);
  server.cont();
  expect(text).toContain('other hosts are not told of');
  expect(text).toContain('long long, ');
});
