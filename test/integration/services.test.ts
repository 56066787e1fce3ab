import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RedisTarget } from '../../src/config/redis/redis-settings.ts';
import { openWriter } from '../../src/redis/link.ts';
import { redisService } from '../../src/services/redis-service.ts';
import { startService } from '../../src/services/start-service.ts';
import { binary } from '../nika.ts';
import { until } from '../pods.ts';
import { listeningOf, ServiceHome, shownByProcesses } from '../service-home.ts';

const LOOPBACK = '0100007F';

const targetOf = (home: ServiceHome): RedisTarget => {
  const { redis } = home.settings();
  if (redis.kind === 'off') throw new Error('the settings name no Redis');
  return redis;
};

const isAlive = (pid: number): boolean => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return !['Z', 'X'].includes(stat.slice(stat.lastIndexOf(')') + 2)[0] ?? 'X');
};

/** A PATH on which a program takes some seconds to begin. */
const slowly = (home: ServiceHome, program: string, seconds: number): string => {
  const dir = join(home.home.dir, 'slow');
  const path = process.env['PATH'] ?? '';
  mkdirSync(dir);
  const script = `#!/bin/sh\nsleep ${seconds}\nPATH='${path}' exec ${program} "$@"\n`;
  writeFileSync(join(dir, program), script, { mode: 0o755 });
  return `${dir}:${path}`;
};

describe('nika up', () => {
  it('starts a Redis that outlives the command, and that the settings of the home, and so its pods, find', async () => {
    await using home = new ServiceHome();
    expect(home.settings().redis).toEqual({ kind: 'off' });
    const { code, stdout } = await home.nika('up', '--redis');
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/✓ {2}redis {2}redis:\/\/127\.0\.0\.1:\d+ {2}started in /),
    ]);
    await using link = await openWriter(targetOf(home));
    expect(await link.untilReady(5000)).toBe(true);
    expect(await link.call({ name: 'PING', args: [] })).toEqual({ kind: 'done', value: 'PONG' });
    const policy = await link.call({ name: 'CONFIG', args: ['GET', 'maxmemory-policy'] });
    expect(JSON.stringify(policy)).toContain('noeviction');
    expect(await home.nika('run', '--', 'true')).toMatchObject({ code: 0 });
    expect(await link.call({ name: 'EXISTS', args: ['nika:feed:entities'] })).toEqual({ kind: 'done', value: 1 });
    const { pid } = home.state('redis').process;
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    expect(Number(fields[3])).toBe(pid); // a session of its own: no terminal's end reaches it
  });

  it('listens on loopback alone and serves nobody without the secret, which nobody is shown', async () => {
    await using home = new ServiceHome();
    const told = await home.nika('up', '--redis');
    const again = await home.nika('up', '--redis', '--json');
    const status = await home.nika('up', '--status', '--json');
    const { port, process: server } = home.state('redis');
    expect(listeningOf(server.pid)).toEqual([`${LOOPBACK}:${port}`]);
    const { password: _, ...open } = targetOf(home);
    await using link = await openWriter(open);
    expect(await link.untilReady(300)).toBe(false);
    expect(JSON.stringify(link.status)).toMatch(/NOAUTH/);
    const secret = home.secret('redis');
    expect(secret.length).toBeGreaterThan(30);
    const shown = [told, again, status].map(({ stdout, stderr }) => stdout + stderr).join('\n');
    const { log } = home.state('redis');
    const note = readFileSync(join(home.runDir, 'services/redis.json'), 'utf8');
    for (const text of [shown, readFileSync(log, 'utf8'), note, shownByProcesses(), JSON.stringify(home.settings())])
      expect(text).not.toContain(secret);
    const modes = ['', 'redis', 'redis/data', 'redis/secret', 'redis/redis.conf', 'redis/redis.log', 'redis.json'].map(
      (path) => (statSync(join(home.runDir, 'services', path)).mode & 0o777).toString(8),
    );
    expect(modes).toEqual(['700', '700', '700', '600', '600', '600', '600']);
    expect(readdirSync(join(home.runDir, 'services')).toSorted()).toEqual(['redis', 'redis.json']);
  });

  it('starts one only, also when five are told at once, and then says that it ran already', async () => {
    await using home = new ServiceHome();
    const options = { runDir: home.runDir, cwd: home.home.cwd, env: process.env, serviceEnv: {} };
    const start = async () => (await startService(redisService, options)).kind;
    const [one, other, ...kinds] = await Promise.all([
      home.json('up', '--redis'),
      home.json('up', '--redis'),
      ...[1, 2, 3].map(start),
    ]);
    const { pid } = home.state('redis').process;
    expect([one['pid'], other['pid']]).toEqual([pid, pid]);
    const all = [one['outcome'], other['outcome'], ...kinds];
    expect(all.filter((kind) => kind === 'started').length).toBe(1);
    expect(all.filter((kind) => kind === 'running').length).toBe(4);
    expect(home.servers('redis')).toEqual([pid]);
    const { code, stdout } = await home.nika('up', '--redis');
    expect([code, stdout]).toEqual([0, expect.stringContaining('ran already, for ')]);
  });

  it('G4: starts one that was killed again, on its data, where a pod that lives finds it by itself', async () => {
    await using home = new ServiceHome();
    await home.nika('up', '--redis');
    await using link = await openWriter(targetOf(home));
    await link.untilReady(5000);
    await link.call({ name: 'SET', args: ['kept', 'yes'] });
    await link.call({ name: 'WAITAOF', args: [1, 0, 2000] }); // on disk, where the server knows how to wait for that
    await until('the write to be in the file', () =>
      readFileSync(join(home.runDir, 'services/redis/data/appendonlydir/appendonly.aof.1.incr.aof'), 'utf8').includes(
        'kept',
      ),
    );
    const first = home.state('redis').process.pid;
    process.kill(first, 'SIGKILL');
    await until('it to be gone', () => home.servers('redis').length === 0);
    expect(await home.json('up', '--status', '--redis')).toMatchObject({ status: 'died', pid: first });
    expect((await home.nika('up', '--status')).stdout).toMatch(/redis +✗ died/);
    expect(home.settings().redis).toEqual({ kind: 'off' });
    expect(await home.json('up', '--redis')).toMatchObject({ outcome: 'started' });
    expect(home.state('redis').process.pid).not.toBe(first);
    expect(await link.untilReady(5000)).toBe(true);
    expect(await link.call({ name: 'GET', args: ['kept'] })).toEqual({ kind: 'done', value: 'yes' });
  });

  it.each([true, false])(
    'leaves it running when called from within a pod, and that ends (cgroup: %s)',
    async (cgroup) => {
      await using home = new ServiceHome();
      writeFileSync(join(home.home.dir, 'config/nika.yaml'), `pods: { cgroup: ${cgroup} }`);
      const env = { PATH: slowly(home, 'redis-server', 1.2) }; // so that the pod sees it among its processes
      const { code, stderr } = await home.home.start(['run', '--', process.execPath, binary, 'up', '--redis'], env)
        .ended;
      expect(code).toBe(0);
      expect(stderr).toContain('waiting until redis serves …');
      expect(await home.json('up', '--status', '--redis')).toMatchObject({ status: 'running' });
    },
  );

  it('says what is missing and how it is installed: an error for what was named', async () => {
    await using home = new ServiceHome();
    const env = { PATH: join(home.home.dir, 'nothing') };
    const { code, stderr } = await home.home.start(['up', '--redis'], env).ended;
    expect(code).toBe(1);
    expect(stderr).toContain('redis was not started: neither redis-server nor valkey-server is on the PATH');
    expect(stderr).toContain('sudo apt-get install redis-server');
    const { stdout } = await home.home.start(['up', '--redis', '--json'], env).ended;
    expect(JSON.parse(stdout)).toMatchObject([{ service: 'redis', outcome: 'missing' }]);
    expect(readdirSync(home.home.dir)).not.toContain('run'); // and left nothing
  });

  it('says which folder cannot be written', async () => {
    await using home = new ServiceHome();
    mkdirSync(home.runDir);
    writeFileSync(join(home.runDir, 'services'), 'a file where the folder should be');
    const { code, stderr } = await home.nika('up', '--redis');
    expect([code, stderr]).toEqual([1, expect.stringMatching(/redis does not serve: .*run\/services.*--home/s)]);
  });

  it('shows the end of the log of one that cannot start, and keeps no note of it as running', async () => {
    await using home = new ServiceHome();
    mkdirSync(join(home.runDir, 'services/redis/data'), { recursive: true });
    writeFileSync(join(home.runDir, 'services/redis/data/appendonlydir'), 'a file where the folder should be');
    const { code, stderr } = await home.nika('up', '--redis');
    expect(code).toBe(1);
    expect(stderr).toMatch(/it ended at once, with exit code 1[^]*\| .*append-only[^]*Its log: .*redis\.log/);
    expect(await home.json('up', '--status', '--redis')).toMatchObject({ status: 'stopped' });
  });

  it('starts none beside one that works on the same data without a note', async () => {
    await using home = new ServiceHome();
    await home.nika('up', '--redis');
    const { pid } = home.state('redis').process;
    rmSync(join(home.runDir, 'services/redis.json'));
    const { code, stderr } = await home.nika('up', '--redis');
    expect([code, stderr]).toEqual([1, expect.stringContaining(`process ${pid} works on its data`)]);
    expect(home.servers('redis')).toEqual([pid]);
  });

  it('lets an explicit setting win, and says so', async () => {
    await using home = new ServiceHome();
    await home.nika('up', '--redis');
    const env = { NIKA_REDIS_URL: 'redis://10.9.8.7:6379' };
    expect(home.settings(env).redis).toMatchObject({ at: { host: '10.9.8.7' } });
    const { stderr } = await home.home.start(['up', '--redis'], env).ended;
    expect(stderr).toContain('pods of this home do not use the Redis that runs here: NIKA_REDIS_URL is set');
    writeFileSync(join(home.home.dir, 'config/nika.yaml'), 'redis: { url: redis://10.9.8.6:6379 }');
    expect(home.settings().redis).toMatchObject({ at: { host: '10.9.8.6' } });
    expect((await home.nika('up', '--redis')).stderr).toContain('config/nika.yaml names another Redis');
  });

  it('starts nothing where the settings have a mistake', async () => {
    await using home = new ServiceHome();
    writeFileSync(join(home.home.dir, 'config/nika.yaml'), 'redis: { url: nonsense }');
    expect((await home.nika('up', '--redis')).code).toBe(2);
    expect(home.servers('redis')).toEqual([]);
  });
});

describe('nika down', () => {
  it('ends it and keeps its data, so that the next up has them; nothing running is no error', async () => {
    await using home = new ServiceHome();
    expect(await home.nika('down')).toMatchObject({ code: 0, stdout: '– redis does not run\n– qdrant does not run\n' });
    await home.nika('up', '--redis');
    const { port } = home.state('redis');
    {
      await using link = await openWriter(targetOf(home));
      await link.untilReady(5000);
      await link.call({ name: 'SET', args: ['kept', 'yes'] });
    }
    const { code, stdout } = await home.nika('down', '--redis');
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^✓ redis ended in .*; its data stay\n$/)]);
    expect(home.servers('redis')).toEqual([]);
    expect(home.settings().redis).toEqual({ kind: 'off' });
    expect(await home.json('up', '--status')).toMatchObject({ status: 'stopped' });
    await home.nika('up', '--redis');
    expect(home.state('redis').port).toBe(port);
    await using link = await openWriter(targetOf(home));
    await link.untilReady(5000);
    expect(await link.call({ name: 'GET', args: ['kept'] })).toEqual({ kind: 'done', value: 'yes' });
  });

  it('kills one that hangs, after 10 s', async () => {
    await using home = new ServiceHome();
    await home.nika('up', '--redis');
    process.kill(home.state('redis').process.pid, 'SIGSTOP');
    expect(await home.json('up', '--status', '--redis')).toMatchObject({ status: 'hung' });
    const { code, stdout, stderr } = await home.nika('down', '--redis');
    expect([code, stdout, stderr]).toEqual([
      0,
      expect.stringContaining('killed: it did not end by itself'),
      'waiting until redis ends …\n',
    ]);
    expect(home.servers('redis')).toEqual([]);
  });

  it('leaves a process alone that has the pid of one that died', async () => {
    await using home = new ServiceHome();
    await home.nika('up', '--redis');
    const state = home.state('redis');
    process.kill(state.process.pid, 'SIGKILL');
    await until('it to be gone', () => home.servers('redis').length === 0);
    const other = spawn('sleep', ['600'], { stdio: 'ignore' });
    await once(other, 'spawn');
    const pid = other.pid ?? 0;
    try {
      const note = { ...state, process: { ...state.process, pid, start_ticks: '1' } };
      writeFileSync(join(home.runDir, 'services/redis.json'), JSON.stringify(note));
      expect(home.settings().redis).toEqual({ kind: 'off' });
      const { code, stdout } = await home.nika('down', '--redis');
      expect([code, stdout]).toEqual([0, expect.stringContaining('redis had died before')]);
      expect(isAlive(pid)).toBe(true);
      expect(await home.json('up', '--redis')).toMatchObject({ outcome: 'started' });
      expect(isAlive(pid)).toBe(true);
    } finally {
      const gone = once(other, 'exit');
      other.kill('SIGKILL');
      await gone;
    }
  });
});
