import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BusWriter } from '../../src/bus/writer.ts';
import { TempBus } from '../fixtures/temp-bus.ts';
import { tellCall, tellLine, tellState } from '../fixtures/told-bus.ts';
import { binary, type Ended, TestHome } from '../nika.ts';

let home: TestHome;
let bus: TempBus;
let writer: BusWriter;
beforeEach(() => {
  home = new TestHome();
  bus = new TempBus();
  writer = bus.open();
});
afterEach(() => {
  writer[Symbol.dispose]();
  home[Symbol.dispose]();
  bus[Symbol.dispose]();
});

const nika = (...args: readonly string[]): Promise<Ended> => home.nika(...args, '--home', bus.dir);

const second = (n: number): string => new Date(Date.UTC(2026, 3, 12, 10, 0, n)).toISOString();
const JOB = 'JOB-20260412-aaaabbbb';

const writeJob = (): void => {
  const meta = { job: 'audit', domain: 'hooks', intent: 'refactor' };
  const ofTask = { ...meta, parent_id: JOB, root_id: JOB };
  tellState(writer, JOB, 'created', { at: second(0), meta });
  tellLine(writer, { entity: JOB, type: 'session_start', data: { kind: 'pod', cwd: '/w' }, at: second(0), meta });
  tellState(writer, JOB, 'in_progress', { at: second(1), meta });
  tellState(writer, 'TASK-t', 'created', { at: second(2), meta: ofTask, data: { name: 'look around' } });
  tellCall(writer, 'TASK-t', 'ls -la', { at: second(3), meta: ofTask });
  const failed = {
    tool_name: 'shell',
    ok: false,
    duration_ms: 2000,
    tool_input: { command: 'make' },
    error: 'Exit code 2',
  };
  tellCall(writer, 'TASK-t', '', { at: second(5), meta: ofTask, data: failed });
  tellState(writer, 'TASK-t', 'completed', { at: second(6), meta: ofTask });
  tellLine(writer, { entity: JOB, type: 'note', data: { text: 'a note' }, at: second(7), meta });
  tellState(writer, JOB, 'completed', { at: second(8), meta, data: { result: { gist: 'all is well' } } });
  const ended = { outcome: 'completed', exit_code: 0, duration_ms: 8000, calls: 2, errors: 1, dropped: {} };
  tellLine(writer, { entity: JOB, type: 'session_end_summary', data: ended, at: second(8), meta });
  tellState(writer, JOB, 'failed', { at: second(9), meta, data: { error: 'too late' } });
};

describe('nika bus grep', () => {
  it('shows what it finds in order of time, one line each, and ends with 0', async () => {
    writeJob();
    const { code, stdout, stderr } = await nika('bus', 'grep', 'shell');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.split('\n')).toEqual([
      '2026-04-12T10:00:03.000Z  TASK t          tool_call            shell ls -la, 12 ms',
      '2026-04-12T10:00:05.000Z  TASK t          tool_call            shell make: Exit code 2, 2.0 s',
      '',
    ]);
  });

  it('ends with 1 where nothing is found, and with 2 and a remedy where it is asked wrongly', async () => {
    writeJob();
    expect(await nika('bus', 'grep', 'nowhere')).toMatchObject({ code: 1, stdout: '' });
    expect(await nika('bus', 'grep', '(')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('"(" is not a regular expression: Unterminated group'),
    });
    expect(await nika('bus', 'grep', 'x', '--since', 'yesterday')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--since does not know the time "yesterday"'),
    });
    expect(await nika('bus', 'grep', 'x', '--status', 'fine')).toMatchObject({ code: 2 });
    expect(await nika('bus', 'grep', 'x', '--since', '1d', '--until', '2d')).toMatchObject({ code: 2 });
    expect(await nika('bus', 'grep', 'x', '--entity', 'nobody')).toMatchObject({ code: 2 });
    expect(await home.nika('bus', 'grep', 'x', '--home', `${bus.dir}/nowhere`)).toMatchObject({ code: 2 });
  });

  it('asks by time, entity, type, domain, intent and status, and counts each event once', async () => {
    writeJob();
    const count = async (...args: readonly string[]): Promise<string> =>
      (await nika('bus', 'grep', '', '--count', ...args)).stdout.trim();
    expect(await count()).toBe('11');
    expect(await count('--since', '2026-04', '--until', '2026-04')).toBe('11');
    expect(await count('--since', '2026-04-12T10:00:05Z', '--until', '2026-04-12T10:00:07Z')).toBe('3');
    expect(await count('--entity', 'aaaa')).toBe('7');
    expect(await count('--type', 'tool_call', '--status', 'failed')).toBe('1');
    expect(await count('--domain', 'hooks', '--intent', 'refactor')).toBe('11');
    expect(await count('--domain', 'other')).toBe('0');
    expect(await count('--entity-type', 'JOB')).toBe('7');
    expect(await count('--type', 'job_completed', '--entity-type', 'task')).toBe('1');
    expect(await count('--limit', '4')).toBe('4');
  });

  it('stops when so many were found', async () => {
    for (let n = 0; n < 30; n += 1) tellCall(writer, 'JOB-1', `call-${n}`, { at: second(n) });
    const { stdout } = await nika('bus', 'grep', 'call-', '-n', '3');
    expect(stdout.match(/call-\d+/g)).toEqual(['call-0', 'call-1', 'call-2']);
    expect(await nika('bus', 'grep', 'x', '-n', 'few')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--limit takes a number, not "few"'),
    });
    expect(await nika('bus', 'grep', 'x', '--entity-type', 'POD')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('It is one of PROJ, JOB, TASK, SUB.'),
    });
  });

  it('asks back where a type that it does not know is on no line', async () => {
    writeJob();
    tellLine(writer, { entity: 'JOB-1', type: 'telepathy', data: {} });
    const { code, stderr } = await nika('bus', 'grep', '', '--type', 'job_faild');
    expect([code, stderr]).toEqual([1, 'nika: no line has the type "job_faild"; did you mean job_failed?\n']);
    expect(await nika('bus', 'grep', '', '--type', 'telepathy')).toMatchObject({ code: 0, stderr: '' });
    expect(await nika('bus', 'grep', '', '--type', 'review_request')).toMatchObject({ code: 1, stderr: '' });
    expect((await nika('bus', 'tail', '--type', 'toolcall')).stderr).toContain('did you mean tool_call?');
    expect(await nika('bus', 'tail', '--type', 'telepathy')).toMatchObject({ code: 0, stderr: '' });
  });

  it('merges several homes, and prints raw lines with --json', async () => {
    using other = new TempBus();
    using there = other.open();
    tellCall(writer, 'JOB-1', 'one', { at: second(1) });
    tellCall(there, 'JOB-2', 'two', { at: second(2) });
    tellCall(writer, 'JOB-3', 'three', { at: second(3) });
    const { stdout } = await nika('bus', 'grep', 'ONE|TWO|THREE', '-i', '--json', '--home', other.dir);
    const commands = stdout
      .trim()
      .split('\n')
      .map((text) => (JSON.parse(text) as { data: { tool_input: { command: string } } }).data.tool_input.command);
    expect(commands).toEqual(['one', 'two', 'three']);
  });

  it('ends quietly when its reader has seen enough', async () => {
    for (let n = 0; n < 3000; n += 1) tellCall(writer, 'JOB-1', 'x'.repeat(400));
    const script = `"$0" "$1" bus grep '' --home "$2" | head -n 2 | wc -l`;
    const args = ['-o', 'pipefail', '-c', script, process.execPath, binary, bus.dir];
    expect(execFileSync('bash', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()).toBe('2');
  });
});

describe('nika bus show', () => {
  it('tells the story of a job: its head, its lines, its tasks with their calls, what was superseded', async () => {
    writeJob();
    const { code, stdout } = await nika('bus', 'show', '@last');
    expect(code).toBe(0);
    expect(stdout).toBe(`✓ audit ${JOB}  completed
  2026-04-12 10:00:00 UTC · 7.0 s · 2 calls, 1 error
  domain hooks · intent refactor
  session s · completed, exit 0
  in /w
  1 later end is superseded: the first stands
  gist: all is well

     0 ms  → created
     0 ms  · session: pod in /w
    1.0 s  → in progress
    2.0 s  ✓ TASK look around  TASK-t  completed, 4.0 s
    3.0 s    ✓ shell       ls -la                                          12 ms
    5.0 s    ✗ shell       make                                            2.0 s
               Exit code 2
    7.0 s  · note: a note
    8.0 s  → completed: {"gist":"all is well"}
    8.0 s  · session end: completed, exit 0, 8.0 s, 2 calls, 1 error
    9.0 s  → failed: too late (superseded: an earlier end stands)
`);
  });

  it('prints the entity with its children, then each line, as JSON', async () => {
    writeJob();
    const { stdout } = await nika('bus', 'show', JOB, '--json');
    const [head, ...lines] = stdout
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as Record<string, Record<string, unknown>>);
    expect(head?.['entity']).toMatchObject({
      id: JOB,
      state: 'completed',
      children: [{ id: 'TASK-t', state: 'completed' }],
    });
    expect(lines).toHaveLength(11);
    expect(lines.at(-1)).toMatchObject({ line: { type: 'job_failed' }, superseded: true });
  });

  it('knows no entity that is not there, and names what may be meant', async () => {
    writeJob();
    tellState(writer, 'JOB-20260412-aaaacccc', 'created');
    expect(await nika('bus', 'show', 'zzz')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('NIKA_BUS_NO_ENTITY'),
    });
    expect(await nika('bus', 'show', 'aaaa')).toMatchObject({ code: 2, stderr: expect.stringContaining('aaaacccc') });
  });
});

describe('nika tree', () => {
  it('draws the newest roots first, children below, with states', async () => {
    writeJob();
    tellState(writer, 'JOB-2', 'created', { at: second(20), meta: { job: 'second' } });
    tellState(writer, 'JOB-2', 'in_progress', { at: second(20), meta: { job: 'second' } });
    const { stdout } = await nika('tree');
    const [first, second_, third] = stdout.split('\n');
    expect(first).toMatch(/^● second JOB-2 {2}in progress, for \d+d \d+h$/);
    expect(second_).toMatch(
      /^✓ audit JOB-20260412-aaaabbbb {2}completed, \d+d \d+h ago, 7\.0 s, 2 calls, 1 error, 1 later end superseded$/,
    );
    expect(third).toMatch(/^└─ ✓ look around TASK-t {2}completed, 4\.0 s$/);
  });

  it('says how many more there are, and shows them with --all', async () => {
    for (let n = 0; n < 25; n += 1) tellState(writer, `JOB-${n}`, 'created', { at: second(n) });
    expect((await nika('tree')).stdout).toMatch(
      /JOB-24 [\s\S]*JOB-5 [\s\S]*… and 5 older \(-n 25 or --all shows them\)\n$/,
    );
    expect((await nika('tree', '-n', '2')).stdout).toMatch(
      /^\S+ told JOB-24 .*\n\S+ told JOB-23 .*\n… and 23 older .*\n$/,
    );
    expect((await nika('tree', '--all')).stdout.trim().split('\n')).toHaveLength(25);
  });

  it('draws ten tasks of a job that is over, those that failed before others, and all where it is asked for', async () => {
    tellState(writer, JOB, 'created', { at: second(0) });
    const meta = { parent_id: JOB, root_id: JOB };
    for (let n = 0; n < 30; n += 1) {
      tellState(writer, `TASK-${n}`, 'created', { at: second(1 + n), meta });
      tellState(writer, `TASK-${n}`, n === 27 ? 'failed' : 'completed', { at: second(1 + n), meta });
    }
    expect((await nika('tree')).stdout.match(/TASK-/g)).toHaveLength(30);
    tellState(writer, JOB, 'completed', { at: second(40) });
    const { stdout } = await nika('tree');
    expect(stdout.match(/TASK-\d+/g)).toEqual([...Array.from({ length: 9 }, (_, n) => `TASK-${n}`), 'TASK-27']);
    expect(stdout).toMatch(new RegExp(`\n└─ … and 20 completed \\(nika tree ${JOB}\\)\n$`));
    expect((await nika('tree', '@last')).stdout.match(/TASK-/g)).toHaveLength(30);
  });

  it('tells how a job ended in the same words as show and grep', async () => {
    const ends = {
      timed_out: 'failed (timed out)',
      limit: 'failed (over a limit)',
      interrupted: 'cancelled (interrupted)',
    };
    for (const [outcome, words] of Object.entries(ends)) {
      const id = `JOB-${outcome}`;
      const to = outcome === 'interrupted' ? 'cancelled' : 'failed';
      const why = to === 'failed' ? { error: 'why', code: outcome } : { reason: 'interrupted by SIGINT' };
      tellState(writer, id, 'created', { at: second(0) });
      tellState(writer, id, to, { at: second(1), data: why });
      tellLine(writer, { entity: id, type: 'session_end_summary', data: { outcome, exit_code: 3 }, at: second(2) });
      expect((await nika('tree', id)).stdout).toContain(`  ${words}, `);
      const { stdout } = await nika('bus', 'show', id);
      expect(stdout).toMatch(new RegExp(`^. told ${id}  ${words.replace(/[()]/g, '.')}\n`));
      expect(stdout).toContain(`→ ${words}: `);
      expect(stdout).toContain(`session end: ${words}, exit 3`);
      expect((await nika('bus', 'grep', '', '--entity', id, '--type', `job_${to}`)).stdout).toContain(`  ${words}: `);
    }
  });

  it('knows the last job, and how long it took, where only its end is left', async () => {
    const data = { outcome: 'completed', exit_code: 0, duration_ms: 65_000, calls: 3, errors: 0, dropped: {} };
    tellState(writer, JOB, 'completed', { at: second(1) });
    tellLine(writer, { entity: JOB, type: 'session_end_summary', data, at: second(2) });
    const told = expect.stringMatching(new RegExp(`^✓ told ${JOB}  completed, \\S+ \\S+ ago, 1m 05s, 3 calls\n$`));
    expect(await nika('tree')).toMatchObject({ code: 0, stdout: told });
    expect(await nika('tree', '@last')).toMatchObject({ code: 0, stdout: told });
    expect((await nika('bus', 'show', '@last')).stdout).toContain('1m 05s');
  });
});

describe('a home where nothing has run', () => {
  beforeEach(() => rmSync(bus.busDir, { recursive: true }));
  const yet = (): string => `Nothing has run in ${bus.dir} yet`;

  it('is told alike by all that read, and is no mistake', async () => {
    expect(await nika('tree')).toEqual({ code: 0, signal: null, stdout: `${yet()}.\n`, stderr: '' });
    expect(await nika('bus', 'tail')).toMatchObject({ code: 0, stdout: '', stderr: `${yet()}.\n` });
    expect(await nika('bus', 'heads')).toMatchObject({ code: 0, stdout: '', stderr: `${yet()}.\n` });
    expect(await nika('bus', 'grep', 'x')).toMatchObject({ code: 1, stdout: '', stderr: `${yet()}.\n` });
    const verified = `${yet()}: there is nothing to verify.\n`;
    expect(await nika('bus', 'verify')).toMatchObject({ code: 0, stdout: verified, stderr: '' });
    expect(JSON.parse((await nika('bus', 'verify', '--json')).stdout)).toMatchObject({ lines: 0, tampering: 0 });
    mkdirSync(bus.busDir);
    expect(await nika('bus', 'verify')).toMatchObject({ code: 0, stdout: verified });
    expect(await nika('tree')).toMatchObject({ code: 0, stdout: `${yet()}.\n` });
  });

  it('G8: is tampered with where heads tell that something had run', async () => {
    const head = { file: 'alpha_bus.jsonl', writer: 'w', seq: 7, h: 'a'.repeat(64) };
    writeFileSync(`${bus.dir}/heads.jsonl`, JSON.stringify(head));
    const against = ['bus', 'verify', '--against', `${bus.dir}/heads.jsonl`];
    const { code, stdout } = await nika(...against);
    expect(code).toBe(1);
    expect(stdout).toContain('alpha_bus.jsonl: tampering, removed: its 7 lines are missing, and so is the whole bus');
    mkdirSync(bus.busDir);
    expect(await nika(...against)).toMatchObject({ code: 1 });
  });

  it('is waited for by tail -f, which says so', async () => {
    const running = home.start(['bus', 'tail', '-f', '--home', bus.dir]);
    await running.printed(`${yet()}; waiting for the first line.`);
    tellState(bus.open(), 'JOB-1', 'created');
    await running.printed('created');
    running.child.kill('SIGINT');
    expect((await running.ended).code).toBe(130);
  });

  it('is one that is there: a named folder that is not is a mistake', async () => {
    for (const args of [['tree'], ['bus', 'tail'], ['bus', 'verify'], ['bus', 'grep', 'x'], ['bus', 'heads']]) {
      const { code, stderr } = await home.nika(...args, '--home', `${bus.dir}/nowhere`);
      expect([code, stderr]).toEqual([2, expect.stringContaining(`there is no folder ${bus.dir}/nowhere`)]);
    }
  });
});

describe('nika bus tail', () => {
  it('shows the newest lines', async () => {
    writeJob();
    const { stdout } = await nika('bus', 'tail', '-n', '2');
    expect(stdout).toMatch(/^.*session_end_summary.*\n.*job_failed.*\n$/);
  });

  it('with -f goes on with those that come, until Ctrl-C, and ends with 130', async () => {
    tellState(writer, 'JOB-1', 'created');
    const running = home.start(['bus', 'tail', '-f', '--home', bus.dir]);
    await running.printed('created');
    tellCall(writer, 'JOB-1', 'just now');
    await running.printed('just now');
    running.child.kill('SIGINT');
    expect(await running.ended).toMatchObject({ code: 130, stderr: '' });
  });

  it('with -f ends when its reader has seen enough, although nothing more comes', () => {
    tellState(writer, 'JOB-1', 'created');
    const script = `"$0" "$1" bus tail -f --home "$2" | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const args = ['-c', script, process.execPath, binary, bus.dir];
    const out = execFileSync('bash', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 20_000 });
    expect(out).toMatch(/ created\n0\n$/);
  });
});
