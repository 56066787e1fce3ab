/**
 * How things end (docs/failure-modes.md): who is hit by what, and what stands on the bus, what the exit code is, what is
 * shown, and that nothing is left running. Real processes, real signals.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { binary, TestHome } from '../nika.ts';
import { endPods, recordOf, running, until, untilTool } from '../pods.ts';

/** Each of the processes of a pod sleeps a number of seconds that nobody else sleeps: by it they are found. */
interface Sleepers {
  /** The tool itself. */
  readonly tool: string;
  /** In a session of its own. */
  readonly session: string;
  /** In a process group of its own. */
  readonly group: string;
  /** In a session of its own, its environment cleaned. */
  readonly cleaned: string;
}

const uniqueSleepers = (): Sleepers => {
  const random = String(Math.random()).slice(2, 11);
  return { tool: `3001.${random}`, session: `3002.${random}`, group: `3003.${random}`, cleaned: `3004.${random}` };
};

/** A tool with a grandchild of each kind that gets away from process groups; it ends when its own sleep does. */
const script = ({ tool, session, group, cleaned }: Sleepers): string =>
  [
    `setsid sleep ${session} &`,
    `env -i setsid sleep ${cleaned} &`,
    `set -m`,
    `sleep ${group} &`,
    `set +m`,
    `sleep ${tool}`,
  ].join('\n');

const allOf = (sleepers: Sleepers): readonly number[] =>
  Object.values(sleepers).flatMap((marker: string) => running(`sleep\0${marker}`));

interface Stage extends AsyncDisposable {
  readonly home: TestHome;
  readonly sleepers: Sleepers;
  readonly supervisor: number;
}

/** It may have ended since it was looked for. */
const trySignal = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: 'ESRCH' });
  }
};

/** A pod in the background, whose tool and grandchildren all run. */
const startPod = async (kind: 'cgroup' | 'process table'): Promise<Stage> => {
  const home = new TestHome();
  const sleepers = uniqueSleepers();
  if (kind === 'process table') writeFileSync(join(home.dir, 'config/nika.yaml'), 'pods: { cgroup: false }\n');
  const file = join(home.cwd, 'tool.sh');
  writeFileSync(file, script(sleepers));
  home.job('ends', `  - { tool: shell, input: { argv: [bash, ${file}] } }`);
  const { stderr } = await home.nika('pod', 'start', 'ends', '-d', '--id', 'JOB-ends');
  expect(stderr).toBe('');
  await untilTool(home, 'JOB-ends');
  await until('all processes to run', () => allOf(sleepers).length === 4);
  const supervisor = recordOf(home, 'JOB-ends')?.process.pid ?? 0;
  expect(recordOf(home, 'JOB-ends')?.tree.kind).toBe(kind);
  const dispose = async (): Promise<void> => {
    await endPods(home);
    for (const pid of allOf(sleepers)) process.kill(pid, 'SIGKILL');
    home[Symbol.dispose]();
  };
  return { home, sleepers, supervisor, [Symbol.asyncDispose]: dispose };
};

const lineOf = (home: TestHome, type: string) =>
  home.lines('channels/JOB-ends.jsonl').findLast((line) => line.type === type);

const untilEnded = (home: TestHome) =>
  until('the pod to end', () => {
    const record = recordOf(home, 'JOB-ends');
    return record?.end !== null && record?.end;
  });

const KINDS = ['cgroup', 'process table'] as const;

describe.each(KINDS)('the supervisor, its processes held by a %s', (kind) => {
  it.concurrent.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
    ['SIGQUIT', 131],
  ] as const)('%s: the story is written, exit code %i, nothing is left', async (signal, exitCode) => {
    await using stage = await startPod(kind);
    const { home, sleepers, supervisor } = stage;
    process.kill(supervisor, signal);
    expect(await untilEnded(home)).toMatchObject({ status: 'cancelled', outcome: 'interrupted', exit_code: exitCode });
    expect(lineOf(home, 'job_cancelled')?.data['reason']).toBe(`interrupted by ${signal}`);
    expect(lineOf(home, 'tool_call')?.data).toMatchObject({ ok: false, is_interrupt: true });
    expect(lineOf(home, 'session_end_summary')?.data).toMatchObject({ outcome: 'interrupted', exit_code: exitCode });
    expect(allOf(sleepers)).toEqual([]);
    expect((await home.nika('bus', 'verify')).code).toBe(0);
  });

  it.concurrent.each(['SIGKILL', 'SIGABRT', 'SIGSEGV'] as const)(
    '%s: the next command of nika ends what is left, seals the heads, and says lost',
    async (signal) => {
      await using stage = await startPod(kind);
      const { home, sleepers, supervisor } = stage;
      process.kill(supervisor, signal);
      await until('it to be gone', () => running('supervise-worker').every((pid) => pid !== supervisor));
      const { stdout } = await home.nika('pod', 'ls', '--all', '--json');
      expect(JSON.parse(stdout)).toMatchObject([{ id: 'JOB-ends', status: 'lost', exit_code: 1 }]);
      expect(lineOf(home, 'job_failed')?.data).toMatchObject({ code: 'lost' });
      const end = lineOf(home, 'session_end_summary');
      expect(end?.data).toMatchObject({ outcome: 'lost', calls: 0, errors: 0 });
      expect(end?.meta['session_id']).toBe(recordOf(home, 'JOB-ends')?.session);
      expect(allOf(sleepers)).toEqual([]);
      const verified = await home.nika('bus', 'verify');
      expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining('Every line is as it was written')]);
      expect(verified.stdout).not.toContain('not closed');
    },
  );

  it.concurrent('SIGSTOP and SIGCONT: goes on as if nothing had been', async () => {
    await using stage = await startPod(kind);
    const { home, sleepers, supervisor } = stage;
    process.kill(supervisor, 'SIGSTOP');
    for (const pid of running(`sleep\0${sleepers.tool}`)) process.kill(pid, 'SIGTERM'); // the tool fails meanwhile
    process.kill(supervisor, 'SIGCONT');
    expect(await untilEnded(home)).toMatchObject({ status: 'failed', exit_code: 1 });
    expect(allOf(sleepers)).toEqual([]);
  });

  it.concurrent('hangs (SIGSTOP): pod stop kills it after the grace, and closes it', async () => {
    await using stage = await startPod(kind);
    const { home, sleepers, supervisor } = stage;
    // Again and again, since SIGCONT is a part of stop: a supervisor that is merely stopped ends well.
    const hang = setInterval(() => {
      if (running('supervise-worker').includes(supervisor)) trySignal(supervisor, 'SIGSTOP');
    }, 1);
    expect((await home.nika('pod', 'stop', 'JOB-ends', '--grace', '1s')).code).toBe(0);
    clearInterval(hang);
    expect((await untilEnded(home)).status).toBe('cancelled');
    expect(allOf(sleepers)).toEqual([]);
    expect(running(home.dir)).toEqual([]);
  });

  it.concurrent('power: all are killed at once, and the next command closes it', async () => {
    await using stage = await startPod(kind);
    const { home, sleepers, supervisor } = stage;
    for (const pid of [supervisor, ...allOf(sleepers)]) process.kill(pid, 'SIGKILL');
    await until('all to be gone', () => allOf(sleepers).length === 0);
    expect((await home.nika('pod', 'show', 'JOB-ends')).stdout).toContain('lost');
    expect((await home.nika('bus', 'verify')).code).toBe(0);
  });

  it.concurrent('pod kill: at once, and the story is still written', async () => {
    await using stage = await startPod(kind);
    const { home, sleepers } = stage;
    expect((await home.nika('pod', 'kill', 'JOB-ends')).code).toBe(0);
    expect(await untilEnded(home)).toMatchObject({ status: 'cancelled', exit_code: 137 });
    expect(lineOf(home, 'session_end_summary')?.data['outcome']).toBe('interrupted');
    expect(allOf(sleepers)).toEqual([]);
  });
});

/** Bash ends with such a code where its program died of the signal, or by the signal itself. */
const EXIT_OF = { SIGTERM: 143, SIGINT: 130, SIGHUP: 129, SIGKILL: 137, SIGSEGV: 139 } as const;

describe('a tool', () => {
  it.concurrent.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGKILL', 'SIGSEGV'] as const)(
    '%s: its call and the job fail, exit code 1, and its children do not outlive the pod',
    async (signal) => {
      await using stage = await startPod('cgroup');
      const { home, sleepers } = stage;
      // bash itself heeds SIGINT only where the program that it waits for died of it.
      const hit = [...running(join(home.cwd, 'tool.sh')), ...running(`sleep\0${sleepers.tool}`)];
      for (const pid of signal === 'SIGINT' ? hit.toReversed() : hit.slice(0, 1)) trySignal(pid, signal);
      const end = await untilEnded(home);
      expect(end).toMatchObject({ status: 'failed', exit_code: 1 });
      expect(lineOf(home, 'tool_call')?.data['error']).toMatch(new RegExp(`${signal}|${EXIT_OF[signal]}`));
      expect(allOf(sleepers)).toEqual([]);
    },
  );

  it.concurrent('SIGSTOP and SIGCONT: goes on', async () => {
    await using stage = await startPod('cgroup');
    const { home, sleepers } = stage;
    const [tool = 0] = running(`sleep\0${sleepers.tool}`);
    process.kill(tool, 'SIGSTOP');
    process.kill(tool, 'SIGCONT');
    process.kill(tool, 'SIGKILL');
    expect(await untilEnded(home)).toMatchObject({ status: 'failed' });
  });
});

describe.each(['session', 'group', 'cleaned'] as const)("a tool's grandchild (%s)", (which) => {
  it.concurrent.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGKILL', 'SIGSTOP', 'SIGSEGV'] as const)(
    '%s: is the affair of its parent, and nothing outlives the pod',
    async (signal) => {
      await using stage = await startPod('cgroup');
      const { home, sleepers } = stage;
      for (const pid of running(`sleep\0${sleepers[which]}`)) process.kill(pid, signal);
      expect(recordOf(home, 'JOB-ends')?.end).toBeNull();
      expect((await home.nika('pod', 'stop', 'JOB-ends', '--grace', '1s')).code).toBe(0);
      expect(await untilEnded(home)).toMatchObject({ status: 'cancelled', exit_code: 143 });
      expect(allOf(sleepers)).toEqual([]);
    },
  );
});

describe('a tool that misbehaves', () => {
  it.concurrent.each([
    ['loops for ever', 'while :; do :; done', 3, /NIKA_TOOL_TIMED_OUT/],
    [
      'takes all its memory',
      'ulimit -v 300000; exec node -e "const a = []; for (;;) a.push(Buffer.alloc(1e7, 1))"',
      1,
      /./,
    ],
    ['exits without a word', 'exit 0', 0, undefined],
  ] as const)('%s: ends as its step says', async (_what, command, exitCode, error) => {
    using home = new TestHome();
    const marker = uniqueSleepers().session;
    const line = JSON.stringify(`setsid sleep ${marker} & ${command}`);
    home.job('bad', `  - { tool: shell, timeout: 2s, input: { command: ${line} } }`);
    const { code, stderr } = await home.nika('pod', 'start', 'bad', '-q', '--id', 'JOB-ends');
    expect(code).toBe(exitCode);
    expect(stderr).toMatch(error ?? /^$/);
    expect(running(`sleep\0${marker}`)).toEqual([]);
  });
});

const MODULE = `
export const run = async (pod, inputs) => {
  const step = pod.tool('step', async (n) => n + 1);
  await step(1);
  if (inputs.how === 'throw') throw new Error('boom');
  if (inputs.how === 'exit') process.exit(0);
  if (inputs.how === 'abort') process.abort();
  if (inputs.how === 'memory') { const kept = []; for (;;) kept.push(new Array(1e5).fill(Math.random())); }
  if (inputs.how === 'loop') for (;;);
  if (inputs.how === 'wait') {
    await new Promise((resolve) => pod.signal.addEventListener('abort', resolve));
    return 'ended well';
  }
  if (inputs.how === 'rejection') Promise.reject(new Error('nobody caught it'));
  await new Promise((resolve) => setTimeout(resolve, 600_000));
};`;

const moduleHome = (): TestHome => {
  const home = new TestHome();
  writeFileSync(join(home.dir, 'config/jobs/mod.mjs'), MODULE);
  const text = `name: mod
description: A module of a test.
domain: test
intent: prove
inputs: { how: { default: '' }, limit: { default: 10m } }
timeout: \${{ inputs.limit }}
env: { NODE_OPTIONS: --max-old-space-size=48 }
module: ./mod.mjs
`;
  writeFileSync(join(home.dir, 'config/jobs/mod.yaml'), text);
  return home;
};

describe('the process of a module', () => {
  it.concurrent.each([
    ['throw', 1, /^Error: boom/],
    ['exit', 1, /exited with code 0 before run\(\) was done/],
    ['abort', 1, /killed by SIGABRT before run\(\) was done/],
    ['memory', 1, /ran out of memory/],
    ['rejection', 1, /nobody caught it/],
  ] as const)('%s: is told, exit code %i, and the record is whole', async (how, exitCode, error) => {
    using home = moduleHome();
    const { code, stderr } = await home.nika('pod', 'start', 'mod', '-q', '--id', 'JOB-ends', '-i', `how=${how}`);
    expect([code, stderr]).toEqual([exitCode, expect.stringMatching(error)]);
    expect(home.lines('channels/JOB-ends.jsonl').map(({ type }) => type)).toEqual([
      'entity_created',
      'session_start',
      'entity_started',
      'tool_call',
      'job_failed',
      'session_end_summary',
    ]);
    expect(running(home.dir)).toEqual([]);
  });

  it.concurrent('an endless loop: ends at the timeout, exit code 3', async () => {
    using home = moduleHome();
    const args = ['pod', 'start', 'mod', '-q', '--id', 'JOB-ends', '-i', 'how=loop', '-i', 'limit=1s'];
    const { code, stderr } = await home.nika(...args);
    expect([code, stderr]).toEqual([3, expect.stringContaining('timed out after 1 s')]);
    expect(running(home.dir)).toEqual([]);
  });

  it.concurrent('SIGTERM from outside aborts pod.signal, and run may end well', async () => {
    using home = moduleHome();
    const pod = home.start(['pod', 'start', 'mod', '-i', 'how=wait', '--id', 'JOB-ends']);
    await pod.printed('✓ step');
    process.kill(moduleOf(pod.child.pid), 'SIGTERM');
    const { code, stdout } = await pod.ended;
    expect([code, stdout]).toEqual([0, expect.stringContaining('ended well')]);
  });

  it.concurrent('a module that is stopped goes on', async () => {
    using home = moduleHome();
    const pod = home.start(['pod', 'start', 'mod', '-i', 'how=wait', '--id', 'JOB-ends']);
    await pod.printed('✓ step');
    const child = moduleOf(pod.child.pid);
    for (const signal of ['SIGSTOP', 'SIGCONT', 'SIGTERM'] as const) process.kill(child, signal);
    expect((await pod.ended).code).toBe(0);
  });

  it.concurrent.each(['SIGINT', 'SIGHUP', 'SIGKILL', 'SIGSEGV'] as const)(
    '%s from outside: the job fails, and says by what',
    async (signal) => {
      using home = moduleHome();
      const pod = home.start(['pod', 'start', 'mod', '--id', 'JOB-ends']);
      await pod.printed('✓ step');
      process.kill(moduleOf(pod.child.pid), signal);
      const { code, stdout } = await pod.ended;
      expect([code, stdout]).toEqual([1, expect.stringContaining(`was killed by ${signal} before run() was done`)]);
    },
  );
});

/** The process that runs the module of a pod in the foreground. */
const moduleOf = (supervisor: number | undefined): number => {
  const found = running('module-worker').find((pid) => parentOf(pid) === supervisor);
  if (found === undefined) throw new Error('the process of the module is not there');
  return found;
};

const parentOf = (pid: number): number | undefined => parents().get(pid);

const parents = (): ReadonlyMap<number, number> =>
  new Map(
    readdirSync('/proc').flatMap((name): [number, number][] => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        return [[Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])]];
      } catch {
        return []; // no process, or gone
      }
    }),
  );

describe('a pod in the foreground', () => {
  it('whose parent is killed goes on to its end', async () => {
    using home = new TestHome();
    const file = join(home.cwd, 'go');
    home.job('wait', `  - { tool: shell, input: { command: "until [ -e ${file} ]; do sleep 0.02; done" } }`);
    const shell = spawn('sh', ['-c', `${process.execPath} ${binary} pod start wait --id JOB-ends & wait`], {
      cwd: home.cwd,
      env: { PATH: process.env['PATH'], HOME: home.dir, NIKA_HOME: home.dir },
      stdio: 'ignore',
    });
    await untilTool(home, 'JOB-ends');
    shell.kill('SIGKILL');
    writeFileSync(file, '');
    expect(await untilEnded(home)).toMatchObject({ status: 'completed', exit_code: 0 });
  });

  it('whose terminal is closed ends with its story, exit code 129', async () => {
    using home = new TestHome();
    const dir = mkdtempSync(join(tmpdir(), 'nika-tmux-'));
    const marker = uniqueSleepers().tool;
    home.job('long', `  - { tool: shell, input: { argv: [sleep, "${marker}"] } }`);
    const tmux = (...args: readonly string[]) =>
      spawnSync('tmux', ['-S', join(dir, 's'), ...args], { encoding: 'utf8' });
    const command = `NIKA_HOME=${home.dir} ${process.execPath} ${binary} pod start long --id JOB-ends`;
    expect(tmux('new-session', '-d', '-x', '100', '-y', '30', command).status).toBe(0);
    await untilTool(home, 'JOB-ends');
    tmux('kill-server');
    expect(await untilEnded(home)).toMatchObject({ status: 'cancelled', outcome: 'interrupted', exit_code: 129 });
    expect(running(`sleep\0${marker}`)).toEqual([]);
    rmSync(dir, { recursive: true, force: true });
  });
});
