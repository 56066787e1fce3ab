import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { untilTool } from '../pods.ts';
import { WorktreeHome } from '../worktree-home.ts';

const COMMIT = 'echo more >> a.txt; git commit -qam "more of a"';
const gone = { worktrees: [], branches: [] };
const left = (home: WorktreeHome) => ({ worktrees: home.worktrees, branches: home.branches });

describe('nika pod merge', () => {
  it('moves the branch here forward, and removes worktree and branch', async () => {
    await using home = new WorktreeHome();
    await home.run('JOB-m', COMMIT);
    const { code, stdout } = await home.nika('pod', 'merge', 'JOB-m');
    expect([code, home.git('log', '--format=%s')]).toEqual([0, 'more of a\nfirst']);
    expect(stdout).toMatch(
      /Fast-forward[^]*merged nika\/sh-m into main, [0-9a-f]{12}; its worktree and branch are removed\n$/,
    );
    expect([left(home), home.has('JOB-m')]).toEqual([gone, false]);
    expect(home.record('JOB-m').worktree).toMatchObject({ kept: false, head: home.git('rev-parse', 'HEAD') });
    const { stdout: diff } = await home.nika('pod', 'diff', 'JOB-m', '--name-only');
    expect(diff).toBe('a.txt\n');
  });

  it('makes a commit where both went on, or where a message is given; with the hooks of the repository', async () => {
    await using home = new WorktreeHome();
    const hook = join(home.cwd, '.git/hooks/commit-msg');
    await home.run('JOB-m', COMMIT);
    writeFileSync(hook, '#!/bin/sh\nprintf "\\nfrom the hook\\n" >> "$1"\n');
    chmodSync(hook, 0o755);
    const { code } = await home.nika('pod', 'merge', 'JOB-m', '--message', 'All of a');
    expect([code, home.git('log', '-1', '--format=%B')]).toEqual([0, 'All of a\nfrom the hook']);
    expect(home.git('rev-list', '--count', '--merges', 'HEAD')).toBe('1');
  });

  it('as one commit; or without one, which keeps the worktree until the next merge', async () => {
    await using home = new WorktreeHome();
    await home.run('JOB-s', `${COMMIT}; ${COMMIT}`);
    const squashed = await home.nika('pod', 'merge', 'JOB-s', '--squash', '--message', 'One');
    expect([squashed.code, home.git('log', '--format=%s'), left(home)]).toEqual([0, 'One\nfirst', gone]);
    await home.run('JOB-n', COMMIT);
    const open = await home.nika('pod', 'merge', 'JOB-n', '--no-commit');
    expect([open.code, open.stdout]).toEqual([
      0,
      expect.stringContaining('merged, not committed yet: nika/sh-n into main'),
    ]);
    expect([home.git('diff', '--cached', '--name-only'), home.has('JOB-n')]).toEqual(['a.txt', true]);
    home.git('commit', '--quiet', '--no-edit');
    const again = await home.nika('pod', 'merge', 'JOB-n');
    expect(again.stdout).toMatch(/^merged already: nika\/sh-n into main, .*; its worktree and branch are removed\n$/);
    expect(left(home)).toEqual(gone);
  });

  it('with --keep keeps both, and as JSON tells all of it', async () => {
    await using home = new WorktreeHome();
    await home.run('JOB-k', `${COMMIT}; echo x > new.txt`);
    const { code, stdout, stderr } = await home.nika('pod', 'merge', 'JOB-k', '--keep', '--json');
    expect(code).toBe(0);
    expect(stderr).toContain('not merged, since not committed: 1 path is not committed: new.txt');
    const commit = home.git('rev-parse', 'HEAD');
    const said = {
      id: 'JOB-k',
      merged: true,
      branch: 'nika/sh-k',
      into: 'main',
      commit,
      removed: false,
      conflicts: [],
    };
    expect(JSON.parse(stdout)).toEqual({ ...said, already: false });
    expect([home.has('JOB-k'), home.branches]).toEqual([true, ['nika/sh-k']]);
  });

  it('into a branch of another worktree, from the place where the command is given', async () => {
    await using home = new WorktreeHome();
    const other = join(home.dir, 'other');
    home.git('worktree', 'add', '--quiet', '-b', 'release', other);
    await home.run('JOB-o', COMMIT);
    const there = Object.assign(Object.create(home) as WorktreeHome, { cwd: other });
    const { stdout } = await there.nika('pod', 'merge', 'JOB-o');
    expect(stdout).toContain('merged nika/sh-o into release');
    expect(home.git('log', '-1', '--format=%s', 'main')).toBe('first');
  });
});

describe('what is not committed', () => {
  it('is refused, with what to do; --commit-first commits it', async () => {
    await using home = new WorktreeHome();
    await home.run('JOB-u', 'echo x > new.txt; echo y >> a.txt');
    const refused = await home.nika('pod', 'merge', 'JOB-u');
    expect([refused.code, left(home).worktrees]).toEqual([1, [expect.stringContaining('JOB-u')]]);
    expect(refused.stderr).toContain('in the worktree of JOB-u 2 paths are not committed: a.txt, new.txt');
    expect(refused.stderr).toContain('nika pod merge JOB-u --commit-first "<message>"');
    const merged = await home.nika('pod', 'merge', 'JOB-u', '--commit-first', 'What was left');
    expect([merged.code, home.git('log', '-1', '--format=%s'), left(home)]).toEqual([0, 'What was left', gone]);
    expect(existsSync(join(home.cwd, 'new.txt'))).toBe(true);
  });

  it('here is refused by git where it would be overwritten; staged work is not taken into a squashed commit', async () => {
    await using home = new WorktreeHome();
    await home.run('JOB-h', COMMIT);
    home.write('a.txt', 'mine\n');
    const dirty = await home.nika('pod', 'merge', 'JOB-h');
    expect([dirty.code, home.has('JOB-h'), readFileSync(join(home.cwd, 'a.txt'), 'utf8')]).toEqual([1, true, 'mine\n']);
    expect(dirty.stderr).toMatch(/Your local changes[^]*git did not merge nika\/sh-h[^]*NIKA_MERGE_REFUSED/);
    home.git('checkout', '--quiet', 'a.txt');
    home.write('sub/b.txt', 'staged\n').git('add', '--all');
    const staged = await home.nika('pod', 'merge', 'JOB-h', '--squash');
    expect([staged.code, staged.stderr]).toEqual([
      1,
      expect.stringMatching(/what is staged in .* would be committed with it/),
    ]);
  });
});

describe('a conflict', () => {
  it('leaves the state that git leaves, names the files, and says how to go on; then the same command ends it', async () => {
    await using home = new WorktreeHome();
    await home.run('JOB-c', COMMIT);
    home.write('a.txt', 'one\nother\n').commit('other');
    const { code, stderr, stdout } = await home.nika('pod', 'merge', 'JOB-c');
    expect([code, stdout]).toEqual([1, expect.stringContaining('CONFLICT (content): Merge conflict in a.txt')]);
    expect(stderr).toContain('1 file has conflicts: a.txt');
    expect(stderr).toContain('"nika pod merge JOB-c" removes the worktree. Or undo it: "git merge --abort"');
    expect(home.git('status', '--porcelain')).toBe('UU a.txt');
    const busy = await home.nika('pod', 'merge', 'JOB-c');
    expect([busy.code, busy.stderr]).toEqual([1, expect.stringContaining('a merge is under way in')]);
    home.git('merge', '--abort');
    const json = await home.nika('pod', 'merge', 'JOB-c', '--json');
    expect([json.code, JSON.parse(json.stdout)]).toEqual([1, { id: 'JOB-c', merged: false, conflicts: ['a.txt'] }]);
    home.write('a.txt', 'one\nmore\nother\n').commit('both');
    expect([(await home.nika('pod', 'merge', 'JOB-c')).code, left(home)]).toEqual([0, gone]);
  });
});

describe('it is refused', () => {
  it('while the pod runs; --force merges what it has committed, and removes nothing', async () => {
    await using home = new WorktreeHome();
    await home.nika('run', '-d', '--worktree', '--id', 'JOB-r', '--', 'sh', '-c', `${COMMIT}; sleep 300.6`);
    await untilTool(home, 'JOB-r');
    const refused = await home.nika('pod', 'merge', 'JOB-r');
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('JOB-r still works in nika/sh-r')]);
    const forced = await home.nika('pod', 'merge', 'JOB-r', '--force');
    expect([forced.code, home.has('JOB-r')]).toEqual([0, true]);
  });

  it('where no branch is checked out, in its own worktree, in another repository, where something else is checked out', async () => {
    await using home = new WorktreeHome();
    await home.run('JOB-w', COMMIT);
    const at = (cwd: string) => Object.assign(Object.create(home) as WorktreeHome, { cwd });
    const own = await at(home.pathOf('JOB-w')).nika('pod', 'merge', 'JOB-w');
    expect([own.code, own.stderr]).toEqual([1, expect.stringContaining('this is the worktree of the pod itself')]);
    await using elsewhere = new WorktreeHome();
    const other = await at(elsewhere.cwd).nika('pod', 'merge', 'JOB-w');
    expect([other.code, other.stderr]).toEqual([
      1,
      expect.stringContaining('is another repository than that of nika/sh-w'),
    ]);
    home.gitIn(home.pathOf('JOB-w'), 'checkout', '--quiet', '--detach', 'main');
    const moved = await home.nika('pod', 'merge', 'JOB-w');
    expect([moved.code, moved.stderr]).toEqual([
      1,
      expect.stringContaining('has something else checked out than nika/sh-w'),
    ]);
    home.git('checkout', '--quiet', '--detach');
    const detached = await home.nika('pod', 'merge', 'JOB-w');
    expect([detached.code, detached.stderr]).toEqual([1, expect.stringContaining('no branch is checked out in')]);
  });
});
