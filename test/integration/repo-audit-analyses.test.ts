import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { code, table } from '../../config/jobs/repo-audit/report/markdown.mjs';
import { plainText } from '../../config/jobs/repo-audit/repository/path-text.mjs';
import { findSecrets } from '../../config/jobs/repo-audit/secrets/secret-rules.mjs';
import { runProgram, SmallRepository } from '../fixtures/small-repository.ts';

let repository: SmallRepository;
beforeEach(() => {
  repository = new SmallRepository();
});
afterEach(() => {
  repository[Symbol.dispose]();
});

/** Letters and digits in no order, put together here so that no scanner takes the test for a leak. */
const random = (length: number, from = 'aB3dE5gH7jK9mN1pQ8sT5vW7yZ2cF4'): string => {
  let text = '';
  for (let state = 12345; text.length < length; state = (state * 1103515245 + 12345) % 2 ** 31) {
    text += from[Math.floor(state / 65536) % from.length] ?? '';
  }
  return text;
};
const HEX = '0f1e2d3c4b5a69788796a5b4c3d2e1f0';
const BASE64_LINE = `MIIEvQIBADANBgkqhkiG9w0BAQEFAASC${random(32)}`;

describe('secrets that look committed', () => {
  it.each([
    ['AWS access key', `AKIA${random(16, 'QW2E3R4T5Y6U7I')}`],
    ['AWS secret key', `aws_secret_access_key = ${random(40)}`],
    ['GitHub token', `ghp_${random(36)}`],
    ['GitLab token', `glpat-${random(20)}`],
    ['Slack token', `xoxb-${random(10, '1234567890')}-${random(24)}`],
    ['Stripe live key', `sk_live_${random(24)}`],
    ['Google API key', `AIza${random(35)}`],
    ['Anthropic key', `sk-ant-api03-${random(80)}`],
    ['OpenAI key', `sk-proj-${random(48)}`],
    ['npm token', `//registry.npmjs.org/:_authToken=npm_${random(36)}`],
    ['SendGrid key', `SG.${random(22)}.${random(43)}`],
    ['Azure storage key', `AccountKey=${random(86)}==`],
    ['private key', `-----BEGIN RSA PRIVATE KEY-----\n${BASE64_LINE}\n`],
    ['private key', `key: "-----BEGIN PRIVATE KEY-----\\n${BASE64_LINE}\\n`],
    ['password in an address', `postgres://app:${random(14)}@db.internal.net:5432/app`],
    ['JSON Web Token', `eyJ${random(30)}.eyJ${random(40)}.${random(43)}`],
    ['assigned secret', `"clientSecret": "${random(28)}"`],
  ])('%s is found by its line, and shown by four characters at most', (kind, secret) => {
    const found = findSecrets(`first\n\nx ${secret}\nlast\n`);
    expect(found.map((one) => one.kind)).toContain(kind);
    expect(found[0]?.line).toBe(kind === 'private key' && secret.startsWith('-') ? 4 : 3);
    for (const { prefix } of found) expect(prefix.length).toBeLessThanOrEqual(4);
  });

  it.each([
    'AKIAIOSFODNN7EXAMPLE', 'password = "changeme-please-now"', 'const token = "${process.env.TOKEN}"', 'postgres://user:password@localhost/db', 'https://user:{{password}}@host.net/',
    'apiKey: "your-api-key-goes-here"', `secret = "${'x'.repeat(32)}"`, 'if (text.includes("-----BEGIN PRIVATE KEY-----")) return', 'password: string', 'token = getToken("session-token")',
    'auth = "application/x-www-form-urlencoded"', `sha512-${random(60)}`, `ghp_${'a'.repeat(36)}`,
  ])('%s is no secret', (text) => {
    expect(findSecrets(text)).toEqual([]);
  }); // prettier-ignore

  it('what is in git, beside it, in tests and in the history is told apart', () => {
    repository
      .write('.env', `DB_PASSWORD=${random(20)}\nDEBUG=1\n`)
      .write('.env.example', 'DB_PASSWORD=\n')
      .write('id_rsa', 'x')
      .commit();
    repository.git('rm', '--quiet', 'id_rsa');
    repository
      .write('test/key.py', `k = "ghp_${random(36)}"\n`)
      .write('src/key.py', `k = "ghp_${random(36)}"\n`)
      .commit();
    repository.write('new.py', `\nk = "sk_live_${random(24)}"\n`);
    const told = repository.tell('secrets');
    expect(told.files).toEqual([{ path: '.env', kind: 'environment file', valueCount: 1, isTracked: true }]);
    expect(told.deleted.map(({ path }) => path)).toEqual(['id_rsa']);
    expect(told.counts).toEqual({ certain: 2, likely: 0, sample: 1 });
    expect(told.secrets.map(({ path, line, isTracked, isSample }) => [path, line, isTracked, isSample])).toEqual([
      ['src/key.py', 1, true, false],
      ['new.py', 2, false, false],
      ['test/key.py', 1, true, true],
    ]);
  });

  it('a long line of anything does not hold the search', () => {
    const text = fc
      .constantFrom('a-', 'key=', '://a:', 'eyJ', '"', '-----BEGIN PRIVATE KEY-----\n', 'secret_', ' ', HEX)
      .map((part) => part.repeat(200_000 / part.length));
    fc.assert(
      fc.property(text, (line) => {
        const startedMs = performance.now();
        findSecrets(line);
        expect(performance.now() - startedMs).toBeLessThan(2000);
      }),
      { numRuns: 12 },
    );
  });
});

describe('notes, tests and housekeeping', () => {
  it('counts TODO where it is a note, not where it is a word', () => {
    repository
      .write('a.ts', '// TODO: one\nconst TODO = 1; /* FIXME(ann) two */\nconst s = "TODO list";\n')
      .write('b.py', '# HACK around\n#XXX\nTODOS = 3\n');
    repository
      .write('README.md', '- TODO: three\nThe word TODO in a sentence.\n')
      .write('package.json', '{"TODO": "no"}')
      .write('dist/c.js', '// TODO: built\n')
      .commit();
    const told = repository.tell('todos');
    expect(told.counts).toEqual({ TODO: 2, FIXME: 1, HACK: 1, XXX: 1 });
    expect(told.files.map(({ path, total }) => [path, total])).toEqual([['a.ts', 2], ['b.py', 2], ['README.md', 1]]); // prettier-ignore
  });

  it.each([
    ['a.ts', 'write("// TODO: x\\n# FIXME");\nconst s = `\n// TODO: in a text\n`; // TODO: 1\nreplace(/["`]/g, ""); // TODO 2\n', 2],
    ['a.js', 'const half = total / 2; // TODO: 1\nurl = "http://TODO: x"; // see TODO list\n/**\n * TODO 2\n */\n', 2],
    ['todo.mjs', '/** Counts TODO, FIXME and HACK. */\n// TODO, FIXME: the words\nconst TODO = /TODO/;\n', 0],
    ['a.py', `x = "# TODO: no"\n"""Docs.\n\nTODO: 1\n"""\ny = """\nTODO: no\n"""\nz = 1  # TODO 2\nw = 'a\\'#' # TODO(ann): 3\n`, 3],
    ['a.rs', `fn f<'a>(x: &'a str) {} // TODO: 1\nlet c = '"'; // no\n// TODO: 2\n`, 2],
    ['a.sh', 'echo "# TODO: no" ${x#TODO} $#\n# TODO 1\n', 1],
    ['a.sql', `select '-- TODO: no'; -- TODO: 1\n/* TODO 2 */\n`, 2],
    ['a.go', 'var s = `\n// TODO: no\n`\n//TODO 1\n', 1],
    ['a.html', '<p>TODO: no</p><!-- TODO: 1 -->\n', 1],
    ['a.el', '(setq x "; TODO: no") ;; TODO 1\n', 1],
    ['a.tex', '100\\% TODO: no\n% TODO 1\n', 1],
    ['a.c', `char q = '"'; /* TODO 1\n TODO 2 */ int x; // it's TODO: 3\n`, 3],
    ['README.md', 'Say TODO in a text.\n\n| TODO | FIXME |\n- [ ] TODO 1\n', 1],
  ])('%s: only comments hold notes', (path, content, total) => {
    repository.write(path, content).commit();
    expect(repository.tell('todos').counts.TODO).toBe(total);
  }); // prettier-ignore

  it('a long text of anything is searched for comments in time', () => {
    for (const [at, part] of ['/', '"', "'", '`', '(/', '/*', '//', '#', '"""', '\\', '<!--', '(/[', ' /\n'].entries())
      for (const extension of ['ts', 'py', 'rs', 'xyz'])
        repository.write(`${at}.${extension}`, `// TODO: a\n${part.repeat(400_000 / part.length)}`);
    repository
      .write('many.c', '/*TODO: */'.repeat(300_000))
      .write('words.txt', 'TODO '.repeat(800_000))
      .write('words.c', `/*${' TODO: '.repeat(500_000)}`);
    const startedMs = performance.now();
    repository.tell('todos');
    expect(performance.now() - startedMs).toBeLessThan(8000);
  });

  it.each([
    ['src/a.test.ts', 'import test from "node:test";', 'node:test'],
    ['tests/test_a.py', 'import pytest\n', 'pytest'],
    ['a_test.go', 'import "testing"\n', 'go test'],
    ['src/test/java/ATest.java', 'import org.junit.Test;\n', 'JUnit'],
    ['spec/a_spec.rb', 'describe 1\n', undefined],
    ['t/a.t', 'use Test::More;\n', 'Test::More'],
    ['tests/a.rs', '#[test]\nfn a() {}\n', 'cargo test'],
    ['ATests.cs', 'class ATests {}\n', undefined],
  ])('%s is a test', (path, content, framework) => {
    repository.write(path, content).write('lib.c', 'int a;\n').commit();
    const told = repository.tell('quality');
    expect([told.testFileCount, told.sourceFileCount]).toEqual([1, 1]);
    expect(told.testFrameworks).toEqual(framework === undefined ? [] : [framework]);
  });

  it('tells CI, licence, unfinished merges, what does not belong into git, and names that are one on other systems', () => {
    repository
      .write('.github/workflows/ci.yml', 'steps:\n  - run: npm test\n')
      .write('LICENSE', 'Permission is hereby granted, free of charge, to any person obtaining a copy\n');
    repository
      .write('a.py', '<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> other\n')
      .write('notes.py', '=======\nHeading\n=======\n')
      .write('src/Readme.py', '')
      .write('src/readme.py', '');
    repository
      .write('node_modules/x/index.js', '')
      .write('.DS_Store', '')
      .write('build.log', '')
      .commit()
      .write('.gitignore', '*.log\n')
      .commit();
    const told = repository.tell('quality');
    expect(told.ci).toEqual([{ name: 'GitHub Actions', files: ['.github/workflows/ci.yml'], runsTests: true }]);
    expect(told.licence).toBe('MIT');
    expect(told.counts).toEqual({ conflicts: 1, junk: 1, ignored: 1, odd: 0, collisions: 1, installed: 1 });
    expect(told.examples).toMatchObject({
      conflicts: ['a.py'],
      junk: ['.DS_Store'],
      ignored: ['build.log'],
      collisions: [['src/Readme.py', 'src/readme.py']],
    });
  });
});

describe('the report', () => {
  const run = (program: string, lines: readonly string[]): string =>
    runProgram(program, repository.dir, { stdin: lines.join('\n') });

  it('is made of what there is: an analysis that failed is named, and the others are told', () => {
    repository.write('a.py', 'x = 1\n').commit();
    const lines = ['about', 'languages', 'history'].map((name) => runProgram(name, repository.dir));
    const report = run('report', ['', ...lines, 'not JSON']);
    expect(report).toContain('These analyses failed: dependencies, hot-spots, todos, quality, secrets.');
    expect(report).toContain('| Python | 1 | 1 | 100 % | 6 bytes |');
    expect(run('gist', lines).split('\n').slice(0, 2)).toEqual([
      'small: Python code',
      expect.stringContaining('dependencies unknown; tests unknown'),
    ]);
    expect(run('gist', [])).toContain('could not be told');
  });

  it('keeps the gist below 2 kB in any script', () => {
    repository
      .write('package.json', JSON.stringify({ name: '界'.repeat(200), description: '界🚀'.repeat(400) }))
      .commit();
    const gist = run('gist', [runProgram('about', repository.dir)]);
    expect(Buffer.byteLength(gist)).toBeLessThan(2048);
    expect(gist).not.toContain('\ufffd');
    expect(gist.trimEnd().split('\n')).toHaveLength(3);
  });

  it('quotes notes on one line, but none of ignored files and none with a secret in it', () => {
    repository
      .write('.gitignore', 'out.py\n')
      .write('a.py', `# FIXME: | \u001b[31mred\nk = "ghp_${random(36)}" # FIXME: move\n# TODO later\n`)
      .write('out.py', '# FIXME: no\n')
      .commit();
    const report = run('report', [runProgram('todos', repository.dir)]);
    expect(report).toContain(String.raw`| ${'`a.py`'}:1 | ${'`# FIXME: \\| \\x1b[31mred`'} |`);
    expect(report).toContain('`a.py`:2 | `not shown');
    expect(report).not.toContain('later');
    expect(report).not.toContain('out.py');
  });

  it('any name stays in its cell of the table', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const [, , row = '', ...more] = table(['a', 'b'], [[code(plainText(name)), 'x']]).split('\n');
        expect(more).toEqual([]);
        expect(row.replaceAll(String.raw`\|`, '').split('|')).toHaveLength(4);
      }),
    );
  });
});
