import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { packageRoot } from '../../src/config/package-root.ts';
import { qdrantService } from '../../src/services/qdrant-service.ts';
import { until } from '../pods.ts';
import { RedisServer } from '../servers/redis.ts';
import { listeningOf, ServiceHome, shownByProcesses } from '../service-home.ts';

/** npm brings the binary for Linux on x64 alone; elsewhere one may be on the PATH. */
const hasQdrant = qdrantService.find({ cwd: packageRoot(), env: process.env }) !== undefined;

describe.skipIf(!hasQdrant)('nika up --qdrant', () => {
  const ask = async (home: ServiceHome, path: string, init: RequestInit = {}): Promise<number> => {
    const { status, body } = await fetch(`${home.state('qdrant').url}${path}`, init);
    await body?.cancel();
    return status;
  };

  it('listens on loopback alone, and serves nobody without the key, which nobody is shown', async () => {
    await using home = new ServiceHome();
    const { code, stdout, stderr } = await home.nika('up', '--qdrant');
    expect([code, stdout]).toEqual([0, expect.stringMatching(/qdrant {2}http:\/\/127\.0\.0\.1:\d+ {2}started in /)]);
    const { port, log, process: server } = home.state('qdrant');
    expect(listeningOf(server.pid)).toEqual([`0100007F:${port}`]); // no gRPC either
    expect(await ask(home, '/collections')).toBe(401);
    const key = home.secret('qdrant');
    expect(await ask(home, '/collections', { headers: { 'api-key': key } })).toBe(200);
    for (const text of [stdout + stderr, readFileSync(log, 'utf8'), shownByProcesses()])
      expect(text).not.toContain(key);
  });

  it('starts one that was killed again, with its data at the same port, and ends it', async () => {
    await using home = new ServiceHome();
    await home.nika('up', '--qdrant');
    const { port, process: first } = home.state('qdrant');
    const headers = { 'api-key': home.secret('qdrant'), 'content-type': 'application/json' };
    const body = JSON.stringify({ vectors: { size: 4, distance: 'Dot' } });
    expect(await ask(home, '/collections/kept', { method: 'PUT', headers, body })).toBe(200);
    process.kill(first.pid, 'SIGKILL');
    await until('it to be gone', () => home.servers('qdrant').length === 0);
    expect(await home.json('up', '--status', '--qdrant')).toMatchObject({ status: 'died' });
    expect(await home.json('up', '--qdrant')).toMatchObject({ outcome: 'started', port });
    expect(await ask(home, '/collections/kept', { headers })).toBe(200);
    expect(await home.nika('down', '--qdrant')).toMatchObject({ code: 0 });
    expect(home.servers('qdrant')).toEqual([]);
  });

  it('without flags starts what is there, and what is missing is no error', async () => {
    await using home = new ServiceHome();
    const { code, stdout, stderr } = await home.home.start(['up'], { PATH: '/nothing' }).ended;
    expect([code, stdout, stderr]).toEqual([
      0,
      expect.stringContaining('qdrant  http://127.0.0.1:'),
      expect.stringContaining('– redis was not started: neither redis-server nor valkey-server is on the PATH'),
    ]);
  });
});

it('a real Redis takes the configuration of the compose file', async () => {
  const text = readFileSync(join(packageRoot(), 'config/compose.yaml'), 'utf8');
  const { configs } = parse(text) as { configs: { redis: { content: string } } };
  const lines = configs.redis.content.replaceAll(/\$\{[^}]+\}/g, 'abc123').split('\n');
  const config = lines.filter((line) => !line.startsWith('dir ')); // that of the container
  await using server = await RedisServer.open({ config, password: 'abc123' });
  expect(await server.admin.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
  expect(await server.admin.config('GET', 'appendonly')).toEqual(['appendonly', 'yes']);
});
