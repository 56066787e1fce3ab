import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestHome } from '../nika.ts';
import { endPods, recordOf, recordsOf, running, until, untilStatus, untilTool } from '../pods.ts';

let home: TestHome;
beforeEach(() => {
  home = new TestHome();
});
afterEach(async () => {
  await endPods(home);
  home[Symbol.dispose]();
});

const typesOf = (lines: readonly { readonly type: string }[]): readonly string[] => lines.map(({ type }) => type);
const sleep = (marker: string): string => `  - { tool: shell, input: { argv: [sleep, "${marker}"] } }`;

/** A number of seconds that no other process sleeps. */
const ownSleep = (): string => `30${String(Math.random()).slice(1, 12)}`;

describe('a pod in the background', () => {
  it('prints its id, goes on without the terminal, and tells how it ended', async () => {
    home.job('two', '  - { tool: shell, input: { command: "sleep 0.3; echo done" } }');
    const started = await home.nika('pod', 'start', 'two', '-d', '--id', 'JOB-two');
    expect(started).toMatchObject({ code: 0, stdout: 'JOB-two\n', stderr: '' });
    expect(await home.nika('pod', 'wait', 'JOB-two')).toMatchObject({ code: 0, stdout: '' });
    expect(await home.nika('pod', 'result', 'two')).toMatchObject({ code: 0, stdout: 'done\n' });
    expect(typesOf(home.lines('channels/JOB-two.jsonl'))).toEqual([
      'entity_created',
      'session_start',
      'entity_started',
      'tool_call',
      'job_completed',
      'session_end_summary',
    ]);
  });

  it('is refused at once where the job, an input or the id is wrong, and leaves nothing', async () => {
    home.job('ok', '  - { tool: shell, input: { argv: ["true"] } }');
    for (const args of [['nix'], ['ok', '-i', 'a=1'], ['ok', '--id', 'TASK-x'], ['ok', '--parent', 'JOB-nobody']]) {
      const { code, stdout, stderr } = await home.nika('pod', 'start', '-d', ...args);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(/NIKA_\w+/);
    }
    await home.nika('pod', 'start', 'ok', '--id', 'JOB-taken');
    const taken = await home.nika('pod', 'start', 'ok', '-d', '--id', 'JOB-taken');
    expect([taken.code, taken.stderr]).toEqual([2, expect.stringContaining('NIKA_ENTITY_EXISTS')]);
    expect(recordsOf(home).map(({ entity }) => entity)).toEqual(['JOB-taken']);
  });

  it('is listed while it runs, with what it does, and afterwards only with --all', async () => {
    const marker = ownSleep();
    home.job('long', sleep(marker));
    await home.nika('pod', 'start', 'long', '-d', '--id', 'JOB-long');
    await untilTool(home, 'JOB-long');
    const { stdout } = await home.nika('pod', 'ls', '--json');
    expect(JSON.parse(stdout)).toEqual([
      expect.objectContaining({
        id: 'JOB-long',
        job: 'long',
        session: expect.stringMatching(/^[0-9a-f-]{36}$/),
        status: 'running',
        pid: recordOf(home, 'JOB-long')?.process.pid,
        host: expect.any(String),
        started_at: expect.stringMatching(/^20\d\d-/),
        last_tool: expect.objectContaining({ tool: 'shell', what: `sleep ${marker}`, running: true }),
        calls: 0,
        errors: 0,
      }),
    ]);
    expect((await home.nika('pod', 'ls')).stdout).toMatch(/^long +long +● running/m);
    expect((await home.nika('pod', 'stop', 'long', '--reason', 'enough')).code).toBe(0);
    expect((await home.nika('pod', 'ls')).stdout).toContain('No pod runs now (1 ended');
    expect((await home.nika('pod', 'ls', '--all')).stdout).toMatch(/^long +long +⊘ cancelled/m);
    expect(running(marker)).toEqual([]);
    const [cancelled] = home.lines('channels/JOB-long.jsonl').filter(({ type }) => type === 'job_cancelled');
    expect(cancelled?.data['reason']).toBe('interrupted by SIGTERM: enough');
    expect(recordOf(home, 'JOB-long')?.end).toMatchObject({ status: 'cancelled', exit_code: 143 });
  });

  it('is waited for: all of them, any of them, at most so long', async () => {
    home.job('fail', '  - { tool: shell, input: { argv: ["false"] } }');
    home.job('ok', '  - { tool: shell, input: { argv: ["true"] } }');
    home.job('long', sleep(ownSleep()));
    for (const name of ['fail', 'ok', 'long']) await home.nika('pod', 'start', name, '-d', '--id', `JOB-${name}`);
    expect((await home.nika('pod', 'wait', 'JOB-ok', 'JOB-fail')).code).toBe(1);
    const any = await home.nika('pod', 'wait', '--any', 'JOB-long', 'JOB-ok');
    expect([any.code, any.stdout]).toEqual([0, 'JOB-ok completed 0\n']);
    const late = await home.nika('pod', 'wait', 'JOB-long', '--timeout', '200ms', '--json');
    expect([late.code, JSON.parse(late.stdout)]).toEqual([3, { id: 'JOB-long', status: 'running', exit_code: null }]);
  });
});

describe('the room of the host', () => {
  it('a pod waits for its turn where as many run as limits.pods allows, or is refused', async () => {
    writeFileSync(join(home.dir, 'config/nika.yaml'), 'limits: { pods: 1 }\n');
    home.job('long', sleep(ownSleep()));
    home.job('ok', '  - { tool: shell, input: { argv: ["true"] } }');
    await home.nika('pod', 'start', 'long', '-d', '--id', 'JOB-first');
    await untilTool(home, 'JOB-first');
    const queued = await home.nika('pod', 'start', 'ok', '-d', '--id', 'JOB-second');
    expect([queued.code, queued.stdout]).toEqual([0, 'JOB-second\n']);
    expect(queued.stderr).toContain('queued: 1 pod runs on this host already');
    expect((await home.nika('pod', 'show', 'JOB-second')).stdout).toMatch(/starting[^]*1 pod runs on this host/);
    const refused = await home.nika('pod', 'start', 'ok', '--no-wait');
    expect([refused.code, refused.stderr]).toEqual([3, expect.stringContaining('NIKA_POD_LIMIT')]);
    expect((await home.nika('pod', 'stop', 'JOB-first')).code).toBe(0);
    expect((await home.nika('pod', 'wait', 'JOB-second')).code).toBe(0);
  });
});

describe('a pod that is held', () => {
  it('makes no tool call while it is paused, and its time limit stands still', async () => {
    const steps = Array.from({ length: 60 }, () => '  - { tool: shell, input: { argv: [sleep, "0.05"] } }').join('\n');
    home.job('many', steps, 'timeout: 20s\nlimits: { wall: 30s }');
    await home.nika('pod', 'start', 'many', '-d', '--id', 'JOB-many');
    await untilTool(home, 'JOB-many');
    expect((await home.nika('pod', 'pause', 'many')).stdout).toBe('JOB-many paused\n');
    const record = await untilStatus(home, 'JOB-many', 'paused');
    const callsOf = (): number =>
      home.lines('channels/JOB-many.jsonl').filter(({ type }) => type === 'tool_call').length;
    await until('the call that ran to end', () => record.beat.last_tool?.running === false || callsOf() > 0);
    const before = await until('calls to stand still', () => {
      const count = callsOf();
      return recordOf(home, 'JOB-many')?.beat.last_tool?.running === false && { count };
    });
    await home.nika('pod', 'ls');
    expect(callsOf()).toBe(before.count);
    expect((await home.nika('pod', 'unpause', 'many')).stdout).toBe('JOB-many running\n');
    expect((await home.nika('pod', 'wait', 'many')).code).toBe(0);
    expect(callsOf()).toBe(60);
  });

  it('does not use up its limit of wall time while it is paused', async () => {
    const file = join(home.cwd, 'go');
    home.job(
      'wait',
      `  - { tool: shell, input: { command: "until [ -e ${file} ]; do sleep 0.02; done" } }
  - { tool: shell, input: { argv: ["true"] } }`,
      'limits: { wall: 3s }',
    );
    await home.nika('pod', 'start', 'wait', '-d', '--id', 'JOB-wait');
    await untilTool(home, 'JOB-wait');
    await home.nika('pod', 'pause', 'wait');
    await until('more time than the limit to pass', () => {
      const record = recordOf(home, 'JOB-wait');
      return record !== undefined && Date.now() - Date.parse(record.started_at) > 4_000;
    });
    writeFileSync(file, '');
    await home.nika('pod', 'unpause', 'wait');
    expect((await home.nika('pod', 'wait', 'wait')).code).toBe(0);
  });

  it('stops its program by SIGSTOP while it is paused, and goes on showing signs of life', async () => {
    const file = join(home.cwd, 'ticks');
    await home.nika(
      'run',
      '-d',
      '--id',
      'JOB-ticks',
      '--',
      'sh',
      '-c',
      `while :; do echo x >> ${file}; sleep 0.02; done`,
    );
    await until('ticks', () => existsSync(file));
    await home.nika('pod', 'pause', 'JOB-ticks');
    const paused = await untilStatus(home, 'JOB-ticks', 'paused');
    const size = readFileSync(file).byteLength;
    const later = await until('another sign of life', () => {
      const record = recordOf(home, 'JOB-ticks');
      return record !== undefined && record.beat.mono_ms > paused.beat.mono_ms && record;
    });
    expect(later.beat.status).toBe('paused');
    expect(readFileSync(file).byteLength).toBe(size);
    await home.nika('pod', 'unpause', 'JOB-ticks');
    await until('more ticks', () => readFileSync(file).byteLength > size);
    expect((await home.nika('pod', 'stop', 'JOB-ticks', '--grace', '1s')).code).toBe(0);
  });
});
