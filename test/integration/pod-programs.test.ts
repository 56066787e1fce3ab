import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TMUX_SOCKET } from '../../src/pod/launch/tmux-socket.ts';
import { binary, TestHome } from '../nika.ts';
import { endPods, recordOf, running, until, untilStatus, untilTool } from '../pods.ts';

let home: TestHome;
beforeEach(() => {
  home = new TestHome();
});
afterEach(async () => {
  await endPods(home);
  home[Symbol.dispose]();
});

const callsOf = (id: string) => home.lines(`channels/${id}.jsonl`).filter(({ type }) => type === 'tool_call');

describe('nika run', () => {
  it('is the program, to the byte: input, output, exit code', async () => {
    const script = `printf 'NIKA_HOME=%s exec %s %s run -- "$@"' '${home.dir}' '${process.execPath}' '${binary}'`;
    const file = join(home.dir, 'n.sh');
    writeFileSync(file, spawnSync('sh', ['-c', script], { encoding: 'utf8' }).stdout);
    const bytes = Buffer.from([0, 255, 10, 13, 0, 200]);
    const cat = spawnSync('sh', [file, 'cat'], { input: bytes, env: { PATH: process.env['PATH'], HOME: home.dir } });
    expect([cat.status, cat.stdout]).toEqual([0, bytes]);
    for (const [command, code] of [
      ['exit 7', 7],
      ['kill -9 $$', 137],
    ] as const) {
      const ended = await home.nika('run', '--', 'sh', '-c', command);
      expect([ended.code, ended.stdout]).toEqual([code, '']);
    }
    const missing = await home.nika('run', '--', 'no-such-program-here');
    expect([missing.code, missing.stderr]).toEqual([127, expect.stringContaining('command not found')]);
  });

  it('takes words as they stand, also what looks like an expression', async () => {
    const { stdout } = await home.nika('run', '--id', 'JOB-lit', '--', 'printf', '%s', '${{ inputs.x }} $HOME');
    expect(stdout).toBe('${{ inputs.x }} $HOME');
    expect(callsOf('JOB-lit')[0]?.data).toMatchObject({
      tool_name: 'command',
      tool_input: { argv: ['printf', '%s', '${{ inputs.x }} $HOME'] },
      ok: true,
    });
  });

  it('is what a hook made of it: what stands on the bus is what ran', async () => {
    const hook = `cat > /dev/null; echo '{"input":{"argv":["echo","changed"]}}'`;
    writeFileSync(
      join(home.dir, 'config/nika.yaml'),
      `hooks: { pre: [{ match: command, command: [sh, -c, ${JSON.stringify(hook)}] }] }\n`,
    );
    const { stdout } = await home.nika('run', '--id', 'JOB-changed', '--', 'echo', 'original');
    expect(stdout).toBe('changed\n');
    expect(callsOf('JOB-changed')[0]?.data).toMatchObject({ tool_input: { argv: ['echo', 'changed'] }, ok: true });
  });

  it('ends at SIGINT where it has no terminal, and Ctrl-C cannot reach the program', async () => {
    const pod = home.start(['run', '--id', 'JOB-int', '--', 'sleep', '300.77']);
    await untilTool(home, 'JOB-int');
    pod.child.kill('SIGINT');
    expect((await pod.ended).code).toBe(130);
    expect(running('sleep\u0000300.77')).toEqual([]);
  });

  it('is one tool call, unless it reports its own', async () => {
    const report = `${process.execPath} ${binary} report tool`;
    await home.nika(
      'run',
      '--id',
      'JOB-own',
      '--',
      'sh',
      '-c',
      `${report} compile --input '{"file":"a.c"}' --duration 20ms`,
    );
    expect(callsOf('JOB-own').map(({ data }) => [data['tool_name'], data['source'], data['duration_ms']])).toEqual([
      ['compile', 'reported', 20],
    ]);
  });

  it('with -d keeps what the program writes, without secrets, and follows it until the end', async () => {
    const key = `AKIA${'Q7'.repeat(8)}`;
    const command = `echo one; echo ${key} >&2; sleep 0.5; echo two; exit 3`;
    await home.nika('run', '-d', '--id', 'JOB-logs', '--', 'sh', '-c', command);
    expect(await home.nika('pod', 'logs', '-f', 'JOB-logs')).toMatchObject({ code: 0, stdout: 'one\ntwo\n' });
    const { stdout } = await home.nika('pod', 'logs', 'JOB-logs', '--stderr');
    expect(stdout).not.toContain(key);
    expect(stdout).toMatch(/\S/);
    expect((await home.nika('pod', 'wait', 'JOB-logs')).code).toBe(3);
    expect((await home.nika('pod', 'result', 'JOB-logs')).stdout).toBe('one\ntwo\n');
  });

  it('with --tmux has a terminal of its own, which can be typed into', async () => {
    const args = [
      'run',
      '-d',
      '--tmux',
      '--id',
      'JOB-tmux',
      '--',
      'sh',
      '-c',
      'test -t 0 && read line && echo "$line" > got',
    ];
    const started = await home.start(args, { SECRET: 'hunter2-in-the-environment' }).ended;
    expect(started).toMatchObject({ code: 0, stdout: 'JOB-tmux\n' });
    await untilTool(home, 'JOB-tmux');
    expect(running('hunter2-in-the-environment')).toEqual([]); // what stands in arguments is for all to read
    expect((await home.nika('pod', 'send', 'JOB-tmux', 'hello there')).code).toBe(0);
    await untilStatus(home, 'JOB-tmux', 'completed');
    expect(readFileSync(join(home.cwd, 'got'), 'utf8')).toBe('hello there\n');
    const { tmux } = recordOf(home, 'JOB-tmux') ?? {};
    await until(
      'tmux to end',
      () => spawnSync('tmux', ['-L', TMUX_SOCKET, 'has-session', '-t', String(tmux)]).status !== 0,
    );
  });
});

describe('a job that is a command', () => {
  it('shows its output, keeps it, and ends with the code of its program', async () => {
    const text = `name: suite\ndescription: x\ndomain: a\nintent: b\ninputs: { n: { type: number, default: 3 } }
command: 'echo "out $(cat)"; exit \${{ inputs.n }}'\nstdin: fed\n`;
    writeFileSync(join(home.dir, 'config/jobs/suite.yaml'), text);
    const { code, stdout } = await home.nika('pod', 'start', 'suite', '--id', 'JOB-suite');
    expect([code, stdout]).toEqual([3, expect.stringContaining('out fed\n')]);
    expect((await home.nika('pod', 'logs', 'JOB-suite')).stdout).toBe('out fed\n');
  });
});

describe('a module', () => {
  const job = (source: string, more = ''): void => {
    writeFileSync(join(home.dir, 'config/jobs/m.ts'), source);
    const text = `name: m\ndescription: x\ndomain: a\nintent: b\nmodule: ./m.ts\n${more}`;
    writeFileSync(join(home.dir, 'config/jobs/m.yaml'), text);
  };

  it('calls tools that are hooked, in tasks, and its result is what it returns', async () => {
    job(
      `interface Tools { tool<F>(name: string, fn: F): F; tools<T>(fns: T): T; task(name: string, fn: () => unknown): Promise<unknown>; note(text: string): void }
export const run = async (pod: Tools, inputs: { readonly n: number }): Promise<unknown> => {
  const { add, fail } = pod.tools({
    add: async (a: number, b: number) => a + b,
    fail: async (_: object): Promise<never> => { throw new TypeError('as told'); },
  });
  const sum = await pod.task('sums', async () => add(inputs.n, 2));
  const error = await fail({ a: 1 }).catch((thrown: unknown) => thrown);
  pod.note('both are done');
  return { sum, isOwnError: error instanceof TypeError };
};`,
      'inputs: { n: { type: number, default: 40 } }\n',
    );
    const { code, stdout } = await home.nika('pod', 'start', 'm', '--id', 'JOB-m', '-q');
    expect([code, stdout]).toEqual([0, 'sum: 42\nisOwnError: true\n']);
    expect(callsOf('JOB-m')[0]?.data).toMatchObject({ tool_name: 'fail', source: 'hook', ok: false, error: 'as told' });
    const task = home.channels.find(({ type, data }) => type === 'entity_created' && data['name'] === 'sums');
    expect(callsOf(String(task?.entity))[0]?.data).toMatchObject({
      tool_name: 'add',
      tool_input: [40, 2],
      tool_response: 42,
    });
  });

  it('hears what is sent to it, and that it is to stop', async () => {
    job(`export const run = async (pod) => {
  const first = await new Promise((resolve) => pod.onMessage(resolve));
  pod.result(first.text + ' from ' + first.from);
  const stopped = new Promise((resolve) => pod.signal.addEventListener('abort', resolve));
  pod.note('heard it');
  await stopped;
  pod.note('cleaned up');
};`);
    await home.nika('pod', 'start', 'm', '-d', '--id', 'JOB-m');
    await until('it to begin', () => recordOf(home, 'JOB-m')?.beat.status === 'running');
    expect((await home.nika('pod', 'send', 'm', 'go on', '--from', 'alpha')).code).toBe(0);
    await until('the message to be heard', () =>
      home.lines('channels/JOB-m.jsonl').some(({ data }) => data['text'] === 'heard it'),
    );
    const signal = home.lines('channels/JOB-m.jsonl').find(({ type }) => type === 'signal');
    expect(signal?.data).toMatchObject({ kind: 'signal', body: { text: 'go on', from: 'alpha' } });
    expect((await home.nika('pod', 'stop', 'm')).code).toBe(0);
    expect(home.lines('channels/JOB-m.jsonl').some(({ data }) => data['text'] === 'cleaned up')).toBe(true);
    expect(running('module-worker').filter((pid) => running(home.dir).includes(pid))).toEqual([]);
  });

  it('waits for a person where the policy asks, and goes on as answered', async () => {
    job(
      `export const run = async (pod) => {
  const deploy = pod.tool('deploy', async (where) => 'deployed to ' + where);
  const first = await deploy('staging').catch((thrown) => thrown.message);
  return [first, await deploy('production')];
};`,
      "policy: { ask: ['deploy'] }\n",
    );
    await home.nika('pod', 'start', 'm', '-d', '--id', 'JOB-m');
    await untilStatus(home, 'JOB-m', 'waiting');
    expect((await home.nika('pod', 'show', 'm')).stdout).toMatch(/waiting[^]*asks: deploy/);
    expect((await home.nika('pod', 'deny', 'm', '--reason', 'not on a Friday')).code).toBe(0);
    await until('the second question', () => {
      const asked = home.lines('channels/JOB-m.jsonl').filter(({ data }) => data['condition'] === 'pod_waiting');
      return asked.length === 2;
    });
    expect((await home.nika('pod', 'allow', 'm')).code).toBe(0);
    expect((await home.nika('pod', 'wait', 'm')).code).toBe(0);
    const { stdout } = await home.nika('pod', 'result', 'm');
    expect(JSON.parse(stdout)).toEqual([expect.stringContaining('not on a Friday'), 'deployed to production']);
  });
});

describe('hooks and policy of a job', () => {
  it('can be modules, which are asked before each call and told after it', async () => {
    const file = join(home.dir, 'told');
    const source = `import { appendFileSync } from 'node:fs';
export const pre = async (event) => (event.tool_input.command === 'echo no' ? { deny: 'not that' } : undefined);
export const post = async (event) => appendFileSync(${JSON.stringify(file)}, event.tool_name + '\\n');
`;
    writeFileSync(join(home.dir, 'config/jobs/guard.ts'), source);
    home.job(
      'g',
      `  - { tool: shell, input: { command: echo yes } }
  - { tool: shell, continue_on_error: true, input: { command: echo no } }`,
      'hooks: { pre: [{ module: ./guard.ts }], post: [{ module: ./guard.ts }] }',
    );
    const { code, stdout } = await home.nika('pod', 'start', 'g', '--id', 'JOB-g');
    expect([code, stdout]).toEqual([0, expect.not.stringContaining('dropped')]);
    const [made, denied] = callsOf('JOB-g').map(({ data }) => data);
    expect(made).toMatchObject({ ok: true });
    expect(denied).toMatchObject({ ok: false, error: expect.stringContaining('not that') });
    expect(readFileSync(file, 'utf8')).toBe('shell\n');
  });

  it('deny, change and count, and stand on the bus', async () => {
    writeFileSync(
      join(home.dir, 'config/jobs/change.sh'),
      `cat > /dev/null; echo '{"input":{"command":"echo changed"}}'\n`,
    );
    home.job(
      'h',
      `  - { id: a, tool: shell, input: { command: "echo original" } }
  - { tool: shell, continue_on_error: true, input: { command: "git push --force origin" } }
  - { tool: read_file, continue_on_error: true, input: { path: nothing-there } }`,
      `hooks:
  pre: [{ match: shell, command: [sh, ./change.sh] }]
  failure: [{ match: read_file, command: [sh, -c, 'exit 9'] }]
policy: { deny: ['shell: git push --force*'] }
outputs: { said: "\${{ steps.a.output }}" }`,
    );
    const { code, stdout } = await home.nika('pod', 'start', 'h', '--id', 'JOB-h', '-q');
    expect([code, stdout]).toEqual([0, 'said: changed\n']);
    const [changed, denied] = callsOf('JOB-h').map(({ data }) => data);
    expect(changed).toMatchObject({ tool_input: { command: 'echo changed' }, ok: true });
    expect(denied).toMatchObject({ ok: false, error: expect.stringContaining("denied by the job's policy") });
    const end = home.alpha.find(({ type }) => type === 'session_end_summary');
    expect(Object.values(end?.data['dropped'] ?? {})).toContain(1);
  });
});

/** What a package is made of. */
const PACKED_FROM = [
  'bin',
  'config',
  'scripts',
  'src',
  'LICENSE',
  'README.md',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
];

describe('the library', () => {
  it('is what npm pack makes of it: typed, and any program can be a pod', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'nika-consumer-'));
    const root = join(import.meta.dirname, '../..');
    const run = (file: string, args: readonly string[], cwd: string) => {
      const ended = spawnSync(file, [...args], { cwd, encoding: 'utf8', env: { ...process.env, NIKA_HOME: home.dir } });
      return { code: ended.status, out: ended.stdout + ended.stderr };
    };
    // Packing builds, and other tests run what is built here: so it is done in a copy.
    const copy = join(dir, 'copy');
    for (const name of PACKED_FROM) cpSync(join(root, name), join(copy, name), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    const packed = run('npm', ['pack', '--silent', '--pack-destination', dir], copy);
    expect(packed.code).toBe(0);
    const tarball = packed.out.trim().split('\n').at(-1) ?? '';
    writeFileSync(
      join(dir, 'package.json'),
      '{ "name": "consumer", "version": "1.0.0", "type": "module", "private": true }',
    );
    expect(run('npm', ['install', '--silent', '--no-audit', '--no-fund', join(dir, tarball)], dir).code).toBe(0);
    writeFileSync(join(dir, 'pod.ts'), readFileSync(join(root, 'docs/examples/library-pod.ts')));
    writeFileSync(join(dir, 'alpha.ts'), readFileSync(join(root, 'docs/examples/own-alpha.ts')));
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const flags = [
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'esnext',
      '--allowImportingTsExtensions',
    ];
    const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')];
    expect(run(process.execPath, [tsc, ...flags, ...types, 'pod.ts', 'alpha.ts'], dir)).toEqual({ code: 0, out: '' });
    const ran = run(process.execPath, ['pod.ts'], dir);
    expect(ran).toEqual({ code: 0, out: expect.stringContaining('completed') });
    const [first] = home.alpha;
    expect(first?.meta).toMatchObject({ job: 'sum-of-squares', domain: 'examples', intent: 'show' });
    const calls = home.channels.filter(({ type }) => type === 'tool_call').map(({ data }) => data['tool_name']);
    expect(calls).toEqual(['square', 'square', 'square']);
    expect(existsSync(join(dir, 'node_modules/nika/dist/client.js'))).toBe(true);
    rmSync(dir, { recursive: true, force: true });
  }, 240_000);
});
