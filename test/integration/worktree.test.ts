import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { until, untilTool } from '../pods.ts';
import { WorktreeHome } from '../worktree-home.ts';

const HEAD = 'description: A job of a test.\ndomain: test\nintent: prove\n';
const writeJob = (home: WorktreeHome, name: string, text: string): void =>
  writeFileSync(join(home.dir, 'config/jobs', `${name}.yaml`), `name: ${name}\n${HEAD}${text}\n`);

describe('a job with a worktree runs in it, whatever runs it', () => {
  it('steps', async () => {
    await using home = new WorktreeHome();
    home.job('steps', '  - { tool: write_file, input: { path: new.txt, content: x } }', 'worktree: true');
    expect((await home.nika('pod', 'start', 'steps', '--id', 'JOB-20261120-abcdefgh')).code).toBe(0);
    expect(existsSync(join(home.cwd, 'new.txt'))).toBe(false);
    expect(readFileSync(join(home.pathOf('JOB-20261120-abcdefgh'), 'new.txt'), 'utf8')).toBe('x');
    expect(home.branches).toEqual(['nika/steps-abcdefgh']);
    expect(home.git('status', '--porcelain')).toBe('');
  });

  it('a command', async () => {
    await using home = new WorktreeHome();
    writeJob(home, 'program', 'worktree: { branch: mine }\ncommand: "pwd > where; git branch --show-current > branch"');
    expect((await home.nika('pod', 'start', 'program', '--id', 'JOB-c')).code).toBe(0);
    const path = realpathSync(home.pathOf('JOB-c'));
    expect(readFileSync(join(path, 'where'), 'utf8')).toBe(`${path}\n`);
    expect(readFileSync(join(path, 'branch'), 'utf8')).toBe('mine\n');
  });

  it('a module', async () => {
    await using home = new WorktreeHome();
    const module = `import { writeFileSync } from 'node:fs';\nexport const run = () => writeFileSync('where', process.cwd());\n`;
    writeFileSync(join(home.dir, 'config/jobs/m.ts'), module);
    writeJob(home, 'm', 'worktree: true\nmodule: ./m.ts');
    expect((await home.nika('pod', 'start', 'm', '--id', 'JOB-m')).code).toBe(0);
    const path = realpathSync(home.pathOf('JOB-m'));
    expect(readFileSync(join(path, 'where'), 'utf8')).toBe(path);
  });
});

describe('a worktree', () => {
  it('is told from the first line to the last: path, branch, base, and what was changed', async () => {
    await using home = new WorktreeHome();
    const base = home.git('rev-parse', 'HEAD');
    const { stderr } = await home.run('JOB-a', 'echo more >> a.txt; git commit -qam more; echo new > new.txt');
    const path = realpathSync(home.pathOf('JOB-a'));
    const head = home.git('rev-parse', 'nika/sh-a');
    const changes = { commits: 1, files: 2, insertions: 2, deletions: 0 };
    expect(home.told('JOB-a')).toMatchObject({ path, branch: 'nika/sh-a', base, head, kept: true, ...changes });
    expect(home.told('JOB-a')?.['summary']).toMatch(
      /a\.txt {3}\| 1 \+\n new\.txt \| 1 \+\n 2 files changed, 2 insertions/,
    );
    expect(home.record('JOB-a')).toMatchObject({ cwd: path, worktree: { path, base, head, kept: true, changes } });
    const notes = home.lines('channels/JOB-a.jsonl').filter(({ type }) => type === 'note');
    expect(notes.map(({ data }) => data['text'])).toEqual([
      `works in a git worktree of its own: ${path}, branch nika/sh-a, from ${base.slice(0, 12)}`,
    ]);
    expect(stderr).toContain(
      '1 commit, 2 files changed, 2 insertions(+), on the branch nika/sh-a: nika pod diff JOB-a',
    );
    const shown = await home.nika('pod', 'show', 'JOB-a');
    expect(shown.stdout).toMatch(/worktree +.*JOB-a\n +branch +nika\/sh-a, from .*\n +changed +1 commit, 2 files/);
  });

  it('begins in the same folder of the repository, also in one that is not committed', async () => {
    await using home = new WorktreeHome();
    mkdirSync(join(home.cwd, 'fresh'));
    for (const folder of ['sub', 'fresh']) {
      const args = ['run', '--worktree', '--id', `JOB-${folder}`, '--', 'sh', '-c', 'pwd'] as const;
      const inFolder = Object.assign(Object.create(home) as WorktreeHome, { cwd: join(home.cwd, folder) });
      const { stdout } = await inFolder.nika(...args);
      expect(stdout.trim().endsWith(`JOB-${folder}/${folder}`)).toBe(true);
    }
  });

  it('has nothing of what is not committed, and says so', async () => {
    await using home = new WorktreeHome();
    home.write('a.txt', 'changed\n').write('untracked.txt', 'x\n');
    const { stdout, stderr } = await home.run('JOB-d', 'cat a.txt; ls');
    expect(stdout).toBe('one\na.txt\nsub\n');
    expect(stderr).toMatch(/not in the worktree, since not committed: 1 changed and 1 untracked paths of .*work/);
    const [note] = home.lines('channels/JOB-d.jsonl').filter(({ type }) => type === 'note');
    expect(note?.data['text']).toMatch(/not in it, since not committed: 1 changed and 1 untracked paths/);
  });

  it('begins from a revision and on a branch that are named, by inputs too', async () => {
    await using home = new WorktreeHome();
    home.write('a.txt', 'second\n').commit('second');
    const more = 'worktree: { base: "${{ inputs.from }}", branch: "try/${{ job.name }}" }';
    home.job(
      'based',
      '  - { tool: read_file, input: { path: a.txt } }',
      `inputs: { from: { default: HEAD~1 } }\n${more}`,
    );
    expect((await home.nika('pod', 'start', 'based', '--quiet')).stdout).toBe('one\n\n');
    const flags = ['--branch', 'other', '--base', 'HEAD'] as const;
    expect((await home.nika('pod', 'start', 'based', '--quiet', ...flags)).stdout).toBe('second\n\n');
    expect((await home.nika('pod', 'start', 'based', '--quiet', '--no-worktree')).stdout).toBe('second\n\n');
  });
});

describe('at the end', () => {
  it('goes with its branch where nothing was done in it; what git ignores is nothing', async () => {
    await using home = new WorktreeHome();
    const { stderr } = await home.run('JOB-n', 'mkdir ignored && echo x > ignored/x');
    expect([home.has('JOB-n'), home.branches, home.worktrees, stderr]).toEqual([false, [], [], '']);
    expect(home.told('JOB-n')).toMatchObject({ kept: false, commits: 0, files: 0, summary: '' });
    expect(home.record('JOB-n').worktree).toMatchObject({ kept: false });
  });

  it.each([
    ['an uncommitted change', 'echo x >> a.txt'],
    ['a new file', 'echo x > new.txt'],
    ['a staged file', 'echo x > new.txt; git add new.txt'],
    ['a deleted file', 'rm a.txt'],
    ['a commit', 'git commit -q --allow-empty -m x'],
    ['a commit on no branch', 'git checkout -q --detach; git commit -q --allow-empty -m x'],
    ['another branch', 'git switch -q -c other; git commit -q --allow-empty -m x'],
    ['a change that the configuration of a person hides', 'git config status.showUntrackedFiles no; echo x > new.txt'],
    ['a rebase under way', 'git commit -q --allow-empty -m x; git rebase -q -i --exec false HEAD~1 || true'],
    ['a lock', 'git worktree lock .'],
    ['no .git any more', 'rm .git; echo x > new.txt'],
  ])('stays where there is %s', async (_, command) => {
    await using home = new WorktreeHome();
    await home.run('JOB-s', command);
    expect([home.has('JOB-s'), home.branches.includes('nika/sh-s')]).toEqual([true, true]);
    expect(home.record('JOB-s').worktree?.kept).toBe(true);
  });

  it('keep: always keeps it; never throws it away, and says what was lost', async () => {
    await using home = new WorktreeHome();
    writeJob(home, 'always', 'worktree: { keep: always }\ncommand: ["true"]');
    writeJob(home, 'never', 'worktree: { keep: never }\ncommand: "echo x > new.txt; git commit -q --allow-empty -m x"');
    await home.nika('pod', 'start', 'always', '--id', 'JOB-always');
    const { stdout } = await home.nika('pod', 'start', 'never', '--id', 'JOB-never');
    expect([home.has('JOB-always'), home.has('JOB-never'), home.branches]).toEqual([
      true,
      false,
      ['nika/always-always'],
    ]);
    expect(home.told('JOB-never')).toMatchObject({ kept: false, commits: 1, files: 1 });
    expect(stdout).toContain(
      'thrown away with the worktree, as "keep: never" says; commits: 1, changed files: 1, nika/never-never was at',
    );
  });

  it('stays while another pod works in it', async () => {
    await using home = new WorktreeHome();
    const inner = `"$NIKA" "$BIN" run -d --id JOB-inner -- sh -c 'until [ -e "$0/go" ]; do sleep 0.05; done' "${home.dir}"`;
    const env = { NIKA: process.execPath, BIN: join(import.meta.dirname, '../../bin/nika.cjs') };
    await home.start(['run', '--worktree', '--id', 'JOB-outer', '--', 'sh', '-c', inner], env).ended;
    expect(home.record('JOB-inner')).toMatchObject({
      cwd: realpathSync(home.pathOf('JOB-outer')),
      worktree: { owner: 'JOB-outer' },
    });
    expect([home.has('JOB-outer'), home.told('JOB-outer')?.['kept']]).toEqual([true, true]);
    writeFileSync(join(home.dir, 'go'), '');
    await home.nika('pod', 'wait', 'JOB-inner');
  });
});

describe('it belongs to the entity', () => {
  it('a retry goes on in it', async () => {
    await using home = new WorktreeHome();
    writeJob(
      home,
      'again',
      'worktree: true\nretry: { attempts: 3, backoff: 1ms }\ncommand: "echo x >> tries; [ $(wc -l < tries) -ge 3 ]"',
    );
    expect((await home.nika('pod', 'start', 'again', '--id', 'JOB-again')).code).toBe(0);
    expect(readFileSync(join(home.pathOf('JOB-again'), 'tries'), 'utf8')).toBe('x\nx\nx\n');
    const ends = home.lines('channels/JOB-again.jsonl').filter(({ type }) => type === 'session_end_summary');
    expect(ends.map(({ data }) => (data['worktree'] as { files: number }).files)).toEqual([1, 1, 1]);
  });

  it('a restart goes on in it', async () => {
    await using home = new WorktreeHome();
    writeJob(home, 'long', 'worktree: true\ncommand: "echo x >> runs; exec sleep 300.25"');
    const runs = join(home.pathOf('JOB-long'), 'runs');
    const count = (): number => (existsSync(runs) ? readFileSync(runs, 'utf8').length / 2 : 0);
    expect((await home.nika('pod', 'start', 'long', '-d', '--id', 'JOB-long')).code).toBe(0);
    await until('the first', () => count() === 1);
    expect((await home.nika('pod', 'restart', 'JOB-long')).code).toBe(0);
    await until('the second', () => count() === 2);
    await untilTool(home, 'JOB-long');
    await home.nika('pod', 'stop', 'JOB-long', '--grace', '1s');
    expect(home.told('JOB-long')).toMatchObject({ kept: true, files: 1 });
  });

  it('two with the same branch: the second is refused, and nothing is written', async () => {
    await using home = new WorktreeHome();
    const [first, second] = await Promise.all([
      home.run('JOB-one', 'echo x > x', '--branch', 'same'),
      home.run('JOB-two', 'echo x > x', '--branch', 'same'),
    ]);
    expect(new Set([first.code, second.code])).toEqual(new Set([0, 2]));
    expect(home.worktrees).toHaveLength(1);
  });
});
