import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createChain } from '../../src/bus/chain.ts';
import { BusWriter } from '../../src/bus/writer.ts';
import { writeCursor } from '../../src/recorder/reconcile/feed-cursor.ts';
import { diagnose } from '../doctor.ts';
import { holdsIoredis, loadedFiles, loadHookOption } from '../fixtures/loaded-files.ts';
import { tellLine } from '../fixtures/told-bus.ts';
import { TestHome } from '../nika.ts';
import { recordOf, running, until, untilTool } from '../pods.ts';

const WITHIN_MS = 3000;

/** A home in which one pod has run. */
const usedHome = async (): Promise<TestHome> => {
  const home = new TestHome();
  const { code } = await home.nika('run', '--', 'true');
  expect(code).toBe(0);
  return home;
};

const writerIn = (home: TestHome): BusWriter =>
  BusWriter.open({
    busDir: join(home.dir, '_bus'),
    runDir: join(home.dir, 'run'),
    chain: createChain(),
    segmentBytes: 1e9,
    backlog: { maxCount: 100, maxBytes: 1e6 },
  });

/** Sockets of other tests are none of ours. */
const ownSockets = (home: TestHome): Record<string, string> => {
  const dir = join(home.dir, 'rt');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  return { XDG_RUNTIME_DIR: dir };
};

describe('nika doctor', () => {
  it('finds nothing wrong where nothing is, and changes nothing', async () => {
    using home = await usedHome();
    const before = home.alpha.length;
    const { code, wrong, of, tookMs } = await diagnose(home);
    expect([code, wrong]).toEqual([0, []]);
    expect(tookMs).toBeLessThan(WITHIN_MS);
    expect(of('node.version')?.says).toContain(process.versions.node);
    expect(of('home.dir')).toMatchObject({ status: 'ok', says: `${home.dir} (named by NIKA_HOME)` });
    expect(of('home.modes')?.status).toBe('ok');
    expect(of('home.writable')?.status).toBe('ok');
    expect(of('config.settings')?.status).toBe('ok');
    expect(of('bus.size')?.says).toMatch(/kB in 2 files$/);
    expect(of('disk.free')?.says).toContain('too young for a forecast');
    expect(of('record.dropped')?.says).toContain('(1 session ended)');
    expect(of('pods.records')?.says).toBe('none runs');
    expect(home.alpha.length).toBe(before);
  });

  it('calls a Redis and a Qdrant that nobody asked for a choice, and does not load the client', async () => {
    using home = new TestHome();
    const log = join(home.dir, 'loaded');
    const off = await diagnose(home, { NODE_OPTIONS: loadHookOption(log) });
    expect(off.of('redis.reach')).toMatchObject({ status: 'info', says: expect.stringContaining('not configured') });
    expect(off.of('qdrant.reach')?.status).toBe('info');
    expect(off.code).toBe(0);
    expect(loadedFiles(log).length).toBeGreaterThan(0);
    expect(loadedFiles(log).filter(holdsIoredis)).toEqual([]);
    await diagnose(home, { NODE_OPTIONS: loadHookOption(log), NIKA_REDIS_URL: 'redis://127.0.0.1:1' });
    expect(loadedFiles(log).filter(holdsIoredis).length).toBeGreaterThan(0); // the check itself sees it
  });

  it('shows the same to a person: by area, with marks, a remedy, a verdict; colours only where they are wanted', async () => {
    using home = new TestHome();
    writeFileSync(join(home.dir, 'config/nika.yaml'), 'bus: { segmentBytes: 12 }\n');
    const plain = await home.nika('doctor');
    expect(plain.code).toBe(1);
    expect(plain.stdout).toMatch(/^Node {4}✓ [\d.]+ .*\n/);
    expect(plain.stdout).toMatch(/\nConfig {2}✗ .*nika\.yaml:1:22: bus\.segmentBytes: .*\n {10}→ .*\n/);
    expect(plain.stdout).toMatch(/\nRedis {3}· /);
    expect(plain.stdout).toMatch(/\n\n1 thing is wrong(?:; \d could be better)?\.\n$/);
    expect(plain.stdout).not.toContain('\u001B');
    const coloured = await home.start(['doctor'], { FORCE_COLOR: '1' }).ended;
    expect(coloured.stdout).toContain('\u001B[31m✗');
    const asked = await home.start(['doctor'], { FORCE_COLOR: '1', NO_COLOR: '1' }).ended;
    expect(asked.stdout).not.toContain('\u001B');
  });

  it('names every mistake in the settings, and looks at all else', async () => {
    using home = await usedHome();
    writeFileSync(join(home.dir, 'config/nika.yaml'), 'bus: { segmentBytes: 12 }\nlimits: { podss: 3 }\n');
    const { code, findings, of } = await diagnose(home);
    const mistakes = findings.filter(({ id, status }) => id === 'config.settings' && status === 'wrong');
    expect(mistakes.map(({ says }) => says)).toEqual([
      expect.stringContaining('nika.yaml:1:22: bus.segmentBytes'),
      expect.stringContaining('nika.yaml:2:11: limits.podss'),
    ]);
    expect(mistakes.every(({ remedy }) => remedy !== undefined)).toBe(true);
    expect(of('redis.reach')?.says).toContain('settings must be valid first');
    expect(of('bus.size')?.status).toBe('ok');
    expect(code).toBe(1);
  });

  it('names jobs that cannot be started, a key of the chain that is not there, a home that is not there', async () => {
    using home = new TestHome();
    writeFileSync(join(home.dir, 'config/jobs/broken.yaml'), 'name: broken\nsteps: 3\n');
    writeFileSync(join(home.dir, 'config/nika.yaml'), 'bus: { keyFile: missing.key }\n');
    const { code, of } = await diagnose(home);
    expect(of('config.jobs')).toMatchObject({ status: 'degraded', remedy: 'See what: nika job check broken' });
    expect(of('config.settings')).toMatchObject({ status: 'wrong', says: expect.stringContaining('missing.key') });
    expect(code).toBe(1);
    const away = await diagnose(home, { NIKA_HOME: join(home.dir, 'misspelt') });
    expect(away.wrong).toEqual(['home.dir']);
    expect(away.of('home.dir')?.remedy).toContain('nika init --home');
  });

  it('says which folder of the home cannot be written to', async () => {
    using home = await usedHome();
    const logs = join(home.dir, 'logs');
    if (process.getuid?.() === 0) {
      rmSync(logs, { recursive: true });
      writeFileSync(logs, ''); // root may write everywhere, but not into a file
    } else chmodSync(logs, 0o500);
    const { code, of } = await diagnose(home);
    expect(of('home.writable')).toMatchObject({ status: 'wrong', says: expect.stringContaining(logs) });
    expect(of('home.writable')?.remedy).toContain('pods run without a record');
    expect(code).toBe(1);
    if (process.getuid?.() !== 0) chmodSync(logs, 0o700);
  });

  it('says what others may look into', async () => {
    using home = await usedHome();
    chmodSync(join(home.dir, '_bus/alpha_bus.jsonl'), 0o644);
    chmodSync(join(home.dir, 'run'), 0o755);
    const { code, of } = await diagnose(home);
    expect(of('home.modes')).toMatchObject({
      status: 'degraded',
      says: 'others may look into _bus/alpha_bus.jsonl, run',
      remedy: `chmod -R go= ${join(home.dir, '_bus')} ${join(home.dir, 'run')}`,
    });
    expect(code).toBe(0);
  });

  it('finds a torn tail, and says that nothing acknowledged is lost', async () => {
    using home = await usedHome();
    appendFileSync(join(home.dir, '_bus/alpha_bus.jsonl'), '{"ts":"2026-11-20T11:27:0');
    const { code, of } = await diagnose(home);
    expect(of('bus.torn')).toMatchObject({ status: 'degraded', says: expect.stringContaining('alpha_bus.jsonl') });
    expect(of('bus.torn')?.remedy).toContain('nika bus verify');
    expect(code).toBe(0);
  });

  it('finds a pod that died without a word, and the socket that it left; the remedy helps', async () => {
    using home = new TestHome();
    const env = ownSockets(home);
    home.job('sleeper', '  - tool: shell\n    input: { command: "sleep 600" }');
    await home.start(['pod', 'start', 'sleeper', '-d', '--id', 'JOB-sleeper'], env).ended;
    const { process: pod } = await untilTool(home, 'JOB-sleeper');
    process.kill(pod.pid, 'SIGKILL');
    await until('the pod to be gone', () => !running(`/proc/${pod.pid}/`).includes(pod.pid) && !isThere(pod.pid));
    const { code, of, tookMs } = await diagnose(home, env);
    expect(of('pods.lost')).toMatchObject({ status: 'wrong', says: expect.stringContaining('JOB-sleeper') });
    expect(of('pods.lost')?.remedy).toContain('nika pod ls');
    expect(of('pods.sockets')?.says).toContain(recordOf(home, 'JOB-sleeper')?.socket);
    expect(code).toBe(1);
    expect(tookMs).toBeLessThan(WITHIN_MS);
    await home.start(['pod', 'ls'], env).ended;
    const after = await diagnose(home, env);
    expect([after.code, after.wrong]).toEqual([0, []]);
  });

  it('tells what was dropped and delayed since yesterday, and nothing of what was before (G3)', async () => {
    using home = await usedHome();
    const hoursAgo = (hours: number): string => new Date(Date.now() - hours * 3_600_000).toISOString();
    const end = (at: string, entity: string, dropped: Readonly<Record<string, number>>) =>
      ({ at, entity, type: 'session_end_summary', data: { outcome: 'completed', dropped } }) as const;
    {
      using writer = writerIn(home);
      tellLine(writer, end(hoursAgo(30), 'JOB-old', { bus_lines_dropped: 1000 }));
      tellLine(writer, end(hoursAgo(3), 'JOB-three', { bus_lines_dropped: 3, bodies_cut: 0 }));
      tellLine(writer, end(hoursAgo(2), 'JOB-two', { bus_lines_dropped: 4, log_entries_dropped: 1 }));
      const counts = { buffered: 40, replayed: 30, dropped: 10 };
      const span = { since: hoursAgo(2), until: hoursAgo(1) };
      tellLine(writer, {
        entity: 'JOB-two',
        type: 'outage',
        data: { service: 'redis', cause: 'ECONNREFUSED', ...span, ...counts },
      });
    }
    const { code, of } = await diagnose(home);
    expect(of('record.dropped')).toMatchObject({
      status: 'wrong',
      says: 'since yesterday, in JOB-two, JOB-three: 7 lines of the bus were lost, 1 entry of the log was lost',
      counts: { bus_lines_dropped: 7, log_entries_dropped: 1 },
    });
    expect(of('record.dropped')?.remedy).toContain('nika pod show JOB-two');
    expect(of('record.outage-redis')).toMatchObject({
      status: 'degraded',
      says: expect.stringMatching(
        /^redis could not be used once since yesterday, 3600 s in all, .*\(ECONNREFUSED\): 40 held back, 30 written afterwards, 10 dropped$/,
      ),
    });
    expect(code).toBe(1);
  });

  it('names models without a price, of which nobody knows what they cost', async () => {
    using home = await usedHome();
    {
      using writer = writerIn(home);
      const counts = { input_tokens: 5, cache_read_tokens: 0, cache_write_tokens: 0, output_tokens: 0 };
      const used = { scope: 'run', model: 'mine', ...counts, cost_usd: null, cost_from: 'nobody' };
      const priced = { ...used, model: 'gpt-6-sol', cost_usd: 1, cost_from: 'prices' };
      const data = { outcome: 'completed', dropped: {}, usage: [used, priced] };
      tellLine(writer, { entity: 'JOB-used', type: 'session_end_summary', data });
    }
    const { of } = await diagnose(home);
    expect(of('record.prices')).toMatchObject({
      status: 'info',
      says: '5 tokens since yesterday of models without a price: mine',
      remedy: expect.stringContaining('"prices" in config/nika.yaml'),
    });
  });

  it('does not count what a session held back from Redis once the bus was compared after its end', async () => {
    using home = await usedHome();
    const hourAgo = new Date(Date.now() - 3_600_000).toISOString();
    const dropped = { redis_transitions_held_back: 5 };
    {
      using writer = writerIn(home);
      tellLine(writer, {
        at: hourAgo,
        entity: 'JOB-held',
        type: 'session_end_summary',
        data: { outcome: 'completed', dropped },
      });
    }
    const compareUpTo = (sinceMs: number): void =>
      writeCursor(join(home.dir, 'run'), { v: 1, target: 'x', place: null, sinceMs, feedId: null, atMs: Date.now() });
    const before = await diagnose(home);
    expect(before.of('record.dropped')).toMatchObject({ status: 'degraded', counts: dropped });
    expect(before.of('record.dropped')?.remedy).toContain('nika reconcile');
    compareUpTo(Date.parse(hourAgo) - 1000); // up to what a session that lives has not told
    expect((await diagnose(home)).of('record.dropped')?.counts).toEqual(dropped);
    compareUpTo(Date.now());
    expect((await diagnose(home)).of('record.dropped')?.status).toBe('ok');
  });

  it.each([
    ['run/', 'run/pods/hung.json', ['pods.late']],
    ['the settings', 'config/nika.yaml', ['home.late', 'bus.late', 'redis.late', 'qdrant.late']],
  ])(
    'answers and ends within 3 s where a disk hangs under %s, with all else that it found (G9)',
    async (_, file, late) => {
      using home = await usedHome();
      rmSync(join(home.dir, file), { force: true });
      execFileSync('mkfifo', [join(home.dir, file)]); // whoever opens it waits for ever
      const { code, wrong, of, tookMs } = await diagnose(home);
      expect(tookMs).toBeLessThan(WITHIN_MS);
      expect(late).toEqual(expect.arrayContaining([...wrong])); // the last ones may have begun late, and prove nothing then
      expect(late.map((id) => of(id)?.id)).toEqual(late);
      expect(of(late[0] ?? '')?.status).toBe('wrong');
      expect(of(late[0] ?? '')?.says).toContain('no answer within 1500 ms');
      expect(of('record.dropped')?.status).toBe('ok');
      expect(code).toBe(1);
    },
  );
});

const isThere = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
