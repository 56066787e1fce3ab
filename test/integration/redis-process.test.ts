import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { holdsIoredis, loadedFiles, loadHookOption } from '../fixtures/loaded-files.ts';
import { TestHome } from '../nika.ts';
import { Proxy } from '../servers/proxy.ts';
import { freePort, RedisServer } from '../servers/redis.ts';

const holder = join(import.meta.dirname, '../programs/redis-holder.ts');

interface Run {
  readonly code: number | null;
  readonly output: string;
  /** From its last word until it was gone. */
  readonly lingeredMs: number;
}

const run = async (url: string, what: string): Promise<Run> => {
  const child = spawn(process.execPath, [holder, url, what], { stdio: ['ignore', 'pipe', 'pipe'] });
  const guard = setTimeout(() => child.kill('SIGKILL'), 10_000);
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  child.stderr.on('data', (chunk) => (output += String(chunk)));
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(guard);
  const [from = 0, to = 0] = [...output.matchAll(/^\w+ (\d+)$/gm)].map(([, ms]) => Number(ms));
  return { code, output, lingeredMs: to - from };
};

describe.concurrent('L3: a process that has a link and nothing left to do', () => {
  it.each(['idle', 'call', 'close'])('ends at once when Redis is well: %s', async (what) => {
    await using server = await RedisServer.open();
    const { code, output, lingeredMs } = await run(server.url, what);
    expect(output).toMatch(what === 'close' ? /^closed/ : /^ready/);
    expect(code).toBe(0);
    expect(lingeredMs).toBeLessThan(200);
  });

  it.each(['idle', 'fail', 'close'])('ends at once when no Redis is there, and writes nothing: %s', async (what) => {
    const { code, output, lingeredMs } = await run(`redis://127.0.0.1:${await freePort()}`, what);
    expect(output).toMatch(/^(down|closed) \d+\nended \d+\n$/);
    expect(code).toBe(0);
    expect(lingeredMs).toBeLessThan(200);
  });

  it.each([
    ['close', 200],
    ['idle', 2500], // the silence after which ioredis gives up the connection; its timer cannot be reached
  ])('ends when Redis takes the connection and never answers: %s', async (what, withinMs) => {
    await using server = await RedisServer.open();
    await using proxy = await Proxy.open(server.port);
    proxy.set({ kind: 'silent' });
    const { code, lingeredMs } = await run(proxy.url, what);
    expect(code).toBe(0);
    expect(lingeredMs).toBeLessThan(withinMs);
  });
});

describe('commands that need no Redis', () => {
  let home: TestHome;

  beforeAll(async () => {
    home = new TestHome();
    home.job('one', '  - { id: one, tool: shell, input: { command: echo hello } }');
    await home.nika('pod', 'start', 'one', '--id', 'JOB-one');
  });
  afterAll(() => home[Symbol.dispose]());

  it.each([
    'version',
    '--help',
    'completion bash',
    'job list',
    'job show one',
    'tree',
    'tree JOB-one',
    'pod ls',
    'pod ls --all',
    'pod show JOB-one',
    'pod result JOB-one',
    'pod logs JOB-one',
    'pod wait JOB-one',
    'pod stop --all',
    'pod prune --dry-run',
    'bus verify',
    'bus show JOB-one',
    'bus grep hello',
    'bus tail',
    'bus heads',
    'up --status',
    'down',
  ])('do not load its client, also where one is configured: nika %s', async (command) => {
    const log = join(home.dir, `loaded-${command.replaceAll(' ', '-')}`);
    const env = { NODE_OPTIONS: loadHookOption(log), NIKA_REDIS_URL: 'redis://127.0.0.1:1' };
    const { code, stderr } = await home.start(command.split(' '), env).ended;
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('rror')]);
    const files = loadedFiles(log);
    expect(files.length).toBeGreaterThan(0);
    expect(files.filter(holdsIoredis)).toEqual([]);
  });

  it('are told from those that do: the check itself finds the client', async () => {
    using home = new TestHome();
    const log = join(home.dir, 'loaded');
    const child = spawn(process.execPath, [holder, 'redis://127.0.0.1:1', 'close'], {
      env: { ...process.env, NODE_OPTIONS: loadHookOption(log) },
      stdio: 'ignore',
    });
    await once(child, 'close');
    expect(loadedFiles(log).filter(holdsIoredis).length).toBeGreaterThan(0);
  });
});
