import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addJob, McpAgent } from '../mcp.ts';
import { binary } from '../nika.ts';
import { until } from '../pods.ts';
import { WorktreeHome } from '../worktree-home.ts';

const at = (home: WorktreeHome, cwd: string): WorktreeHome =>
  Object.assign(Object.create(home) as WorktreeHome, { cwd });
const isBusEmpty = (home: WorktreeHome): boolean =>
  !existsSync(join(home.dir, '_bus/channels')) || readdirSync(join(home.dir, '_bus/channels')).length === 0;

describe('it is refused, in one sentence, and nothing is written', () => {
  it.each<readonly [string, (home: WorktreeHome) => WorktreeHome, readonly string[], RegExp]>([
    ['outside of a repository', (home) => at(home, home.dir), [], /nika-test-\w+ is in no git repository/],
    [
      'in a bare repository',
      (home) => {
        home.git('init', '--quiet', '--bare', join(home.dir, 'bare'));
        return at(home, join(home.dir, 'bare'));
      },
      [],
      /bare is a bare repository, which has no files/,
    ],
    ['inside of .git', (home) => at(home, join(home.cwd, '.git')), [], /is the inside of a \.git folder/],
    [
      'where nothing is committed yet',
      (home) => {
        home.git('init', '--quiet', join(home.dir, 'unborn'));
        return at(home, join(home.dir, 'unborn'));
      },
      [],
      /unborn has no commit yet, so there is nothing to begin from/,
    ],
    ['with a branch that is there', (home) => home, ['--branch', 'main'], /the branch main is there already/],
    ['with a branch below one', (home) => home, ['--branch', 'main/x'], /cannot be made beside the branch main/],
    [
      'with what is no name of a branch',
      (home) => home,
      ['--branch', 'a..b'],
      /"a\.\.b" cannot be the name of a branch/,
    ],
    ['with an option as a branch', (home) => home, ['--branch=-f'], /"-f" cannot be the name of a branch/],
    ['from a revision that is not there', (home) => home, ['--base', 'nope'], /nope: no such revision in .*work/],
    ['from an option as a revision', (home) => home, ['--base=--all'], /--all: no such revision in/],
    [
      'where its folder is there',
      (home) => {
        mkdirSync(home.pathOf('JOB-x'), { recursive: true });
        return home;
      },
      [],
      /the folder .*JOB-x is there already/,
    ],
    [
      'where its folder cannot be made',
      (home) => {
        mkdirSync(join(home.dir, 'run'), { recursive: true });
        writeFileSync(join(home.dir, 'run/worktrees'), '');
        return home;
      },
      [],
      /the folder .*JOB-x cannot be made: E(?:EXIST|NOTDIR)/,
    ],
  ])('%s', async (_, place, flags, said) => {
    await using home = new WorktreeHome();
    const { code, stdout, stderr } = await place(home).run('JOB-x', 'true', ...flags);
    expect([stdout, stderr]).toEqual(['', expect.stringMatching(said)]);
    expect(stderr.trim().split('\n')).toHaveLength(2);
    expect([code === 1 || code === 2, isBusEmpty(home), home.worktrees, home.branches]).toEqual([true, true, [], []]);
    const detached = await place(home).run('JOB-x', 'true', '-d', ...flags);
    expect([detached.code, detached.stdout, isBusEmpty(home)]).toEqual([code, '', true]);
  });

  it('without git', async () => {
    await using home = new WorktreeHome();
    const { code, stderr } = await home.start(['run', '--worktree', '--', '/bin/true'], { PATH: '/nowhere' }).ended;
    expect([code, stderr]).toEqual([2, expect.stringContaining('a worktree needs git, which is not installed')]);
    expect(isBusEmpty(home)).toBe(true);
  });

  it('with an id that is on the bus already: nothing of the worktree is left, and that of the other one stays', async () => {
    await using home = new WorktreeHome();
    await home.run('JOB-x', 'echo x > new.txt');
    const { code, stderr } = await home.run('JOB-x', 'true');
    expect([code, stderr]).toEqual([2, expect.stringContaining('JOB-x is on the bus already')]);
    expect([home.branches, home.has('JOB-x')]).toEqual([['nika/sh-x'], true]);
  });
});

describe('where it is', () => {
  it('not inside of the checkout where the home is: in the state folder of the user', async () => {
    await using home = new WorktreeHome();
    const inner = join(home.cwd, 'swarm');
    mkdirSync(join(inner, 'config'), { recursive: true });
    writeFileSync(join(inner, 'config/nika.yaml'), '');
    const env = { NIKA_HOME: inner, XDG_STATE_HOME: join(home.dir, 'state') };
    const { stdout } = await home.start(['run', '--worktree', '--', 'pwd'], env).ended;
    expect(stdout).toMatch(new RegExp(`^${realpathSync(home.dir)}/state/nika/worktrees/JOB-`));
  });

  it('where the settings say, also inside of the checkout, which ignores it', async () => {
    await using home = new WorktreeHome();
    const env = { NIKA_WORKTREES_DIR: join(home.cwd, 'trees'), NIKA_WORKTREES_KEEP: 'always' };
    const { stdout } = await home.start(['run', '--worktree', '--', 'pwd'], env).ended;
    expect(stdout).toMatch(new RegExp(`^${realpathSync(home.cwd)}/trees/JOB-`));
    expect([home.git('status', '--porcelain'), home.worktrees.length]).toEqual(['', 1]);
  });

  it('where the job says', async () => {
    await using home = new WorktreeHome();
    home.job(
      'placed',
      '  - { tool: shell, input: { argv: [pwd] } }',
      'worktree: { path: "../trees/${{ job.id }}", keep: always }',
    );
    const { stdout } = await home.nika('pod', 'start', 'placed', '--id', 'JOB-p', '--quiet');
    expect(stdout.trim()).toBe(join(realpathSync(home.dir), 'trees/JOB-p'));
  });

  it('of the repository that the folder belongs to, also by a link, and from another worktree of it', async () => {
    await using home = new WorktreeHome();
    symlinkSync(join(home.cwd, 'sub'), join(home.dir, 'link'));
    const linked = await at(home, join(home.dir, 'link')).run('JOB-l', 'pwd');
    expect(linked.stdout.trim()).toBe(join(realpathSync(home.dir), 'run/worktrees/JOB-l/sub'));
    home.git('worktree', 'add', '--quiet', '-b', 'other', join(home.dir, 'other'));
    home.gitIn(join(home.dir, 'other'), 'commit', '--quiet', '--allow-empty', '--message', 'of the other');
    const { stdout } = await at(home, join(home.dir, 'other')).run('JOB-o', 'git log -1 --format=%s');
    expect(stdout).toBe('of the other\n');
  });
});

describe('what leads git astray does not', () => {
  it('another repository in the environment, for nika and for what the pod runs', async () => {
    await using home = new WorktreeHome();
    await using other = new WorktreeHome();
    const env = {
      GIT_DIR: join(other.cwd, '.git'),
      GIT_WORK_TREE: other.cwd,
      GIT_INDEX_FILE: join(other.cwd, '.git/index'),
      GIT_PREFIX: 'sub/',
    };
    const args = ['run', '--worktree', '--id', 'JOB-e', '--', 'sh', '-c', 'echo x >> a.txt; git commit -qam inside'];
    expect((await home.start(args, env).ended).code).toBe(0);
    expect([home.git('log', '-1', '--format=%s', 'nika/sh-e'), other.git('log', '--format=%s')]).toEqual([
      'inside',
      'first',
    ]);
    const diff = await home.start(['pod', 'diff', 'JOB-e', '--name-only'], env).ended;
    const merged = await home.start(['pod', 'merge', 'JOB-e'], env).ended;
    expect([diff.stdout, merged.code, home.git('log', '-1', '--format=%s')]).toEqual(['a.txt\n', 0, 'inside']);
    expect([other.branches, other.git('status', '--porcelain')]).toEqual([[], '']);
  });

  it('hooks of the repository that fail or hang', async () => {
    await using home = new WorktreeHome();
    for (const name of ['post-checkout', 'reference-transaction', 'post-index-change']) {
      const hook = join(home.cwd, '.git/hooks', name);
      writeFileSync(hook, `#!/bin/sh\necho ${name} >> "${home.dir}/ran"\nsleep 300\nexit 1\n`);
      chmodSync(hook, 0o755);
    }
    const { code } = await home.run('JOB-h', 'true');
    expect([code, existsSync(join(home.dir, 'ran')), home.has('JOB-h')]).toEqual([0, false, false]);
  });

  it('garbage is not collected: objects that nobody reaches are there after a pod and its merge', async () => {
    await using home = new WorktreeHome();
    for (const [name, value] of [
      ['gc.auto', '1'],
      ['gc.autoDetach', 'false'],
      ['gc.pruneExpire', 'now'],
    ] as const) {
      home.git('config', name, value);
    }
    home.write('loose', 'nobody reaches it\n');
    const loose = home.git('hash-object', '-w', 'loose');
    rmSync(join(home.cwd, 'loose'));
    await home.run('JOB-g', 'for n in 1 2 3; do echo $n >> a.txt; git -c gc.auto=0 commit -qam $n; done');
    expect((await home.nika('pod', 'merge', 'JOB-g', '-m', 'merged')).code).toBe(0);
    expect(home.git('cat-file', '-t', loose)).toBe('blob');
  });
});

describe('a child', () => {
  const child = (more: string): string => `"$NIKA" "$BIN" ${more}`;
  const env = { NIKA: process.execPath, BIN: binary };

  it('that is told of its parent and of no folder gets one of its own, from what the parent has committed', async () => {
    await using home = new WorktreeHome();
    const script = `echo x >> a.txt; git commit -qam outer; echo y > open.txt; ${child('run --parent JOB-o --id JOB-i -- sh -c "ls; git log -1 --format=%s; echo z > new.txt"')}`;
    const { stdout } = await home.start(['run', '--worktree', '--id', 'JOB-o', '--', 'sh', '-c', script], env).ended;
    expect(stdout).toBe('a.txt\nsub\nouter\n');
    expect(home.record('JOB-i').worktree?.branch).toBe('nika/sh-i');
    const merged = await at(home, home.pathOf('JOB-o')).nika('pod', 'merge', 'JOB-i', '--commit-first', 'inner');
    expect([merged.code, home.git('log', '--format=%s', 'nika/sh-o')]).toEqual([0, 'inner\nouter\nfirst']);
  });

  it('shares that of its parent where it is told so: worktree: parent, --no-worktree, cwd', async () => {
    await using home = new WorktreeHome();
    const file = join(home.dir, 'config/jobs/shared.yaml');
    writeFileSync(
      file,
      'name: shared\ndescription: x\ndomain: test\nintent: prove\nworktree: parent\ncommand: "pwd > shared"\n',
    );
    const script = [
      child('pod start shared --parent JOB-o --id JOB-s -q'),
      child('run --parent JOB-o --no-worktree --id JOB-n -- sh -c "pwd > none"'),
      `cd "${home.cwd}" && ${child('pod start shared --parent JOB-o --id JOB-f -q')}`,
    ].join('; ');
    await home.start(['run', '--worktree', '--id', 'JOB-o', '--', 'sh', '-c', script], env).ended;
    const path = realpathSync(home.pathOf('JOB-o'));
    expect(['JOB-s', 'JOB-n', 'JOB-f'].map((id) => home.record(id).cwd)).toEqual([path, path, path]);
    expect([home.record('JOB-s').worktree?.owner, home.told('JOB-s')]).toEqual(['JOB-o', undefined]);
    expect(home.told('JOB-o')).toMatchObject({ kept: true, files: 2 });
    const refused = await home.nika('pod', 'merge', 'JOB-s');
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining('JOB-s works in the worktree of JOB-o'),
    ]);
    const none = await home.nika('pod', 'start', 'shared');
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('there is no worktree of a parent')]);
  });
});

it('an agent starts a pod in a worktree by the tool start_pod, and is told where', async () => {
  await using home = new WorktreeHome();
  addJob(home, 'new-file', 'command: "echo x > new.txt"');
  await using agent = await McpAgent.open(home);
  const { text } = await agent.call('start_pod', { job: 'new-file', id: 'JOB-t', worktree: true });
  expect(text).toContain('JOB-t has started: new-file in a worktree of its own, ');
  expect(text).toContain('run/worktrees/JOB-t, on the branch nika/new-file-t. ');
  await home.nika('pod', 'wait', 'JOB-t');
  expect(home.told('JOB-t')).toMatchObject({ kept: true, files: 1 });
});

describe('nika pod prune', () => {
  it('removes those that hold nothing or what others have as well, keeps those with work, and throws away by --force', async () => {
    await using home = new WorktreeHome();
    const keep = { NIKA_WORKTREES_KEEP: 'always' };
    const run = (id: string, command: string) =>
      home.start(['run', '--worktree', '--id', id, '--', 'sh', '-c', command], keep).ended;
    await run('JOB-empty', 'true');
    await run('JOB-merged', 'git commit -q --allow-empty -m merged');
    await run('JOB-work', 'echo x > new.txt');
    home.git('merge', '--quiet', 'nika/sh-merged');
    const dry = await home.nika('pod', 'prune', '--dry-run');
    expect(dry.stdout).toMatch(/Would remove .*JOB-empty\nWould remove .*JOB-merged\nWould forget 2 ended sessions/);
    const { stdout, stderr } = await home.nika('pod', 'prune');
    expect(stdout).toMatch(/Removed .*JOB-empty\nRemoved .*JOB-merged\nForgot 2 ended sessions/);
    expect(stderr).toMatch(/kept: JOB-work, 1 path is not committed: .*JOB-work \(nika\/sh-work\)\nSee "nika pod diff/);
    expect([home.branches, (await home.nika('pod', 'diff', 'JOB-work', '--name-only')).stdout]).toEqual([
      ['nika/sh-work'],
      'new.txt\n',
    ]);
    const forced = await home.nika('pod', 'prune', '--force', '--json');
    const lost = expect.stringMatching(/^1 path is not committed; nika\/sh-work was at [0-9a-f]{40}$/) as string;
    expect((JSON.parse(forced.stdout) as unknown[])[1]).toMatchObject({ id: 'JOB-work', held: null, lost });
    expect([home.branches, home.worktrees]).toEqual([[], []]);
  });

  it('of one whose repository is gone, or that is no worktree any more: kept, and removed by --force', async () => {
    await using home = new WorktreeHome();
    await home.run('JOB-a', 'echo x > new.txt');
    await home.run('JOB-b', 'rm .git');
    home.git('worktree', 'lock', home.pathOf('JOB-a'));
    const kept = await home.nika('pod', 'prune');
    expect(kept.stderr).toMatch(
      /kept: JOB-a, 1 path is not committed[^]*kept: JOB-b, .*JOB-b is no git worktree any more/,
    );
    await home.nika('pod', 'prune', '--force');
    expect([home.has('JOB-a'), home.has('JOB-b')]).toEqual([true, false]); // git does not remove what a person has locked
    rmSync(join(home.cwd, '.git'), { recursive: true });
    expect((await home.nika('pod', 'prune')).stderr).toContain('kept: JOB-a, its repository is gone');
    await home.nika('pod', 'prune', '--force');
    expect(home.has('JOB-a')).toBe(false);
  });

  it('is done by pods themselves beyond pods.keepEnded; work stays, and can still be asked for', async () => {
    await using home = new WorktreeHome();
    await home.run('JOB-work', 'echo x > new.txt');
    await home.run('JOB-empty', 'true');
    await home.run('JOB-newest', 'true');
    const env = { NIKA_PODS_KEEP_ENDED: '1' };
    await home.start(['run', '--id', 'JOB-last', '--', 'sleep', '2.5'], env).ended;
    await until('the empty one to be forgotten', () => !existsSync(join(home.dir, 'run/launch/JOB-empty.json')));
    expect((await home.nika('pod', 'diff', 'JOB-work', '--name-only')).stdout).toBe('new.txt\n');
  });
});
