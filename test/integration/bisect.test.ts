import { type ChildProcess, execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ddmin } from '../../config/jobs/bisect/ddmin.mjs';
import type { BisectResult } from '../../config/jobs/bisect/bisect.mjs';
import { TestHome } from '../nika.ts';

const IDENTITY = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Ann',
  GIT_AUTHOR_EMAIL: 'ann@example.com',
  GIT_COMMITTER_NAME: 'Ann',
  GIT_COMMITTER_EMAIL: 'ann@example.com',
};

let home: TestHome;
let tmp: string;
beforeEach(() => {
  home = new TestHome();
  tmp = join(home.dir, 'tmp');
  mkdirSync(tmp);
  git('init', '--quiet', '--initial-branch=main');
});
afterEach(() => {
  home[Symbol.dispose]();
});

const git = (...args: readonly string[]): string =>
  execFileSync('git', args, {
    cwd: home.cwd,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], ...IDENTITY },
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();

/** Writes the files and commits them; the commit. */
const commit = (message: string, files: Readonly<Record<string, string>> = { [`${message}.txt`]: message }): string => {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(home.cwd, path)), { recursive: true });
    writeFileSync(join(home.cwd, path), content);
  }
  git('add', '--all');
  git('commit', '--quiet', '--message', message);
  return git('rev-parse', 'HEAD');
};

const start = (inputs: Readonly<Record<string, string>>, ...more: readonly string[]) =>
  home.start(
    ['pod', 'start', 'bisect', '--json', ...Object.entries(inputs).flatMap(([k, v]) => ['-i', `${k}=${v}`]), ...more],
    { TMPDIR: tmp },
  );

interface Found {
  readonly code: number | null;
  readonly result: BisectResult & { readonly suspects?: readonly string[] };
  readonly error: string | undefined;
  readonly stderr: string;
}

const bisect = async (inputs: Readonly<Record<string, string>>): Promise<Found> => {
  const { code, stdout, stderr } = await start(inputs).ended;
  const events = stdout.trim().split('\n');
  const last = JSON.parse(events.at(-1) ?? '{}') as Pick<Found, 'result' | 'error'>;
  return { code, result: last.result, error: last.error, stderr };
};

/** Nothing is left of the worktree, neither the folder nor what git knows of it. */
const expectNothingLeft = (): void => {
  expect(readdirSync(tmp).filter((name) => name.startsWith('nika-bisect-'))).toEqual([]);
  expect(existsSync(join(home.cwd, '.git/worktrees'))).toBe(false);
};

/** Twelve commits; in the eighth one of three files breaks the sum. The commit that did. */
const brokenSum = (): string => {
  commit('start', { 'sum.sh': 'echo $(($1 + $2))\n', 'test.sh': 'test "$(sh sum.sh 1 2)" = 3\n' });
  for (let at = 2; at < 8; at += 1) commit(`feature-${at}`);
  const culprit = commit('tidy up', {
    'sum.sh': 'echo $(($1 - $2))\n',
    'feature-2.txt': 'tidy',
    'docs/notes.md': '# Notes\n',
  });
  for (let at = 9; at <= 12; at += 1) commit(`feature-${at}`);
  return culprit;
};

const callsOf = (tool: string) => home.channels.filter(({ data }) => data['tool_name'] === tool);

describe('the job bisect', () => {
  it('finds the commit that broke a test and the one of its files that did, and touches nothing of the checkout', async () => {
    const culprit = brokenSum();
    writeFileSync(join(home.cwd, 'sum.sh'), 'not committed\n');
    git('add', 'sum.sh');
    const before = [
      git('--no-optional-locks', 'status', '--porcelain'),
      statSync(join(home.cwd, '.git/index')).mtimeMs,
      git('rev-parse', 'HEAD'),
    ];
    const { code, result, stderr } = await bisect({ test: 'sh test.sh' });
    expect([code, stderr]).toEqual([0, '']);
    expect(result).toMatchObject({ commit: culprit, author: 'Ann', subject: 'tidy up', culprits: ['sum.sh'] });
    expect(result.date).toMatch(/^\d{4}-\d\d-\d\dT/);
    expect(result.tries).toBeLessThanOrEqual(12);
    expect(result.how).toMatch(
      /^After \d+ tries: [0-9a-f]{10} breaks the test by sum\.sh alone, put on the commit before it, [0-9a-f]{10}; its other files alone do not\.$/,
    );
    const after = [
      git('--no-optional-locks', 'status', '--porcelain'),
      statSync(join(home.cwd, '.git/index')).mtimeMs,
      git('rev-parse', 'HEAD'),
    ];
    expect(after).toEqual(before);
    expectNothingLeft();
  });

  it('makes every checkout and every run of the test a tool call, in three TASKs', async () => {
    brokenSum();
    const { result } = await bisect({ test: 'sh test.sh' });
    expect(callsOf('run_test')).toHaveLength(result.tries);
    expect(callsOf('checkout').length + callsOf('apply_changes').length).toBe(result.tries);
    const { stdout } = await home.nika('tree');
    for (const task of ['find good', 'bisect', 'minimise']) expect(stdout).toMatch(new RegExp(`✓ ${task} TASK-`));
  });

  it('finds the culprit on the side branch that a merge brought in', async () => {
    commit('start', { 'a.txt': 'good\n' });
    for (let at = 1; at <= 3; at += 1) commit(`main-${at}`);
    git('checkout', '--quiet', '-b', 'side', 'HEAD~2');
    commit('side-1');
    const culprit = commit('side-2', { 'a.txt': 'bad\n' });
    commit('side-3');
    git('checkout', '--quiet', 'main');
    commit('main-4');
    git('merge', '--quiet', '--no-ff', '--message', 'merge side', 'side');
    commit('main-5');
    const { result } = await bisect({ test: 'grep good a.txt' });
    expect(result).toMatchObject({ commit: culprit, subject: 'side-2', culprits: ['a.txt'] });
  });

  it('finds the merge of two good sides that do not fit together', async () => {
    commit('start', { 'old.txt': '1\n' });
    git('checkout', '--quiet', '-b', 'side');
    commit('side', { 'use.txt': 'old.txt' });
    git('checkout', '--quiet', 'main');
    git('mv', 'old.txt', 'new.txt');
    commit('renamed', {});
    git('merge', '--quiet', '--no-ff', '--message', 'merge side', 'side');
    const merge = git('rev-parse', 'HEAD');
    const { result } = await bisect({ test: 'test ! -e use.txt || test -e "$(cat use.txt)"' });
    expect(result).toMatchObject({ commit: merge, subject: 'merge side', culprits: ['use.txt'] });
  });

  it('passes by commits that cannot be judged (exit code 125, a setup that fails), and finds the culprit all the same', async () => {
    const culprit = brokenSum();
    const skipped = [git('rev-parse', `${culprit}~2`), git('rev-parse', `${culprit}~3`), git('rev-parse', 'HEAD~1')];
    const test = `case $(git rev-parse HEAD) in ${skipped.join('|')}) exit 125;; esac; sh test.sh`;
    expect((await bisect({ test })).result).toMatchObject({ commit: culprit, culprits: ['sum.sh'] });
    const setup = `case $(git rev-parse HEAD) in ${skipped.join('|')}) exit 1;; esac; touch ready`;
    const { result } = await bisect({ test: 'test -e ready && sh test.sh', setup, minimise: 'false' });
    expect(result).toMatchObject({ commit: culprit, culprits: [] });
  });

  it('says which commits are left where those around the culprit cannot be judged', async () => {
    const culprit = brokenSum();
    const skipped = [culprit, git('rev-parse', `${culprit}~1`)];
    const test = `case $(git rev-parse HEAD) in ${skipped.join('|')}) exit 125;; esac; sh test.sh`;
    const { code, error, result } = await bisect({ test });
    expect(code).toBe(1);
    expect(error).toMatch(/^it is one of 3 commits; those that are left cannot be judged: /);
    expect(result.suspects).toEqual(expect.arrayContaining([...skipped]));
    expect(result.suspects).toHaveLength(3);
    expectNothingLeft();
  });

  it('takes two files that break only together, and one that was renamed as one change', async () => {
    commit('start', { 'a.txt': 'x', 'b.txt': 'x', 'lib.txt': '1\n2\n3\n4\n5\n' });
    git('mv', 'lib.txt', 'moved.txt');
    const culprit = commit('both', { 'a.txt': 'bad', 'b.txt': 'bad', 'c.txt': 'new', 'ö ü.txt': 'new' });
    const { result } = await bisect({
      test: 'test -e lib.txt -o -e moved.txt && ! { grep bad a.txt && grep bad b.txt; }',
    });
    expect(result).toMatchObject({ commit: culprit, culprits: ['a.txt', 'b.txt'] });
  });

  it.each([
    ['passes at HEAD', { test: 'true' }, /^the test passes at HEAD: there is nothing to look for$/],
    [
      'fails everywhere',
      { test: 'false' },
      /^no commit was found at which the test passes: it fails at 6, the oldest of them /,
    ],
    ['can be run nowhere', { test: 'exit 125' }, /^the test cannot be judged at HEAD: exit code 125$/],
    ['is no program', { test: 'no-such-program' }, /^the test cannot be judged at HEAD: exit code 127, .*not found/],
    ['has no such commit', { test: 'false', bad: 'nope' }, /^bad: "nope" is no commit of /],
    [
      'has a good commit that is bad',
      { test: 'false', good: 'HEAD~3' },
      /^the test fails at the good commit HEAD~3 too/,
    ],
    [
      'lacks what it needs',
      { test: 'false', setup: 'exit 3' },
      /^the test cannot be judged at HEAD: the setup failed: exit/,
    ],
  ])('says so of a test that %s, and fails', async (_, inputs, message) => {
    brokenSum();
    const { code, error } = await bisect(inputs);
    expect(code).toBe(1);
    expect(error).toMatch(message);
    expectNothingLeft();
  });

  it('says so where it was mended on the good side instead', async () => {
    commit('start', { 'a.txt': 'bad' });
    git('checkout', '--quiet', '-b', 'mended');
    commit('mend', { 'a.txt': 'good' });
    git('checkout', '--quiet', 'main');
    commit('on');
    const { error } = await bisect({ test: 'grep good a.txt', good: 'mended' });
    expect(error).toMatch(/it was mended on the way to mended, not broken on the other$/);
  });

  it('says so outside of a git repository', async () => {
    const { code, stdout } = await home.start(['pod', 'start', 'bisect', '--json', '-i', 'test=false'], {
      GIT_DIR: '/nonexistent',
      GIT_CEILING_DIRECTORIES: home.dir,
      TMPDIR: tmp,
    }).ended;
    expect(code).toBe(1); // GIT_DIR is not followed: the repository is found, and has no commit
    expect(stdout).toContain('\\"HEAD\\" is no commit of');
  });

  it('takes a test that hangs for one that fails', async () => {
    commit('start', { 'a.txt': 'good' });
    const culprit = commit('hang', { 'a.txt': 'bad' });
    const { result } = await bisect({ test: 'grep good a.txt || sleep 600', timeout: '400ms' });
    expect(result).toMatchObject({ commit: culprit, culprits: ['a.txt'] });
  });

  it('with repeat does not judge by a test that once passes and once fails', async () => {
    brokenSum();
    const count = join(home.dir, 'count');
    const test = `echo x >> ${count}; test $(($(wc -l < ${count}) % 2)) = 0`;
    const { error } = await bisect({ test, repeat: 'true' });
    expect(error).toBe('the test cannot be judged at HEAD: of two tries one passed and one failed: the test is flaky');
  });

  it('gives each try a clean folder but for what is to be kept, and runs no hook of the repository', async () => {
    const culprit = brokenSum();
    commit('ignore', { '.gitignore': 'cache\nleft\n' });
    const hook = join(home.cwd, '.git/hooks/post-checkout');
    writeFileSync(hook, `#!/bin/sh\ntouch ${home.dir}/hooked\n`);
    chmodSync(hook, 0o755);
    const test =
      'test -e left && exit 125; touch left seen; echo x >> cache; echo $(wc -l < cache) > $BISECT_CHECKOUT/../n; sh test.sh';
    const { result } = await bisect({ test, keep: 'cache' });
    expect(result).toMatchObject({ commit: culprit });
    expect(Number(readFileSync(join(home.dir, 'n'), 'utf8'))).toBe(result.tries);
    expect(existsSync(join(home.dir, 'hooked'))).toBe(false);
  });

  it('runs the test in the folder where you stand', async () => {
    mkdirSync(join(home.cwd, 'sub'));
    commit('start', { 'sub/a.txt': 'good' });
    const culprit = commit('break', { 'sub/a.txt': 'bad' });
    const { stdout } = spawnSync(process.execPath, [...nikaAt(), '-i', 'test=grep good a.txt'], {
      cwd: join(home.cwd, 'sub'),
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], HOME: home.dir, NIKA_HOME: home.dir, TMPDIR: tmp },
    });
    expect(stdout).toContain(culprit);
  });
});

const nikaAt = (): readonly string[] => [join(import.meta.dirname, '../../bin/nika.cjs'), 'pod', 'start', 'bisect'];

/** Processes with this text in their command line. */
const processesWith = (text: string): readonly string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return line.includes(text) ? [`${pid} ${line}`] : [];
      } catch {
        return [];
      }
    });

const untilThere = async (path: string): Promise<void> => {
  for (const untilMs = Date.now() + 20_000; !existsSync(path); await sleep(20))
    if (Date.now() > untilMs) throw new Error(`${path} did not come`);
};

describe('a bisection that is interrupted', () => {
  const SLEEPS = `sleep 87654.${process.pid}`;

  const interrupt = async (how: (child: ChildProcess) => void): Promise<number | null> => {
    brokenSum();
    const mark = join(home.dir, 'mark');
    // The first leaves the process group of the test, the second does not heed SIGTERM.
    const test = `setsid ${SLEEPS} & trap "" TERM; touch ${mark}; ${SLEEPS}`;
    const { child, ended } = start({ test });
    await untilThere(mark);
    expect(readdirSync(tmp).some((name) => name.startsWith('nika-bisect-'))).toBe(true);
    how(child);
    const { code } = await ended;
    return code;
  };

  it('by Ctrl-C leaves no worktree and no process', async () => {
    expect(await interrupt((child) => child.kill('SIGINT'))).toBe(130);
    expect(processesWith(SLEEPS)).toEqual([]);
    expectNothingLeft();
    expect(git('worktree', 'list').split('\n')).toHaveLength(1);
  });

  it('by its time limit of calls leaves none either', async () => {
    brokenSum();
    writeFileSync(join(home.dir, 'config/nika.yaml'), 'limits: { toolCalls: 5 }\n');
    expect((await bisect({ test: 'sh test.sh' })).code).toBe(3);
    expectNothingLeft();
  });

  it('by SIGKILL of the whole pod leaves what the next one takes away', async () => {
    await interrupt((child) => {
      child.kill('SIGKILL');
      for (const name of readdirSync(tmp)) {
        const pid = /^nika-bisect-(\d+)-/.exec(name)?.[1];
        if (pid !== undefined) process.kill(Number(pid), 'SIGKILL');
      }
    });
    for (const line of processesWith(SLEEPS)) process.kill(Number.parseInt(line, 10), 'SIGKILL');
    const { result } = await bisect({ test: 'sh test.sh' });
    expect(result.subject).toBe('tidy up');
    expectNothingLeft();
  });
});

describe('ddmin', () => {
  it.each([
    [[3], 12],
    [[0, 11], 12],
    [[1, 5, 6, 30], 40],
    [[0, 1, 2], 3],
  ])('finds %j among %i', async (wanted, count) => {
    let asked = 0;
    const happens = async (part: readonly number[]): Promise<boolean> => {
      asked += 1;
      return wanted.every((item) => part.includes(item));
    };
    const items = Array.from({ length: count }, (_, at) => at);
    expect(await ddmin(items, happens, () => true)).toEqual(wanted);
    expect(asked).toBeLessThan(120);
  });

  it('keeps the smallest part so far when it may not go on', async () => {
    let left = 5;
    const part = await ddmin(
      [1, 2, 3, 4, 5, 6, 7, 8],
      async (some) => some.includes(8),
      () => (left -= 1) > 0,
    );
    expect(part).toContain(8);
    expect(part.length).toBeLessThan(8);
  });
});
