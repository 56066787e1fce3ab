import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { until } from '../pods.ts';
import { ServiceHome } from '../service-home.ts';

const cli = (url: string, ...args: readonly string[]): string =>
  execFileSync('redis-cli', ['-u', url, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();

it('prints its URL with the secret for scripts, and nothing else; where none runs it starts none', async () => {
  await using home = new ServiceHome();
  const before = await home.nika('up', '--url');
  expect(before).toMatchObject({ code: 1, stdout: '', stderr: 'nika: redis does not run; see nika up --status\n' });
  expect(home.servers('redis')).toEqual([]);
  await home.nika('up', '--redis');
  const { code, stdout, stderr } = await home.nika('up', '--url');
  const url = `redis://default:${home.secret('redis')}@127.0.0.1:${home.state('redis').port}`;
  expect([code, stdout, stderr]).toEqual([0, `${url}\n`, '']);
  expect(cli(stdout.trim(), 'ping')).toBe('PONG');
  expect(home.settings({ NIKA_REDIS_URL: url }).redis).toMatchObject({ at: { port: home.state('redis').port } });
  expect((await home.nika('up', '--url', '--status')).code).toBe(2);
  expect((await home.nika('up', '--url', '--qdrant')).stdout).toBe('');
});

it('says that it has another port and another secret, where another program has the port by now', async () => {
  await using home = new ServiceHome();
  await home.nika('up', '--redis');
  const { port } = home.state('redis');
  const secret = home.secret('redis');
  await home.nika('down');
  const other = createServer().listen(port, '127.0.0.1');
  await once(other, 'listening');
  try {
    const { code, stderr } = await home.nika('up', '--redis');
    expect([code, stderr]).toEqual([
      0,
      `Note: port ${port} is another program's now: redis has a new port and a new secret; what still uses the old ones does not find it.\n`,
    ]);
    expect(home.state('redis').port).not.toBe(port);
    expect(home.secret('redis')).not.toBe(secret);
  } finally {
    other.close();
    await once(other, 'close');
  }
  const moved = home.state('redis').port;
  await home.nika('down');
  expect((await home.nika('up', '--redis')).stderr).toBe('');
  expect(home.state('redis').port).toBe(moved);
});

it('takes a prefix, which stands before every key of its pods', async () => {
  await using home = new ServiceHome();
  const env = { NIKA_REDIS_PREFIX: 'team-a' };
  expect((await home.home.start(['up', '--redis'], env).ended).code).toBe(0);
  expect(home.settings(env).redis).toMatchObject({ kind: 'on', prefix: 'team-a:' });
  expect((await home.home.start(['run', '--', 'true'], env).ended).code).toBe(0);
  const url = (await home.nika('up', '--url')).stdout.trim();
  expect(cli(url, 'exists', 'team-a:nika:feed:entities')).toBe('1');
  expect(cli(url, 'exists', 'nika:feed:entities')).toBe('0');
});

it('says that it died where its Redis is asked for, which is wrong; ended by nika down it is not', async () => {
  await using home = new ServiceHome();
  const never = await home.nika('reconcile');
  expect([never.code, never.stdout]).toEqual([0, expect.stringContaining('and "nika up" runs none for this home')]);
  await home.nika('up', '--redis');
  expect((await home.nika('up', '--status')).code).toBe(0);
  process.kill(home.state('redis').process.pid, 'SIGKILL');
  await until('it to be gone', () => home.servers('redis').length === 0);
  expect((await home.nika('up', '--status')).code).toBe(1);
  expect((await home.nika('up', '--url')).stderr).toContain('redis died');
  const { code, stderr } = await home.nika('reconcile');
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/the Redis that "nika up" started for this home died; start it again, .*: nika up --redis/),
  ]);
  expect((await home.nika('pod', 'ls', '--all-hosts')).stderr).toContain('other hosts are not shown: the Redis that');
  await home.nika('down');
  expect((await home.nika('up', '--status')).code).toBe(0);
  expect((await home.nika('reconcile')).code).toBe(0);
  expect((await home.nika('pod', 'ls', '--all-hosts')).stderr).toContain('and "nika up" runs none for this home');
});
