import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { detectTests } from '../../config/jobs/test-suite/detect.mjs';
import { AutoReader } from '../../config/jobs/test-suite/format/auto.mjs';
import { readJunit } from '../../config/jobs/test-suite/format/junit.mjs';
import { LineFeed } from '../../config/jobs/test-suite/lines.mjs';
import { planLine } from '../../config/jobs/test-suite/runners.mjs';
import type { TestEnd } from '../../config/jobs/test-suite/test-end.mjs';

interface Read {
  readonly tests: readonly TestEnd[];
  readonly groups: readonly string[];
  readonly shown: string;
}

/** As the output of a suite is read: in chunks that know nothing of lines. */
const read = (text: string, chunkBytes = 7): Read => {
  const tests: TestEnd[] = [];
  const groups: string[] = [];
  let shown = '';
  const reader = new AutoReader({ test: (test) => tests.push(test), groupEnd: (group) => groups.push(group) });
  const feed = new LineFeed(
    (line) => reader.line(line),
    (some) => {
      shown += some;
    },
  );
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += chunkBytes) feed.push(bytes.subarray(at, at + chunkBytes));
  feed.end();
  reader.end();
  return { tests, groups, shown };
};

const brief = ({ tests }: Pick<Read, 'tests'>) =>
  tests.map(({ name, outcome, suite }) => [suite === undefined ? name : `${suite} > ${name}`, outcome]);

describe('TAP', () => {
  it('is read in its plain form, and shown as it is', () => {
    const text =
      'TAP version 13\n1..5\nok 1 - one\nnot ok 2 two ü\nok 3 # SKIP no disk\nnot ok 4 - four # TODO soon\nok\n';
    const told = read(text);
    expect(told.shown).toBe(text);
    expect(brief(told)).toEqual([
      ['one', 'passed'],
      ['two ü', 'failed'],
      ['(no name)', 'skipped'],
      ['four', 'skipped'],
      ['(no name)', 'passed'],
    ]);
  });

  it('has tests in tests: the outer ones are suites, unless they failed by themselves', () => {
    const text = `TAP version 14
# Subtest: outer
    # Subtest: inner
        ok 1 - a \\# b
        not ok 2 - bad
        1..2
    not ok 1 - inner
    ok 2 - other
    1..2
not ok 1 - outer
# Subtest: broken hook
    ok 1 - fine
    1..1
not ok 2 - broken hook
1..2
`;
    expect(brief(read(text))).toEqual([
      ['outer > inner > a # b', 'passed'],
      ['outer > inner > bad', 'failed'],
      ['outer > other', 'passed'],
      ['broken hook > fine', 'passed'],
      ['broken hook', 'failed'],
    ]);
  });

  it('tells in YAML why a test failed, where, and how long it took', () => {
    const text = `not ok 1 - sum
  ---
  duration_ms: 12.5
  location: '/r/sum.test.js:3:47'
  error: |-
    one is
    not two
  stack: |-
    at ok 1 - no test
  ...
ok 2 - next # time=1.5s
not ok 3 as Mocha has it
  ---
    message: "x"
    stack: |-
      Error: x
          at y
  ...
`;
    expect(read(text).tests).toEqual([
      {
        name: 'sum',
        outcome: 'failed',
        file: '/r/sum.test.js',
        durationMs: 12.5,
        error: 'one is\nnot two\nat ok 1 - no test',
      },
      { name: 'next', outcome: 'passed', durationMs: 1500 },
      { name: 'as Mocha has it', outcome: 'failed', error: 'x\nError: x\n    at y' },
    ]);
  });

  it('has subtests in braces behind their point, as tap and Vitest print them', () => {
    const text = `TAP version 13
1..1
not ok 1 - a.test.ts # time=20ms {
    1..2
    ok 1 - suite # time=1ms {
        ok 1 - deep # time=1ms
    }
    not ok 2 - bad
        ---
        error:
          name: "AssertionError"
        ...
}
`;
    expect(brief(read(text))).toEqual([
      ['a.test.ts > suite > deep', 'passed'],
      ['a.test.ts > bad', 'failed'],
    ]);
  });

  it('may be given up', () => {
    expect(read('1..9\nok 1\nBail out! no database\n').tests[1]).toEqual({
      name: 'Bail out!',
      outcome: 'failed',
      error: 'no database',
    });
  });
});

describe('go test -json', () => {
  const lines = (...events: readonly object[]): string => events.map((event) => `${JSON.stringify(event)}\n`).join('');

  it('of packages side by side, with tests in tests', () => {
    const text = lines(
      { Action: 'run', Package: 'a', Test: 'TestX' },
      { Action: 'pass', Package: 'b', Test: 'TestY', Elapsed: 0.1 },
      { Action: 'output', Package: 'a', Test: 'TestX/deep', Output: 'x_test.go:1: no\n' },
      { Action: 'fail', Package: 'a', Test: 'TestX/deep', Elapsed: 0 },
      { Action: 'fail', Package: 'a', Test: 'TestX', Elapsed: 0 },
      { Action: 'skip', Package: 'b', Test: 'TestZ', Elapsed: 0 },
      { Action: 'fail', Package: 'a', Elapsed: 0.2 },
      { Action: 'pass', Package: 'b', Elapsed: 0.2 },
    );
    const told = read(text);
    expect(told).toMatchObject({ groups: ['a', 'b'], shown: 'x_test.go:1: no\n' });
    expect(told.tests).toEqual([
      { name: 'TestY', suite: 'b', outcome: 'passed', durationMs: 100 },
      { name: 'TestX/deep', suite: 'a', outcome: 'failed', durationMs: 0, error: 'x_test.go:1: no' },
      { name: 'TestZ', suite: 'b', outcome: 'skipped', durationMs: 0 },
    ]);
  });

  it('of a package that does not build', () => {
    const text = lines(
      { ImportPath: 'a [a.test]', Action: 'build-output', Output: './x_test.go:3: undefined: y\n' },
      { ImportPath: 'a [a.test]', Action: 'build-fail' },
      { Action: 'output', Package: 'a', Output: 'FAIL\ta [build failed]\n' },
      { Action: 'fail', Package: 'a', Elapsed: 0, FailedBuild: 'a [a.test]' },
    );
    const error = './x_test.go:3: undefined: y\nFAIL\ta [build failed]';
    expect(read(text).tests).toEqual([{ name: 'a', suite: 'a', outcome: 'failed', error }]);
  });

  it('is not taken from a line that only looks like it', () => {
    const told = read('{"level":"info"}\n{ not json\n{"half');
    expect(told).toEqual({ tests: [], groups: [], shown: '{"level":"info"}\n{ not json\n{"half' });
  });
});

it('cargo test is read, why a test failed from behind the list', () => {
  const text = `running 3 tests
test tests::later ... ignored, slow
test tests::ok ... ok
test tests::bad ... FAILED

failures:

---- tests::bad stdout ----
assertion failed


failures:
    tests::bad

test result: FAILED. 1 passed; 1 failed; 1 ignored
test src/lib.rs - f (line 1) ... ok
`;
  expect(read(text).tests).toEqual([
    { name: 'tests::later', suite: 'tests', outcome: 'skipped' },
    { name: 'tests::ok', suite: 'tests', outcome: 'passed' },
    { name: 'tests::bad', suite: 'tests', outcome: 'failed', error: 'assertion failed' },
    { name: 'src/lib.rs - f (line 1)', outcome: 'passed' },
  ]);
});

describe('JUnit XML', () => {
  it('is read with its entities, CDATA, comments and nested suites', () => {
    const xml = `<?xml version="1.0"?><!DOCTYPE x><testsuites><testsuite name="outer" file='a.php'>
<!-- <testcase name="no"/> --><properties><property name="x" value="a>b"/></properties>
<testsuite name="inner"><testcase name="&lt;a&gt; &amp; &#xE9;&#99;" classname="C" time="1,000.5"/></testsuite>
<testcase name="f"><failure message="one" type="T">one
at x</failure><system-out><![CDATA[<testcase name="no"/>]]></system-out></testcase>
<testcase name="e"><error type="Boom"/></testcase><testcase name="s"><skipped message="later"/></testcase>
</testsuite></testsuites>`;
    expect(readJunit(xml)).toEqual([
      { name: '<a> & éc', suite: 'C', outcome: 'passed', durationMs: 1_000_500 },
      { name: 'f', suite: 'outer', file: 'a.php', outcome: 'failed', error: 'one\nat x' },
      { name: 'e', suite: 'outer', file: 'a.php', outcome: 'failed', error: 'Boom' },
      { name: 's', suite: 'outer', file: 'a.php', outcome: 'skipped' },
    ]);
  });

  it('that is cut off, or none at all, gives what is whole', () => {
    expect(readJunit('<testsuite><testcase name="a"/><testcase name="b"><fail')).toMatchObject([{ name: 'a' }]);
    for (const text of ['', 'not xml', '<', '<a b="', '&#x110000;', '<testcase name="&#x110000;"'])
      expect(readJunit(text)).toEqual([]);
  });
});

describe('how the tests of a repository are run', () => {
  const detect = (files: Readonly<Record<string, string>>): string | undefined => {
    const cwd = mkdtempSync(join(tmpdir(), 'nika-detect-'));
    try {
      for (const [path, content] of Object.entries(files)) {
        mkdirSync(dirname(join(cwd, path)), { recursive: true });
        writeFileSync(join(cwd, path), content);
      }
      const found = detectTests(cwd);
      return found === undefined ? undefined : planLine(found.line, { ...found, folder: '/f' }).command;
    } finally {
      rmSync(cwd, { recursive: true });
    }
  };
  const reporter = (name: string): string =>
    join(import.meta.dirname, `../../config/jobs/test-suite/reporter/${name}.mjs`);
  const script = (test: string): Record<string, string> => ({ 'package.json': JSON.stringify({ scripts: { test } }) });
  const noTests = 'echo "Error: no test specified" && exit 1';

  it.each([
    [
      'a script of Vitest',
      script('tsc && vitest run'),
      `npm test -- --reporter=default --reporter=${reporter('vitest')}`,
    ],
    ['a script of Jest', script('jest'), `npm test -- --reporters=default --reporters=${reporter('jest')}`],
    ['a script of Mocha', script('mocha test'), 'npm test -- --reporter=tap --reporter-option=tapVersion=13'],
    ['a script of its own', script('mocha && sh after.sh'), 'npm test'],
    ['a script with a reporter of its own', script('mocha -R dot'), 'npm test'],
    [
      'Mocha without a script',
      { 'package.json': '{"devDependencies":{"mocha":"1"}}' },
      'npx --no-install mocha --reporter=tap --reporter-option=tapVersion=13',
    ],
    ['no script, and Go', { ...script(noTests), 'go.mod': '' }, 'go test -json ./...'],
    ['Rust', { 'Cargo.toml': '' }, 'cargo test --no-fail-fast'],
    ['pytest', { 'pyproject.toml': '[tool.pytest.ini_options]\n' }, 'python3 -m pytest --junitxml=/f/junit.xml'],
    ['pytest with uv', { 'tests/test_a.py': '', 'uv.lock': '' }, 'uv run pytest --junitxml=/f/junit.xml'],
    ['Maven', { 'pom.xml': '', mvnw: '' }, './mvnw --batch-mode test'],
    ['PHP', { 'phpunit.xml': '' }, 'vendor/bin/phpunit --log-junit /f/junit.xml'],
    ['Deno', { 'deno.json': '{}' }, 'deno test --junit-path=/f/junit.xml'],
    ['make', { Makefile: 'all:\n\ncheck: all\n\techo\n' }, 'make check'],
    ['nothing but files', { 'src/a.test.js': '' }, 'node --test'],
    ['a broken package.json', { 'package.json': '{' }, undefined],
    ['nothing', {}, undefined],
  ])('%s', (_, files, command) => {
    expect(detect(files)).toBe(command);
  });

  it('a path with a quote stays one word', () => {
    expect(planLine('pytest', { folder: "/it's" }).command).toBe(String.raw`pytest --junitxml='/it'\''s/junit.xml'`);
  });
});
