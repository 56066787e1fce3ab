/** What must not be said: where not all can be seen, the audit says so and claims nothing. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runProgram, SmallRepository, tell } from '../fixtures/small-repository.ts';

const ANALYSES = ['about', 'languages', 'dependencies', 'history', 'hot-spots', 'todos', 'quality', 'secrets'];

interface Told {
  readonly gist: string;
  readonly report: string;
}

const audit = (dir: string, env: Readonly<Record<string, string>> = {}): Told => {
  const stdin = ANALYSES.map((name) => runProgram(name, dir, { env })).join('');
  return { gist: runProgram('gist', dir, { stdin }), report: runProgram('report', dir, { stdin }) };
};

let repository: SmallRepository;
beforeEach(() => {
  repository = new SmallRepository();
});
afterEach(() => {
  repository[Symbol.dispose]();
});

describe('a bare repository', () => {
  const bareOf = (): string => {
    const bare = repository.beside('bare.git');
    repository.git('clone', '--quiet', '--bare', repository.dir, bare);
    return bare;
  };

  it('is told as its HEAD has it, as the checked out one is', () => {
    repository
      .write('package.json', '{"name":"shop","dependencies":{"express":"^4"}}')
      .write('.github/workflows/ci.yml', 'run: npm test\n')
      .write('src/größe\n"x".js', '// TODO: one\nexport {};\n')
      .write('src/a.test.js', "import test from 'node:test';\n")
      .write('data', Buffer.from([1, 0, 2]))
      .write('README.md', '# Shop\n\nSells things.\n');
    for (let at = 0; at < 40; at += 1) repository.write(`lib/${at}.js`, `export const a = ${at};\n`.repeat(at + 1));
    repository.commit().write('src/a.test.js', "import test from 'node:test';\ntest('x');\n").commit();
    const bare = bareOf();
    for (const name of ['languages', 'dependencies', 'todos', 'secrets', 'quality'] as const)
      expect(tell(name, bare)).toEqual(repository.tell(name));
    expect(tell('hot-spots', bare).mostChanged).toEqual(repository.tell('hot-spots').mostChanged);
    const { gist, report } = audit(bare);
    expect(gist).toContain('shop: npm project, built with Express, in a bare repository — Sells things.');
    expect(gist).toContain('45 files, 824 lines of code (JavaScript 100 %)');
    expect(gist).toContain('1 test file, CI: GitHub Actions');
    expect(report).toContain('A bare repository: nothing is checked out');
  });

  it('is read without its programs, and a large file of it in part', () => {
    const marker = repository.beside('ran');
    const program = repository.beside('program');
    writeFileSync(program, `#!/bin/sh\necho x >> '${marker}'\n`);
    chmodSync(program, 0o755);
    repository
      .write('.gitattributes', '* filter=evil\n')
      .write('big.py', `# TODO: first\n${'x = 1\n'.repeat(5_000_000)}`)
      .write('z.py', '# TODO: last\n')
      .commit();
    const bare = bareOf();
    execFileSync('git', ['config', 'filter.evil.smudge', program], { cwd: bare });
    expect(tell('todos', bare)).toMatchObject({ total: 2, partlyCount: 1 });
    expect(tell('languages', bare)).toMatchObject({ own: { fileCount: 3 }, counts: { tooLargeCount: 1 } });
    expect(existsSync(marker)).toBe(false);
  });

  it('without commits is one without files', () => {
    const bare = repository.beside('empty.git');
    repository.git('init', '--quiet', '--bare', bare);
    expect(audit(bare).gist).toContain('a repository without files, in a bare repository');
  });
});

describe('what cannot be read as a whole', () => {
  it('a source file of 32 MB is a file, and nothing is said to be absent from it', () => {
    repository.write('a.py', `# TODO: x\n${'x = 1\n'.repeat(5_500_000)}`).commit();
    const { gist, report } = audit(repository.dir);
    expect(gist).toContain('1 file, 0 lines of code, 1 file too large to be read');
    expect(gist).toContain('Look first at: (1) Too large to be read as a whole: a.py has 33.0 MB');
    expect(report).toContain('1 file is too large to be read as a whole (more than 16 MB); its lines are not counted.');
    expect(report).toContain('1 in 1 file: 1 TODO');
    repository.write('a.py', 'x = 1\n'.repeat(5_500_000)).commit();
    const { report: second } = audit(repository.dir);
    expect(second).toContain('XXX in what was looked at. Of 1 large file only the first 4 MB were looked at.');
    expect(second).toContain('| `a.py` | 2 | not read | 1 |');
  });

  it('a repository of binary files is one', () => {
    repository
      .write('a.png', Buffer.from([1, 0]))
      .write('b.bin', Buffer.from([0]))
      .commit();
    const { gist, report } = audit(repository.dir);
    expect(gist).toContain('small: binary files\n2 binary files (3 bytes), no text written here; 1 commit by 1 person');
    expect(gist).toContain('no code of its own, no CI');
    expect(report).toContain('There is no text here that people leave notes in.');
    expect(report).toContain('| `b.bin` | 1 byte |');
  });

  it('files of the index that are not in the folder are not said to be empty of anything', () => {
    repository.write('a.py', 'x = 1\n').write('package.json', '{}').commit();
    execFileSync('rm', ['a.py', 'package.json'], { cwd: repository.dir });
    const { gist, report } = audit(repository.dir);
    expect(gist).toContain('small: npm project whose package.json cannot be read');
    expect(gist).toContain(
      '(1) package.json cannot be read: it is not in the folder; (2) 2 files of the index are not',
    );
    expect(report).toContain('There was no text to search.');
  });

  it('a manifest that is none is named, in the gist as well', () => {
    repository.write('package.json', '{').write('lib/Cargo.toml', '<<<<').write('go.mod', 'module x\n').commit();
    expect(repository.tell('dependencies').unreadable).toEqual([
      { path: 'lib/Cargo.toml', why: 'it is not TOML' },
      { path: 'package.json', why: 'it is not JSON (line 1)' },
    ]);
    repository.git('rm', '--quiet', 'go.mod', 'lib/Cargo.toml');
    const { gist, report } = audit(repository.dir);
    expect(gist).toContain('small: npm project whose package.json cannot be read');
    expect(gist).toContain('dependencies unknown (a manifest cannot be read)');
    expect(gist).toContain('(1) package.json cannot be read: it is not JSON (line 1)');
    expect(report).toContain(
      'Could not be read, so what they declare is not told: `package.json` (it is not JSON (line 1))',
    );
  });
});

describe('where git does not tell all', () => {
  it('a broken .git is told in the words of git, and not as a missing repository', () => {
    repository.write('a.py', 'x = 1\n').commit();
    repository.write('.git/HEAD', 'garbage\n');
    const { gist, report } = audit(repository.dir);
    expect(gist).toContain('git history not readable');
    expect(gist).toMatch(/\(1\) There is \S+small\/\.git, but git cannot read it: fatal: not a git repository/);
    expect(report).not.toContain('no git repository here');
    const branch = repository.write('.git/HEAD', 'ref: refs/heads/main\n').write('.git/refs/heads/main', 'garbage\n');
    const second = audit(branch.dir);
    expect(second.gist).toContain('git history not readable');
    expect(second.gist).toContain('(1) Git cannot read HEAD: fatal:');
    expect(second.gist).not.toContain('no commits');
  });

  it('a broken repository within another one is not taken for a part of that', () => {
    repository.write('in/.git/HEAD', 'garbage\n').write('in/a.py', 'x = 1\n');
    const { remark, prefix } = tell('about', join(repository.dir, 'in'));
    expect([remark, prefix]).toEqual([
      `There is ${repository.dir}/in/.git, but git does not take it for a repository.`,
      '',
    ]);
  });

  it('a repository of somebody else gets a hint that can be run as it stands', () => {
    const dir = repository.beside('it is <odd>');
    repository.write('a.py', 'x = 1\n').commit();
    repository.git('clone', '--quiet', repository.dir, dir);
    // as git itself tests it: the owner is taken for another one
    const wrapper = repository.beside('bin');
    const git = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
    repository.write('../bin/git', `#!/bin/sh\nGIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec ${git} "$@"\n`);
    chmodSync(join(wrapper, 'git'), 0o755);
    const { gist, report } = audit(dir, { PATH: `${wrapper}:${process.env['PATH']}` });
    expect(gist).toContain('git history not readable');
    expect(gist).toContain('(1) Git refuses to read this repository: its files belong to another user');
    expect(report).toContain('**Git refuses to read this repository: its files belong to another user**');
    expect(report).toContain(`run \`git config --global --add safe.directory '${dir}'\` and audit again.`);
  });

  it('a part of a repository is named as one, with what lies at the top of the whole', () => {
    repository
      .write('.github/workflows/ci.yml', 'run: npm test\n')
      .write('LICENSE', 'x\n')
      .write('packages/core/a.py', 'x = 1\n')
      .commit();
    for (let at = 0; at < 6; at += 1) repository.write(`packages/core/${at}.py`, 'x = 1\n');
    const { gist, report } = audit(join(repository.dir, 'packages/core'));
    expect(gist).toContain('core: Python code, a part (packages/core/) of the repository small');
    expect(gist).toContain('no tests in this part, CI: GitHub Actions');
    expect(gist).not.toContain('No tests for');
    expect(report).toContain('| Part of a repository | `packages/core/` of `small` |');
    expect(report).toContain('| At the top of the repository | licence |');
    expect(report).toContain('GitHub Actions (`/.github/workflows/ci.yml`)');
    expect(report).not.toMatch(/Not found \|[^|]*licence/);
  });

  it('a shallow clone says so in the gist', () => {
    repository.write('a.py', 'x = 1\n').commit().write('a.py', 'x = 2\n').commit();
    const shallow = repository.beside('shallow');
    repository.git('clone', '--quiet', '--depth=1', `file://${repository.dir}`, shallow);
    expect(audit(shallow).gist).toContain('1 commit (shallow clone: older ones are not here) by 1 person');
    const report = audit(repository.dir).report;
    expect(report).toMatch(
      /\| Commits \| 2, on \d{4}-\d\d-\d\d \|\n\| People \| 1 \|\n\| Branches and tags \| 1 branch and 0 tags \|/,
    );
  });
});

describe('what only looks like it', () => {
  it('frameworks in texts of a test are not claimed, nor fixtures and helpers as tests', () => {
    const texts = ["['t/a.t', 'use Test::More;'],", "x('#[test]', 'import org.junit.Test;', \"from 'node:test'\");"];
    repository
      .write('test/a.test.ts', `import { it } from 'vitest';\n${texts.join('\n')}\n`)
      .write('test/fixtures/b.test.ts', 'it();\n')
      .write('test/server.ts', 'export const start = () => {};\n')
      .write('test/old.js', "const assert = require('node:assert');\n")
      .write('tests/conftest.py', 'import pytest\n')
      .write('tests/common.rs', 'pub fn a() {}\n')
      .write('src/a.ts', 'export {};\n')
      .commit();
    const told = repository.tell('quality');
    expect([told.testFileCount, told.supportFileCount, told.sourceFileCount]).toEqual([2, 4, 1]);
    expect(told.testFrameworks).toEqual([]);
  });

  it('a language has the same part of the code in the gist and in the report', () => {
    repository
      .write('a.ts', 'let a;\n'.repeat(30))
      .write('b.py', 'b = 1\n'.repeat(10))
      .write('README.md', 'x\n'.repeat(60))
      .commit();
    const { gist, report } = audit(repository.dir);
    expect(gist).toContain('3 files, 40 lines of code (TypeScript 75 %, Python 25 %)');
    expect(report).toContain('| TypeScript | 1 | 30 | 75 % |');
    expect(report).toContain('| Markdown | 1 | 60 |  |');
  });

  it('a file is a hot spot, or where notes gather, only if it stands out', () => {
    const bodies = (turn: number): void => {
      for (let at = 0; at < 40; at += 1) repository.write(`src/${at}.ts`, `let a = ${turn};\n`.repeat(400 + at));
      repository.commit();
    };
    for (let turn = 0; turn < 12; turn += 1) bodies(turn);
    const even = audit(repository.dir);
    expect(even.report).toContain('Hot spots');
    expect(even.gist).not.toContain('changed 12 times');
    for (let turn = 0; turn < 40; turn += 1) repository.write('src/0.ts', `let a = ${turn};\n`.repeat(4000)).commit();
    expect(audit(repository.dir).gist).toContain('src/0.ts: 4,000 lines, changed 52 times');
  });
});
