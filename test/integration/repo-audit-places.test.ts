import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runProgram, SmallRepository, tell } from '../fixtures/small-repository.ts';

const ANALYSES = ['about', 'languages', 'dependencies', 'history', 'hot-spots', 'todos', 'quality', 'secrets'];

/** The whole report, by hand. */
const reportOf = (dir: string): string => {
  const sections = ANALYSES.map((name) => runProgram(name, dir)).join('');
  return runProgram('report', dir, { stdin: sections });
};

let repository: SmallRepository;
beforeEach(() => {
  repository = new SmallRepository();
});
afterEach(() => {
  repository[Symbol.dispose]();
});

describe('what is told of a place', () => {
  it('an empty folder, a repository without commits, and one without files are places too', () => {
    expect(repository.tell('history').commits).toMatchObject({ commitCount: 0, firstAtS: 0, lastAtS: 0 });
    expect(reportOf(repository.dir)).toContain('Nothing stands out');
    repository.write('a.py', 'print(1)\n').write('.gitignore', 'secret/\n').write('secret/b.py', 'print(2)\n');
    expect(repository.tell('hot-spots')).toMatchObject({ state: 'none' });
    const { languages, counts } = repository.tell('languages');
    expect(languages.map(({ name, fileCount }) => [name, fileCount])).toEqual([['Python', 1], ['INI', 1]]); // prettier-ignore
    expect(counts.untrackedCount).toBe(2);
    expect(reportOf(repository.dir)).toContain('Nothing is committed yet (2 files)');
  });

  it('a detached HEAD, a worktree, a shallow clone, a bare one and a part of a repository are named as such', () => {
    repository
      .write('a.c', 'int a;\n')
      .commit()
      .write('part/b.c', 'int b;\n')
      .commit()
      .write('a.c', 'int c;\n')
      .commit();
    repository.git('worktree', 'add', '--quiet', repository.beside('tree'));
    repository.git('clone', '--quiet', '--depth=1', `file://${repository.dir}`, repository.beside('shallow'));
    repository.git('clone', '--quiet', '--bare', repository.dir, repository.beside('bare'));
    repository.git('checkout', '--quiet', '--detach');
    expect(repository.tell('history')).toMatchObject({ branch: '', isWorktree: false, isShallow: false });
    expect(tell('history', repository.beside('tree'))).toMatchObject({
      branch: 'tree',
      isWorktree: true,
    });
    const shallow = tell('history', repository.beside('shallow'));
    expect([shallow.isShallow, shallow.commits.commitCount]).toEqual([true, 1]);
    expect(tell('about', repository.beside('bare')).remark).toContain('bare repository');
    expect(tell('history', repository.beside('bare')).commits.commitCount).toBe(3);
    const part = join(repository.dir, 'part');
    expect(tell('about', part)).toMatchObject({ prefix: 'part/', name: 'part' });
    expect(tell('history', part).commits.commitCount).toBe(1);
    expect(tell('languages', part).own.fileCount).toBe(1);
  });

  it('a folder that the repository around it ignores is audited as a folder', () => {
    repository.write('.gitignore', 'node_modules/\n').write('node_modules/it/index.js', 'export {};\n').commit();
    const inside = join(repository.dir, 'node_modules/it');
    expect(tell('languages', inside)).toMatchObject({ source: 'folder', own: { fileCount: 1 } });
    expect(tell('history', inside)).toMatchObject({ state: 'none' });
  });

  it('submodules and repositories within are counted and not entered', () => {
    const inner = new SmallRepository();
    inner.write('inner.go', 'package inner\n').commit();
    repository.write('a.go', 'package a\n').commit();
    repository.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner.dir, 'sub');
    repository.git('clone', '--quiet', inner.dir, 'nested');
    const { counts, languages } = repository.tell('languages');
    expect([counts.submoduleCount, counts.nestedCount, languages[0]?.fileCount]).toEqual([1, 1, 1]);
    inner[Symbol.dispose]();
  });

  it('addresses of remotes are told without user, password and query', () => {
    const password = 'p4ss-of-nobody';
    repository.git('remote', 'add', 'up', `ssh://bob:${password}@host.example:22/x.git`);
    repository.git('remote', 'add', 'origin', `https://bob:${password}@host.example/x.git?token=${password}`);
    repository.git('remote', 'add', 'scp', 'git@host.example:x/y.git');
    expect(repository.tell('history').remotes).toEqual([
      { name: 'origin', url: 'https://host.example/x.git' },
      { name: 'up', url: 'ssh://host.example:22/x.git' },
      { name: 'scp', url: 'host.example:x/y.git' },
    ]);
  });
});

describe('a repository that means harm', () => {
  it('gets none of its programs run: monitor, hooks, filters, diffs, pager, signature check, fetching', () => {
    const marker = repository.beside('ran');
    const program = repository.beside('program');
    writeFileSync(program, `#!/bin/sh\necho "$0 $*" >> '${marker}'\n`);
    chmodSync(program, 0o755);
    repository.write('.gitattributes', '*.py diff=evil filter=evil\n').write('a.py', 'x = 1\n').commit();
    repository.write('a.py', 'x = 2\n').commit();
    for (const key of ['core.fsmonitor', 'core.pager', 'diff.external', 'diff.evil.textconv', 'diff.evil.command', 'filter.evil.clean',
      'filter.evil.process', 'gpg.program', 'core.sshCommand', 'core.askPass', 'credential.helper', 'core.gitProxy']) repository.git('config', key, program); // prettier-ignore
    for (const key of ['alias.log', 'alias.ls-files', 'alias.config']) repository.git('config', key, `!${program}`);
    repository.git('config', 'log.showSignature', 'true');
    repository.git('config', 'core.hooksPath', repository.beside('.'));
    // as a partial clone whose remote is served by a program: what is missing would be fetched by running it
    repository.git('config', 'core.repositoryFormatVersion', '1');
    repository.git('config', 'extensions.partialClone', 'origin');
    repository.git('config', 'remote.origin.url', repository.dir);
    repository.git('config', 'remote.origin.uploadpack', program);
    repository.git('config', 'remote.origin.promisor', 'true');
    const tree = execFileSync('git', ['-c', 'core.fsmonitor=false', 'rev-parse', 'HEAD~1^{tree}'], {
      cwd: repository.dir,
      encoding: 'utf8',
    }).trim();
    execFileSync('rm', ['-f', join(repository.dir, '.git/objects', tree.slice(0, 2), tree.slice(2))]);
    execFileSync('rm', ['-f', marker]);
    const report = reportOf(repository.dir);
    expect(existsSync(marker)).toBe(false);
    expect(report).toContain('| Python | 1 | 1 |');
    expect(report).toContain('git log ended early');
  });

  it('cannot point the audit at files outside by links, and is not waited for at a pipe', () => {
    writeFileSync(repository.beside('outside.py'), `key = '${['AKIA', 'Q2W3E4R5T6Y7U2I3'].join('')}'\n`);
    repository.write('real.py', 'x = 1\n').write('was-a-file.py', 'y = 1\n').commit();
    symlinkSync('..', join(repository.dir, 'loop'));
    symlinkSync('../outside.py', join(repository.dir, 'linked.py'));
    execFileSync('sh', ['-c', 'rm was-a-file.py && mkfifo was-a-file.py && mkfifo pipe'], { cwd: repository.dir });
    const { own, counts } = repository.tell('languages');
    expect(own.fileCount).toBe(1);
    expect(counts.unreadableCount).toBe(0);
    expect(repository.tell('secrets').secrets).toEqual([]);
  });

  it('cannot write on the terminal or into the report by the names of its files', () => {
    for (const name of [
      '\u001b[31mred.py',
      'two\nlines.py',
      '| x | y.py',
      '`code`.py',
      '\u202egpj.py',
      '<img src=x>.py',
      '-rf.py',
      '# head.py',
    ]) {
      repository.write(name, '# TODO: odd\n');
    }
    repository.write(Buffer.from([0xff, 0xfe, 0x2e, 0x70, 0x79]), 'x = 1\n').commit();
    const report = reportOf(repository.dir);
    // oxlint-disable-next-line no-control-regex -- those must not be there
    expect(report).not.toMatch(/[\x00-\x09\x0b-\x1f\u202e]/);
    expect(report).toContain(String.raw`\xff\xfe.py`);
    const rows = report.split('\n').filter((line) => line.endsWith('| 1 | 1 | 0 | 0 | 0 |'));
    expect(rows).toHaveLength(8);
    for (const row of rows) expect(row.replaceAll(String.raw`\|`, '').split('|')).toHaveLength(8);
    expect(repository.tell('quality').counts.odd).toBeGreaterThanOrEqual(7);
  });
});

describe('what is large', () => {
  it('six thousand commits are counted, by person and by file, within seconds', () => {
    const people = ['Ann', 'Bob', 'Cyd'];
    const commits = Array.from({ length: 6000 }, (_, at) => {
      const who = `${people[at % 3]} <x@example.com> ${1_700_000_000 + at * 3600} +0000`;
      const body = `let a = ${at};\n`.repeat(at % 2 === 0 ? 400 : 2);
      const file = at % 2 === 0 ? 'hot.ts' : `cold/${at % 100}.ts`;
      return `commit refs/heads/main\nauthor ${who}\ncommitter ${who}\ndata 1\nc\nM 644 inline ${file}\ndata ${body.length}\n${body}\n`;
    });
    execFileSync('git', ['fast-import', '--quiet'], { cwd: repository.dir, input: commits.join('') });
    repository.git('reset', '--quiet', '--hard');
    const startedMs = performance.now();
    const { commits: told } = repository.tell('history');
    const spots = repository.tell('hot-spots', { args: ['--since', '2023-12-01'] });
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    expect([told.commitCount, told.authorCount, told.firstAtS]).toEqual([6000, 3, 1_700_000_000]);
    expect(spots.hotSpots[0]).toMatchObject({ path: 'hot.ts', lineCount: 400, authorCount: 3 });
    expect(spots.hotSpots[0]?.share).toBeGreaterThan(0.9);
    expect(spots.commitCount).toBeLessThan(6000);
    expect(repository.tell('hot-spots', { args: ['--since', '2040-01-01'] })).toMatchObject({
      isQuiet: true,
      commitCount: 1000,
    });
  });

  it('a text of one very long line, an empty file and binary ones are counted for what they are', () => {
    repository
      .write('long.js', `x=[${'1,'.repeat(9_000_000)}]`)
      .write('empty.py', '')
      .write('noend.py', 'x = 1');
    repository.write('data', Buffer.from([1, 2, 0, 3])).write('wide.txt', Buffer.from('\ufeffa\nb\n', 'utf16le'));
    const told = repository.commit().tell('languages');
    expect(told.generated).toMatchObject({ fileCount: 1, sizeBytes: 18_000_004 });
    expect(told.binary).toMatchObject({ fileCount: 1, sizeBytes: 4 });
    expect(told.languages.find(({ name }) => name === 'Python')).toMatchObject({ fileCount: 2, lineCount: 1 });
    expect(told.largestText[0]).toEqual({ path: 'long.js', sizeBytes: 18_000_004, lineCount: null });
  });

  it('what cannot be read is counted and said', () => {
    repository.write('open.py', 'x = 1\n').write('closed.py', 'x = 1\n').commit();
    chmodSync(join(repository.dir, 'closed.py'), 0);
    const isReadable = ((): boolean => {
      try {
        return readFileSync(join(repository.dir, 'closed.py')).length > 0; // root reads all
      } catch {
        return false;
      }
    })();
    const { counts, own } = repository.tell('languages');
    expect([counts.unreadableCount, own.fileCount]).toEqual(isReadable ? [0, 2] : [1, 1]);
  });

  it('installed and built folders are left out of a folder without git, and named', () => {
    using folder = new SmallRepository({ isGit: false });
    folder.write('a.ts', 'let a;\n').write('node_modules/x/index.js', 'x\n').write('dist/a.js', 'x\n');
    mkdirSync(join(folder.dir, '.git')); // not a repository, only a name
    const told = folder.tell('languages');
    expect(told.own.fileCount).toBe(1);
    expect([...told.skippedFolders].sort()).toEqual(['dist', 'node_modules']);
  });
});
