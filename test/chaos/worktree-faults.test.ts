import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { binary } from '../nika.ts';
import { recordsOf, running, until, untilTool } from '../pods.ts';
import { WorktreeHome } from '../worktree-home.ts';

interface HangingGit {
  readonly env: Readonly<Record<string, string>>;
  /** What hangs now. */
  readonly hung: () => readonly number[];
}

/** A `git` before the real one on the PATH, which hangs where the script says so. */
const hangingGit = (home: WorktreeHome, when: string): HangingGit => {
  const dir = join(home.dir, 'bin');
  mkdirSync(dir);
  const marker = `300.${String(Math.random()).slice(2, 11)}`; // nobody else sleeps so long
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  writeFileSync(join(dir, 'git'), `#!/bin/sh\n${when} && exec sleep ${marker}\nexec ${real} "$@"\n`);
  chmodSync(join(dir, 'git'), 0o755);
  const env = { PATH: `${dir}${delimiter}${process.env['PATH'] ?? ''}` };
  return { env, hung: () => running(`sleep\0${marker}`) };
};

const isBusEmpty = (home: WorktreeHome): boolean => {
  const dir = join(home.dir, '_bus/channels');
  return !existsSync(dir) || readdirSync(dir).length === 0;
};
const noneLeft = ({ hung }: HangingGit): Promise<unknown> => until('git to be gone', () => hung().length === 0);

describe.concurrent('G1: git hangs', () => {
  it('at the start: one error after 10 s, and nothing is written', async () => {
    await using home = new WorktreeHome();
    const git = hangingGit(home, 'true');
    const { code, stderr } = await home.start(['run', '--worktree', '--', 'true'], git.env).ended;
    expect([code, stderr]).toEqual([1, expect.stringContaining('git rev-parse did not end within 10 s')]);
    expect([existsSync(join(home.dir, '_bus')), home.branches]).toEqual([false, []]);
    await noneLeft(git);
  });

  it('while it makes the worktree: ended after worktrees.timeout, nothing is left and nothing written', async () => {
    await using home = new WorktreeHome();
    const git = hangingGit(home, 'case "$*" in *"worktree add"*) true;; *) false;; esac');
    const env = {
      ...git.env,
      NIKA_WORKTREES_TIMEOUT: '1s',
    };
    for (const flags of [[], ['-d']]) {
      const { code, stderr } = await home.start(['run', '--worktree', '--id', 'JOB-h', ...flags, '--', 'true'], env)
        .ended;
      expect([code, stderr]).toEqual([
        1,
        expect.stringContaining('cannot be made: git worktree did not end within 1 s'),
      ]);
      expect([home.has('JOB-h'), home.branches, home.worktrees, isBusEmpty(home)]).toEqual([false, [], [], true]);
    }
    await noneLeft(git);
  });

  it('while it makes the worktree, and somebody presses Ctrl-C: cancelled, and nothing is left', async () => {
    await using home = new WorktreeHome();
    const git = hangingGit(home, 'case "$*" in *"worktree add"*) true;; *) false;; esac');
    const { child, ended } = home.start(['pod', 'start', 'none', '--id', 'JOB-i'], git.env);
    await ended; // no such job: the program is warm
    home.job('none', '  - { tool: shell, input: { argv: ["true"] } }', 'worktree: true');
    const started = home.start(['pod', 'start', 'none', '--id', 'JOB-i'], git.env);
    await until('git to hang', () => git.hung().length > 0);
    started.child.kill('SIGINT');
    const { code } = await started.ended;
    expect([code, child.exitCode]).toEqual([130, 2]);
    expect([home.has('JOB-i'), home.branches, home.worktrees]).toEqual([false, [], []]);
    expect(home.lines('channels/JOB-i.jsonl').map(({ type }) => type)).toContain('job_cancelled');
    await noneLeft(git);
  });

  it.sequential('at the end: the pod ends as it would have, within 15 s, the worktree stays, and it says why', async () => {
    await using home = new WorktreeHome();
    const git = hangingGit(home, `[ -e "${home.dir}/hang" ]`);
    const startedAtMs = performance.now();
    const args = ['run', '--worktree', '--id', 'JOB-e', '--', 'sh', '-c', `echo x > new.txt; touch "${home.dir}/hang"`];
    const { code, stderr } = await home.start(args, git.env).ended;
    expect([code, performance.now() - startedAtMs < 15_000]).toEqual([0, true]);
    expect(stderr).toMatch(/git is degraded: git did not answer within 10 s; the worktree .*JOB-e stays as it is/);
    expect(home.record('JOB-e').end?.status).toBe('completed');
    expect(home.record('JOB-e').worktree).toMatchObject({ kept: true, head: null });
    expect(readFileSync(join(home.pathOf('JOB-e'), 'new.txt'), 'utf8')).toBe('x\n');
    await noneLeft(git);
  });

  it('at the end of a pod that somebody stops: its story is written before it is killed for being late', async () => {
    await using home = new WorktreeHome();
    const git = hangingGit(home, `[ -e "${home.dir}/hang" ]`);
    await home.start(['run', '-d', '--worktree', '--id', 'JOB-s', '--', 'sleep', '300.5'], git.env).ended;
    await untilTool(home, 'JOB-s');
    writeFileSync(join(home.dir, 'hang'), '');
    await home.start(['pod', 'stop', 'JOB-s', '--grace', '1s'], git.env).ended;
    expect(home.record('JOB-s').end).toMatchObject({ status: 'cancelled', outcome: 'interrupted', exit_code: 143 });
    expect(home.lines('channels/JOB-s.jsonl').at(-1)?.type).toBe('session_end_summary');
    await noneLeft(git);
  });

  it('only while it counts what is not committed: what is committed is told', async () => {
    await using home = new WorktreeHome();
    const git = hangingGit(home, 'case "$*" in *intent-to-add*) true;; *) false;; esac');
    const script = 'echo x >> a.txt; git commit -qam x; echo y > new.txt';
    await home.start(['run', '--worktree', '--id', 'JOB-c', '--', 'sh', '-c', script], git.env).ended;
    expect(home.told('JOB-c')).toMatchObject({ kept: true, commits: 1, files: 1, insertions: 1 });
    expect(home.told('JOB-c')?.['summary']).toContain('What is not committed was not counted: git took too long.');
    await noneLeft(git);
  });
});

describe.concurrent('kill -9', () => {
  it('of the pod: its worktree stays, its end tells of it, and a restart goes on in it, also where it was removed', async () => {
    await using home = new WorktreeHome();
    home.job(
      'long',
      '  - { tool: shell, input: { command: "echo x >> runs; exec sleep 300.5" } }',
      'worktree: true\nretry: { attempts: 3 }',
    );
    const runs = join(home.pathOf('JOB-k'), 'runs');
    const lines = (): number => (existsSync(runs) ? readFileSync(runs, 'utf8').length / 2 : 0);
    const kill = async (): Promise<void> => {
      const { pid } = home.record('JOB-k').process;
      process.kill(pid, 'SIGKILL');
      await until('it to be closed', async () => {
        await home.nika('pod', 'ls');
        return home.record('JOB-k').end !== null;
      });
    };
    await home.nika('pod', 'start', 'long', '-d', '--id', 'JOB-k');
    await until('the first', () => lines() === 1);
    await kill();
    expect(home.told('JOB-k')).toMatchObject({ kept: true, commits: 0, files: 1, insertions: 1 });
    expect((await home.nika('pod', 'diff', 'JOB-k')).stdout).toContain('+x\n');
    await home.nika('pod', 'prune');
    expect(home.has('JOB-k')).toBe(true);
    await home.nika('pod', 'restart', 'JOB-k');
    await until('the second', () => lines() === 2);
    await kill();
    home.gitIn(home.pathOf('JOB-k'), 'add', 'runs');
    home.gitIn(home.pathOf('JOB-k'), 'commit', '--quiet', '--message', 'kept');
    execFileSync('rm', ['-rf', home.pathOf('JOB-k')]);
    await home.nika('pod', 'restart', 'JOB-k');
    await until('the third', () => lines() === 3);
    await home.nika('pod', 'kill', 'JOB-k');
  });

  it('of the supervisor while git makes the worktree: what is left is removed by nika pod prune an hour later', async () => {
    await using home = new WorktreeHome();
    const slow = `case "$*" in *"worktree add"*) touch "${home.dir}/adding"; until [ -e "${home.dir}/go" ]; do sleep 0.05; done; false;; *) false;; esac`;
    const git = hangingGit(home, slow);
    const { child, ended } = home.start(['run', '--worktree', '--id', 'JOB-o', '--', 'true'], git.env);
    await until('git to begin', () => existsSync(join(home.dir, 'adding')));
    child.kill('SIGKILL');
    await ended;
    writeFileSync(join(home.dir, 'go'), '');
    await until('git to be done', () => existsSync(join(home.pathOf('JOB-o'), 'a.txt')));
    expect((await home.nika('pod', 'prune')).stdout).toBe('Forgot 0 ended sessions.\n');
    const longAgo = new Date(Date.now() - 2 * 3_600_000);
    utimesSync(home.pathOf('JOB-o'), longAgo, longAgo);
    expect((await home.nika('pod', 'prune')).stdout).toMatch(/^Removed .*JOB-o\n/);
    expect([home.branches, home.worktrees]).toEqual([[], []]);
  });
});

it('20 pods at once in one repository have 20 worktrees, and leave none', async () => {
  await using home = new WorktreeHome();
  const ids = Array.from({ length: 20 }, (_, at) => `JOB-p${at}`);
  const script = `echo "$0" > mine.txt; until [ -e "${home.dir}/go" ]; do sleep 0.1; done; cat mine.txt; rm mine.txt`;
  const all = ids.map((id) => home.start(['run', '--worktree', '--id', id, '--', 'sh', '-c', script, id]));
  await until('all of them', () => ids.every((id) => existsSync(join(home.pathOf(id), 'mine.txt'))));
  expect([home.worktrees.length, home.branches.length]).toEqual([20, 20]);
  writeFileSync(join(home.dir, 'go'), '');
  const ended = await Promise.all(all.map((each) => each.ended));
  expect(ended.map(({ code, stdout, stderr }) => [code, stdout, stderr])).toEqual(ids.map((id) => [0, `${id}\n`, '']));
  expect([home.worktrees, home.branches, recordsOf(home).length]).toEqual([[], [], 20]);
});

it.concurrent('a lock that another git left in the repository is waited for, and told where it stays', async () => {
  await using home = new WorktreeHome();
  mkdirSync(join(home.cwd, '.git/refs/heads/nika'));
  const lock = join(home.cwd, '.git/refs/heads/nika/sh-l.lock');
  writeFileSync(lock, '');
  const waiting = home.run('JOB-l', 'true');
  setTimeout(() => execFileSync('rm', [lock]), 3_000);
  expect((await waiting).code).toBe(0);
  mkdirSync(join(home.cwd, '.git/refs/heads/nika'), { recursive: true });
  writeFileSync(lock, '');
  const { code, stderr } = await home.run('JOB-l2', 'true', '--branch', 'nika/sh-l');
  expect([code, stderr]).toEqual([1, expect.stringContaining('sh-l.lock')]);
  expect([home.has('JOB-l2'), home.worktrees]).toEqual([false, []]);
});

it('a full disk under the worktrees: told by git, nothing of it is left, and nothing written', async () => {
  await using home = new WorktreeHome();
  home.write('large', 'x'.repeat(3_000_000)).commit('large');
  mkdirSync(join(home.dir, 'run/worktrees'), { recursive: true });
  const script = `exec 2>&1; mount -t tmpfs -o size=1m tmpfs "$1/run/worktrees" || exit 99
cd "$1/work" && NIKA_HOME="$1" "$2" "$3" run --worktree --id JOB-f -- true; echo "exit $?"; ls -A "$1/run/worktrees"`;
  const userNamespace = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  const args = ['--mount', ...userNamespace, 'sh', '-c', script, 'sh', home.dir, process.execPath, binary];
  const said = execFileSync('unshare', args, {
    encoding: 'utf8',
    env: { ...process.env, HOME: home.dir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  expect(said).toContain('nika: the worktree cannot be made: unable to write file large');
  expect(said).toMatch(/Look whether the disk has room[^\n]*\[NIKA_WORKTREE_FAILED\]\nexit 1\n$/);
  expect([home.branches, home.worktrees, isBusEmpty(home)]).toEqual([[], [], true]);
});
