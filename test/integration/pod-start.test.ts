import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestHome } from '../nika.ts';

let home: TestHome;
beforeEach(() => {
  home = new TestHome();
});
afterEach(() => {
  home[Symbol.dispose]();
});

const typesOf = (lines: readonly { readonly type: string }[]): readonly string[] => lines.map(({ type }) => type);

const isRunning = (marker: string): boolean =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .some((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(marker);
      } catch {
        return false; // it ended meanwhile
      }
    });

describe('a job that completes', () => {
  it('writes the story of its session, tasks and calls, and prints its result', async () => {
    home.job(
      'two',
      `  - { id: a, task: first, tool: shell, input: { argv: [echo, hello] } }
  - { tool: write_file, input: { path: out.txt, content: "\${{ steps.a.output }}" } }`,
      'outputs: { said: "${{ steps.a.output }}" }',
    );
    const { code, stdout, stderr } = await home.nika('pod', 'start', 'two', '--id', 'JOB-two');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toContain('said: hello');
    expect(typesOf(home.lines('channels/JOB-two.jsonl'))).toEqual([
      'entity_created',
      'session_start',
      'entity_started',
      'tool_call',
      'job_completed',
      'session_end_summary',
    ]);
    expect(readFileSync(join(home.cwd, 'out.txt'), 'utf8')).toBe('hello');
    const [end] = home.alpha.filter(({ type }) => type === 'session_end_summary');
    expect(end?.data).toMatchObject({
      outcome: 'completed',
      exit_code: 0,
      calls: 2,
      errors: 0,
      result: { said: 'hello' },
    });
  });

  it('puts steps of one task into the channel of one TASK, whose parent is the JOB', async () => {
    home.job('t', '  - { task: build, tool: shell, input: { argv: ["true"] } }\n'.repeat(2).trimEnd());
    await home.nika('pod', 'start', 't', '--id', 'JOB-t');
    const [task, ...others] = readdirSync(join(home.dir, '_bus/channels')).filter((name) => name.startsWith('TASK-'));
    expect(others).toEqual([]);
    const lines = home.lines(`channels/${task ?? ''}`);
    expect(typesOf(lines)).toEqual(['entity_created', 'entity_started', 'tool_call', 'tool_call', 'job_completed']);
    expect(lines[0]?.meta).toMatchObject({ parent_id: 'JOB-t', root_id: 'JOB-t', entity_type: 'TASK' });
  });

  it('tells each event as one JSON object with --json, and nothing but the result with --quiet', async () => {
    home.job('j', '  - { tool: shell, input: { argv: [echo, hi] } }');
    const json = await home.nika('pod', 'start', 'j', '--json');
    const events = json.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string });
    expect(events.map(({ event }) => event)).toEqual([
      'pod_started',
      'tool_started',
      'tool_output',
      'tool_ended',
      'pod_ended',
    ]);
    const quiet = await home.nika('pod', 'start', 'j', '--quiet');
    expect(quiet.stdout).toBe('hi\n');
  });

  it('belongs to the project it names, which is created once', async () => {
    home.job('p', '  - { tool: shell, input: { argv: ["true"] } }', 'project: PROJ-hooks');
    await Promise.all([home.nika('pod', 'start', 'p'), home.nika('pod', 'start', 'p')]);
    expect(typesOf(home.lines('channels/PROJ-hooks.jsonl'))).toEqual(['entity_created']);
  });

  it('passes its identity on to what it starts', async () => {
    home.job('env', '  - { tool: shell, input: { command: "echo $NIKA_ENTITY_ID $TRACEPARENT" } }');
    const traceparent = `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`;
    const { stdout } = await home.start(['pod', 'start', 'env', '--id', 'JOB-env', '-q'], { TRACEPARENT: traceparent })
      .ended;
    expect(stdout).toMatch(/^JOB-env 00-(ab){16}-[0-9a-f]{16}-01\n$/);
    expect(home.alpha[0]?.meta['trace_id']).toBe('ab'.repeat(16));
  });
});

describe('how it ends otherwise', () => {
  it('exits 1 when a step fails, with the reason on the bus', async () => {
    home.job('bad', '  - { id: x, tool: shell, input: { argv: [sh, -c, "echo no >&2; exit 4"] } }');
    const { code, stdout } = await home.nika('pod', 'start', 'bad');
    expect(code).toBe(1);
    expect(stdout).toContain('Exit code 4');
    expect(home.alpha.find(({ type }) => type === 'job_failed')?.data['error']).toBe('step x: Exit code 4\nno');
  });

  it('exits 3 when it times out, and when it reaches its limit of tool calls', async () => {
    home.job('slow', '  - { tool: shell, input: { argv: [sleep, "3000.1"] } }', 'timeout: 300ms');
    home.job(
      'many',
      '  - { tool: shell, input: { argv: ["true"] } }\n'.repeat(3).trimEnd(),
      'limits: { tool_calls: 2 }',
    );
    const [slow, many] = await Promise.all([home.nika('pod', 'start', 'slow'), home.nika('pod', 'start', 'many')]);
    expect([slow.code, many.code]).toEqual([3, 3]);
    const outcomes = home.alpha
      .filter(({ type }) => type === 'session_end_summary')
      .map(({ data }) => String(data['outcome']));
    expect(new Set(outcomes)).toEqual(new Set(['limit', 'timed_out']));
    expect(isRunning('3000.1')).toBe(false);
  });

  it('ends the tool at Ctrl-C, writes the story and exits 130', async () => {
    home.job('slow', '  - { task: t, tool: shell, input: { command: "echo ready; sleep 3000.2" } }');
    const pod = home.start(['pod', 'start', 'slow', '--json', '--id', 'JOB-slow']);
    await pod.printed('ready');
    pod.child.kill('SIGINT');
    expect((await pod.ended).code).toBe(130);
    expect(isRunning('3000.2')).toBe(false);
    expect(typesOf(home.lines('channels/JOB-slow.jsonl')).slice(-2)).toEqual(['job_cancelled', 'session_end_summary']);
    const call = home.channels.find(({ type }) => type === 'tool_call');
    expect(call?.data).toMatchObject({ ok: false, is_interrupt: true });
  });

  it('ends at once at the second Ctrl-C, and kills a tool that does not listen', async () => {
    home.job(
      'deaf',
      `  - { tool: shell, input: { command: "trap '' TERM INT; echo ready; while :; do sleep 3000.3; done" } }`,
    );
    const pod = home.start(['pod', 'start', 'deaf', '--json']);
    await pod.printed('ready');
    const atMs = performance.now();
    pod.child.kill('SIGINT');
    // Signals that come before the first was handled are one signal: it is sent until the pod has ended.
    const { child } = pod;
    await expect.poll(() => child.exitCode ?? child.signalCode ?? (child.kill('SIGINT') && null)).not.toBeNull();
    const { code, signal } = await pod.ended;
    expect(['SIGINT', 130]).toContain(code ?? signal); // by the signal, unless the killed tool ended the pod first
    expect(performance.now() - atMs).toBeLessThan(1500);
    expect(isRunning('3000.3')).toBe(false);
  });

  it('exits 143 at SIGTERM', async () => {
    home.job('slow', '  - { tool: shell, input: { command: "echo ready; sleep 3000.4" } }');
    const pod = home.start(['pod', 'start', 'slow', '--json']);
    await pod.printed('ready');
    pod.child.kill('SIGTERM');
    expect((await pod.ended).code).toBe(143);
  });
});

describe('wrong use', () => {
  it.each([
    [['pod', 'start', 'nope'], 'no job "nope"'],
    [['pod', 'start', 'ok', '--input', 'x=1'], 'unknown input'],
    [['pod', 'start', 'ok', '--input', 'x'], 'name=value'],
    [['pod', 'start', 'ok', '--id', '../evil'], 'is not an entity id'],
    [['pod', 'start', 'ok', '--parent', 'JOB-nowhere'], 'is not on the bus'],
    [['pod', 'start'], 'missing required argument'],
    [['pod', 'strat', 'ok'], "unknown command 'strat'"],
  ])('%j exits 2, says what is wrong, and writes nothing', async (args, said) => {
    home.job('ok', '  - { tool: shell, input: { argv: ["true"] } }');
    const { code, stderr } = await home.nika(...args);
    expect(code).toBe(2);
    expect(stderr).toContain(said);
    expect(existsSync(join(home.dir, '_bus/alpha_bus.jsonl'))).toBe(false);
  });

  it('refuses an id that is taken', async () => {
    home.job('ok', '  - { tool: shell, input: { argv: ["true"] } }');
    await home.nika('pod', 'start', 'ok', '--id', 'JOB-mine');
    const again = await home.nika('pod', 'start', 'ok', '--id', 'JOB-mine');
    expect(again.code).toBe(2);
    expect(again.stderr).toContain('NIKA_ENTITY_EXISTS');
  });

  it('G7: refuses what looks like a secret in a label, which would stand on every line', async () => {
    const tags = 'inputs: { token: { required: true } }\ntags: ["${{ inputs.token }}"]';
    home.job('tagged', '  - { tool: shell, input: { argv: ["true"] } }', tags);
    const secret = ['ghp', '_a1B2c3D4e5F6g7H8i9J0a1B2c3D4e5F6g7H8'].join('');
    const { code, stderr } = await home.nika('pod', 'start', 'tagged', '--input', `token=${secret}`);
    expect(code).toBe(2);
    expect(stderr).toContain('tags[0]');
    expect(stderr).not.toContain(secret);
  });

  it('refuses an id of another kind than JOB', async () => {
    home.job('ok', '  - { tool: shell, input: { argv: ["true"] } }');
    const { code, stderr } = await home.nika('pod', 'start', 'ok', '--id', 'TASK-x');
    expect(code).toBe(2);
    expect(stderr).toContain('begins with JOB-');
  });

  it('names the line of a mistake in a job file before anything runs', async () => {
    home.job('typo', '  - { tool: shel, input: { argv: ["true"] } }');
    const { code, stderr } = await home.nika('pod', 'start', 'typo');
    expect(code).toBe(2);
    expect(stderr).toMatch(/typo\.yaml:7:\d+: steps\[?\.?0\]?\.tool/);
  });
});

describe('G1: when the home cannot be written', () => {
  it('a full disk under the alpha bus: the job completes, and the summary says what was lost', async () => {
    home.job('ok', '  - { tool: shell, input: { argv: ["true"] } }');
    mkdirSync(join(home.dir, '_bus'));
    symlinkSync('/dev/full', join(home.dir, '_bus/alpha_bus.jsonl'));
    const { code, stdout } = await home.nika('pod', 'start', 'ok', '--id', 'JOB-full');
    expect(code).toBe(0);
    expect(stdout).toContain('alpha_bus.jsonl cannot be written: ENOSPC');
    expect(stdout).toMatch(/6 lines of the bus were lost/);
    expect(typesOf(home.lines('channels/JOB-full.jsonl'))).toContain('session_end_summary');
  });

  it('a file where each folder should be: the job completes', async () => {
    home.job('ok', '  - { tool: shell, input: { argv: ["true"] } }');
    for (const name of ['_bus', 'logs', 'run']) writeFileSync(join(home.dir, name), '');
    const { code, stdout } = await home.nika('pod', 'start', 'ok');
    expect(code).toBe(0);
    expect(stdout).toContain('cannot be written');
    expect(stdout).toMatch(/\d+ entries of the log were lost/);
  });

  it.each([
    ['removed', (bus: string) => `rm, -rf, "${bus}"`],
    ['moved away', (bus: string) => `mv, "${bus}", "${bus}.old"`],
  ])('_bus/ %s in the middle: made anew, and the job completes', async (_, argv) => {
    home.job(
      'rm',
      `  - { tool: shell, input: { argv: [${argv(`${home.dir}/_bus`)}] } }\n  - { tool: shell, input: { argv: ["true"] } }`,
    );
    const { code, stdout } = await home.nika('pod', 'start', 'rm', '--id', 'JOB-rm');
    expect(code).toBe(0);
    expect(stdout).toContain('it was removed or moved away while it was written to');
    const types = typesOf(home.lines('channels/JOB-rm.jsonl'));
    expect(types.filter((type) => type !== 'condition')).toEqual([
      'tool_call',
      'tool_call',
      'job_completed',
      'session_end_summary',
    ]);
    expect(types).toContain('condition');
  });
});

it('G2: kill -9 straight after a recorded call loses no call that was told', async () => {
  const step = '  - { tool: shell, input: { argv: ["true"] } }\n';
  home.job('kill', step.repeat(400).trimEnd());
  const pod = home.start(['pod', 'start', 'kill', '--json', '--id', 'JOB-kill']);
  await pod.printed('tool_ended');
  pod.child.kill('SIGKILL');
  const { stdout } = await pod.ended;
  const told = stdout.split('\n').filter((line) => line.includes('"tool_ended"')).length;
  const recorded = home.lines('channels/JOB-kill.jsonl').filter(({ type }) => type === 'tool_call').length;
  expect(told).toBeGreaterThan(0);
  expect(recorded).toBeGreaterThanOrEqual(told);
  rmSync(join(home.dir, 'run'), { recursive: true });
});
