import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SmallRepository } from '../fixtures/small-repository.ts';
import { binary, TestHome } from '../nika.ts';

let home: TestHome;
beforeEach(() => {
  home = new TestHome();
});
afterEach(() => {
  home[Symbol.dispose]();
});

/** Put together here, so that no scanner takes the test for a leak. */
const token = ['ghp', 'aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3hJ5'].join('_');

/** A repository with something to say: dependencies without a lock file, no tests, a token. */
const troubled = (): SmallRepository => {
  const repository = new SmallRepository();
  const dependencies = { express: '^4.0.0', left: '*' };
  const manifest = { name: 'shop', version: '1.2.3', description: 'Sells things.', main: 'src/part0.js', dependencies };
  repository.write('package.json', JSON.stringify(manifest));
  repository.write('src/config.js', `// the settings\nexport const key = '${token}';\n`);
  for (let at = 0; at < 6; at += 1) repository.write(`src/part${at}.js`, 'export const a = 1;\n// FIXME: not yet\n');
  return repository.commit().write('README.md', '# Shop\n').commit();
};

interface Run {
  readonly result: { readonly gist: string; readonly report: string };
  readonly report: string;
  readonly output: string;
}

interface PodEnded {
  readonly event: string;
  readonly result: Run['result'];
}

const environment = (): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  HOME: home.dir,
  NIKA_HOME: home.dir,
});

/** What people see, and how it ended. */
const runPlainly = (
  cwd: string,
  argv: readonly string[],
): { readonly said: string; readonly exitCode: number | null } => {
  const [program = '', ...args] = argv;
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8', env: environment() });
  return { said: stdout + stderr, exitCode: status };
};

const AUDIT = [process.execPath, binary, 'pod', 'start', 'repo-audit', '--quiet'];

const runAudit = (cwd: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Run => {
  const output = execFileSync(process.execPath, [binary, 'pod', 'start', 'repo-audit', '--json', ...args], {
    cwd,
    encoding: 'utf8',
    env: { ...environment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const last = JSON.parse(output.trim().split('\n').at(-1) ?? '') as PodEnded;
  return { result: last.result, report: readFileSync(last.result.report, 'utf8'), output };
};

describe('the job repo-audit', () => {
  it('tells in three lines what the repository is, how it is, and what to look at first', () => {
    using repository = troubled();
    const { result, report } = runAudit(repository.dir);
    const [what, how, first, ...more] = result.gist.split('\n');
    expect(more).toEqual([]);
    expect(what).toBe('shop 1.2.3: npm library, built with Express — Sells things.');
    expect(how).toContain('9 files, 14 lines of code (JavaScript 100 %); 2 commits by 1 person');
    expect(how).toContain('2 direct dependencies, none locked; no tests, no CI');
    expect(first).toMatch(
      /^Look first at: \(1\) A secret in git: GitHub token in src\/config.js:2; \(2\) No tests .*; \(3\) No lock file/,
    );
    for (const title of ['What I would look at first', 'Size', 'Secrets', 'Dependencies', 'History', 'Tests and CI']) {
      expect(report).toContain(`\n## ${title}\n`);
    }
    expect(report).toContain('`src/part0.js`:2 | `// FIXME: not yet`');
    expect(report).not.toContain('What could not be told');
  });

  it('puts the secret itself nowhere: not into the report, the bus, the result or the terminal (G7)', () => {
    using repository = troubled();
    const { report, output } = runAudit(repository.dir);
    const written = readdirSync(join(home.dir, '_bus'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
    expect(report).toContain('`ghp_…`');
    for (const text of [report, output, ...written]) expect(text).not.toContain(token.slice(0, 12));
  });

  it('leaves the repository as it was, and writes into it only where that was asked for', () => {
    using repository = troubled();
    const { result } = runAudit(repository.dir);
    expect(result.report.startsWith(join(home.dir, 'run/reports/small-JOB-'))).toBe(true);
    expect(repository.git('status', '--porcelain', '--ignored')).toBe('');
    const asked = runAudit(repository.dir, ['--input', 'report=docs/audit.md', '--input', 'top=3']);
    expect(asked.result.report).toBe(join(repository.dir, 'docs/audit.md'));
    expect(repository.git('status', '--porcelain', '--untracked-files=all')).toBe('?? docs/audit.md');
  });

  it('tells the gist where the report cannot be saved, and why it cannot', () => {
    using repository = troubled();
    const asked = runPlainly(repository.dir, [...AUDIT, '--input', 'report=/proc/x.md']);
    expect(asked.exitCode).toBe(0);
    expect(asked.said).toContain('shop 1.2.3: npm library');
    expect(asked.said).toContain('report: not saved: no file can be made in the folder /proc: its file system takes');

    const script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"';
    const userNamespace = process.getuid?.() === 0 ? [] : ['--map-root-user'];
    const readOnly = ['unshare', '--mount', ...userNamespace, 'sh', '-c', script, home.dir, ...AUDIT];
    const { said, exitCode } = runPlainly(repository.dir, readOnly);
    expect(exitCode).toBe(0);
    expect(said).toContain('shop 1.2.3: npm library');
    const why = /report: not saved: the folder \S+\/run\/reports cannot be made in \S+: its file system is read-only/;
    expect(said).toMatch(why);
  });

  it('puts the report into the folder that was asked for, under a name of its own, ended by a line feed', () => {
    using repository = troubled();
    mkdirSync(join(repository.dir, 'docs'));
    for (const [asked, folder] of [
      ['sub/dir/', 'sub/dir'],
      ['docs', 'docs'],
      ['..', '..'],
    ] as const) {
      const { result, report } = runAudit(repository.dir, ['--input', `report=${asked}`]);
      expect(dirname(result.report)).toBe(join(repository.dir, folder));
      expect(basename(result.report)).toMatch(/^small-JOB-.*\.md$/);
      expect(report).toMatch(/[^\n]\n$/);
    }
  });

  it('refuses inputs that mean nothing before anything runs', () => {
    using repository = troubled();
    for (const input of [
      'since=garbage',
      'since=12 mnoths ago',
      'since=2024-13-45',
      'since=',
      'top=0',
      'top=51',
      'top=2.5',
    ]) {
      const { said, exitCode } = runPlainly(repository.dir, [...AUDIT, '--input', input]);
      expect([input, exitCode]).toEqual([input, 2]);
      expect(said).toMatch(input.startsWith('top') ? /whole number from 1 to 50/ : /such as "6 months ago"/);
    }
    expect(existsSync(join(home.dir, '_bus'))).toBe(false);
    for (const since of ['6.months.ago', 'last Friday', '3 Feb 2024', '2024-02-29T10:00:00Z', '1 year 2 months ago'])
      expect(runAudit(repository.dir, ['--input', `since=${since}`]).report).toContain('Since 20');
  });

  it('audits a folder without git, on a machine without git', () => {
    using folder = new SmallRepository({ isGit: false });
    folder.write('main.py', 'print(1)\n');
    const { result, report } = runAudit(folder.dir, [], { PATH: folder.beside('nothing') });
    expect(result.gist).toContain('1 file, 1 line of code (Python 100 %); no git history');
    expect(report).toContain('Git is not installed here');
    expect(existsSync(folder.beside('nothing'))).toBe(false);
  });
});
