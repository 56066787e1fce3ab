import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../pods.ts';
import { WorktreeHome } from '../worktree-home.ts';

const WORK = `
echo more >> a.txt && git commit -qam more
mkdir new && echo fresh > new/file.txt && git mv sub/b.txt sub/c.txt && printf '\\0\\1' > binary && echo x > ignored.log
`;

describe('nika pod diff', () => {
  let home: WorktreeHome;
  beforeAll(async () => {
    home = new WorktreeHome();
    home.write('.gitignore', '*.log\n').commit('ignore logs');
    await home.run('JOB-d', WORK);
  });
  afterAll(() => home[Symbol.asyncDispose]());

  it('shows what is committed, what is not, and new files, as git shows a diff', async () => {
    const { stdout, stderr, code } = await home.nika('pod', 'diff', 'JOB-d');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('diff --git a/a.txt b/a.txt\n');
    expect(stdout).toContain('+more\n');
    expect(stdout).toMatch(
      /new file mode 100644\n(?:index .*\n)?--- \/dev\/null\n\+\+\+ b\/new\/file.txt\n@@ -0,0 \+1 @@\n\+fresh\n/,
    );
    expect(stdout).toContain('rename from sub/b.txt\nrename to sub/c.txt\n');
    expect(stdout).not.toContain('ignored.log');
  });

  it('with --stat, --name-only, and of some paths alone', async () => {
    const { stdout: stat } = await home.nika('pod', 'diff', 'JOB-d', '--stat');
    expect(stat).toMatch(
      /a\.txt +\| +1 \+\n binary +\| +Bin 0 -> 2 bytes\n new\/file\.txt +\| +1 \+\n[^]*4 files changed, 2 insert/,
    );
    const { stdout: names } = await home.nika('pod', 'diff', 'JOB-d', '--name-only', '--', 'new', 'a.txt');
    expect(names).toBe('a.txt\nnew/file.txt\n');
  });

  it('as JSON', async () => {
    const { stdout } = await home.nika('pod', 'diff', 'JOB-d', '--json');
    const base = home.git('rev-parse', 'HEAD');
    expect(JSON.parse(stdout)).toMatchObject({
      id: 'JOB-d',
      branch: 'nika/sh-d',
      base,
      insertions: 2,
      deletions: 0,
      files: [
        { path: 'a.txt', status: 'changed', insertions: 1, deletions: 0 },
        { path: 'binary', status: 'added', insertions: null, deletions: null },
        { path: 'new/file.txt', status: 'added', insertions: 1, deletions: 0 },
        { path: 'sub/c.txt', status: 'renamed', from: 'sub/b.txt', insertions: 0, deletions: 0 },
      ],
    });
  });

  it('in colour where the person configured that', async () => {
    home.git('config', 'color.ui', 'always');
    const { stdout } = await home.nika('pod', 'diff', 'JOB-d', '--', 'a.txt');
    home.git('config', '--unset', 'color.ui');
    expect(stdout).toContain('\u001B[32m+');
  });

  it('touches neither the index of the worktree nor the objects of the repository', async () => {
    const objects = (): string => home.git('count-objects', '-v');
    const index = join(home.cwd, '.git/worktrees/JOB-d/index');
    const before = [readFileSync(index), statSync(index).mtimeMs, objects()];
    await home.nika('pod', 'diff', 'JOB-d');
    await home.nika('pod', 'diff', 'JOB-d', '--json');
    expect([readFileSync(index), statSync(index).mtimeMs, objects()]).toEqual(before);
    expect(home.gitIn(home.pathOf('JOB-d'), 'status', '--porcelain')).toContain('?? new/');
  });

  it('can be applied to the checkout', async () => {
    const { stdout } = await home.nika('pod', 'diff', 'JOB-d', '--', 'a.txt', 'new');
    const patch = join(home.dir, 'patch');
    writeFileSync(patch, stdout);
    expect(home.git('apply', '--stat', patch)).toContain('2 files changed');
    expect(() => home.git('apply', '--check', patch)).not.toThrow();
  });
});

it('works while the pod runs', async () => {
  await using home = new WorktreeHome();
  await home.nika('run', '-d', '--worktree', '--id', 'JOB-r', '--', 'sh', '-c', 'echo x > new.txt; sleep 300.5');
  const { stdout } = await until('a diff', async () => {
    const ended = await home.nika('pod', 'diff', 'JOB-r', '--name-only');
    return ended.stdout !== '' && ended;
  });
  expect(stdout).toBe('new.txt\n');
});

it('of a worktree that is gone: what was committed; else it says that there is nothing', async () => {
  await using home = new WorktreeHome();
  await home.run('JOB-c', 'echo more >> a.txt; git commit -qam more');
  home.git('worktree', 'remove', home.pathOf('JOB-c'));
  const kept = await home.nika('pod', 'diff', 'JOB-c', '--name-only');
  expect([kept.stdout, kept.stderr]).toEqual([
    'a.txt\n',
    'its worktree is gone: this is what was committed (nika/sh-c)\n',
  ]);
  await home.run('JOB-n', 'true');
  const none = await home.nika('pod', 'diff', 'JOB-n');
  expect([none.code, none.stderr]).toEqual([
    2,
    expect.stringContaining('the worktree of JOB-n is gone, and nothing was changed in it'),
  ]);
});

it('says that a pod has no worktree, that it lost its .git, that its repository is gone', async () => {
  await using home = new WorktreeHome();
  await home.nika('run', '--id', 'JOB-plain', '--', 'true');
  const plain = await home.nika('pod', 'diff', 'JOB-plain');
  expect([plain.code, plain.stderr]).toEqual([
    2,
    expect.stringContaining('JOB-plain has no git worktree: it runs where it was started'),
  ]);
  await home.run('JOB-g', 'echo x > new.txt');
  rmSync(join(home.cwd, '.git'), { recursive: true });
  const gone = await home.nika('pod', 'diff', 'JOB-g');
  expect([gone.code, gone.stderr]).toEqual([2, expect.stringContaining('the repository of JOB-g is not there')]);
});
