import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SuiteResult } from '../../config/jobs/test-suite/report.mjs';
import { TestHome } from '../nika.ts';

const root = join(import.meta.dirname, '../..');
const main = join(root, 'config/jobs/test-suite/main.mjs');

let home: TestHome;
let tmp: string;
beforeEach(() => {
  home = new TestHome();
  tmp = join(home.dir, 'tmp');
  mkdirSync(tmp);
});
afterEach(() => {
  home[Symbol.dispose]();
});

const write = (files: Readonly<Record<string, string>>): void => {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(home.cwd, path)), { recursive: true });
    writeFileSync(join(home.cwd, path), content);
  }
};

const start = (inputs: Readonly<Record<string, string>> = {}) => {
  const given = Object.entries(inputs).flatMap(([name, value]) => ['-i', `${name}=${value}`]);
  return home.start(['pod', 'start', 'test-suite', '--json', ...given], { TMPDIR: tmp });
};

interface Event {
  readonly event: string;
  readonly tool?: string;
  readonly text?: string;
  readonly result?: SuiteResult;
}

interface Told {
  readonly code: number | null;
  readonly result: SuiteResult | undefined;
  readonly output: string;
}

const run = async (inputs: Readonly<Record<string, string>> = {}): Promise<Told> => {
  const { code, stdout } = await start(inputs).ended;
  const lines = stdout.trim().split('\n');
  const events = lines.map((line) => JSON.parse(line) as Event);
  const output = events.filter(({ event }) => event === 'tool_output').map(({ text = '' }) => text);
  expect(readdirSync(tmp).filter((name) => name.startsWith('nika-test-suite-'))).toEqual([]);
  return { code, result: events.at(-1)?.result, output: output.join('') };
};

/** The calls on the bus: what each was told of, and how it ended. */
const calls = () =>
  home.channels
    .filter(({ data }) => data['tool_name'] === 'test')
    .map(({ type, data }) => ({ ...(data['tool_input'] as object), type, error: data['error'] }));

const SUM_TEST = `import { describe, it } from 'node:test';
import assert from 'node:assert';
describe('sum', () => {
  it('adds', () => {});
  it('subtracts', () => assert.equal(1 - 1, 1, 'one is not nothing'));
  it.skip('multiplies', () => {});
});
`;
const WORD_TEST = `import test from 'node:test'; test('alone', () => {}); test.todo('one day');\n`;

describe('the job test-suite', () => {
  it('tells each test of a package that node --test runs, each file a TASK, and ends with the exit code of the suite', async () => {
    write({
      'package.json': '{ "scripts": { "test": "true && node --test" } }',
      'sum.test.mjs': SUM_TEST,
      'word.test.mjs': WORD_TEST,
    });
    const { code, result, output } = await run();
    expect(code).toBe(1);
    expect(result).toMatchObject({ passed: 2, failed: 1, skipped: 2 });
    expect(result?.failures).toMatchObject([{ name: 'subtracts', suite: 'sum', file: 'sum.test.mjs' }]);
    expect(result?.failures[0]?.error).toContain('one is not nothing');
    expect(result?.slowest).toHaveLength(5);
    expect(output).toContain('✖ subtracts');
    expect(calls()).toHaveLength(5);
    expect(calls()).toContainEqual(expect.objectContaining({ name: 'adds', file: 'sum.test.mjs', suite: 'sum' }));
    const failed = calls().filter(({ error }) => error !== undefined);
    expect(failed).toEqual([
      expect.objectContaining({ name: 'subtracts', error: expect.stringContaining('one is not') }),
    ]);
    const { stdout } = await home.nika('tree');
    expect(stdout).toMatch(/✗ sum\.test\.mjs TASK-\S+ {2}failed, .*1 test failed/);
    expect(stdout).toMatch(/✓ word\.test\.mjs TASK-\S+ {2}completed/);
  });

  it('reads the TAP that a command prints', async () => {
    write({ 'sum.test.mjs': SUM_TEST, 'word.test.mjs': WORD_TEST });
    const { code, result, output } = await run({ command: 'node --test --test-reporter=tap' });
    expect([code, result]).toMatchObject([1, { passed: 2, failed: 1, skipped: 2 }]);
    expect(result?.failures).toMatchObject([{ name: 'subtracts', suite: 'sum', file: 'sum.test.mjs' }]);
    expect(output).toContain('not ok 2 - subtracts');
    expect(output).toContain("error: 'one is not nothing'");
  });

  it('tells a test as soon as it has ended, not when the suite has', async () => {
    const script = `echo 'ok 1 - first'; until test -e go; do sleep 0.05; done; echo 'not ok 2 - second'; exit 3`;
    const { printed, ended } = start({ command: script });
    await printed('\\"name\\":\\"first\\"');
    write({ go: '' });
    expect((await ended).code).toBe(3);
    expect(calls()).toMatchObject([{ name: 'first' }, { name: 'second' }]);
  });

  it('tells each test that Vitest runs, and a file that cannot be loaded', async () => {
    symlinkSync(join(root, 'node_modules'), join(home.cwd, 'node_modules'));
    write({
      'package.json': '{ "type": "module", "scripts": { "test": "vitest" } }',
      'a.test.ts': `import { describe, expect, it } from 'vitest';
        describe('sum', () => { it('adds', () => {}); it('fails', () => expect(1).toBe(2)); it.todo('later'); });`,
      'b.test.ts': `throw new Error('broken file');`,
    });
    const { code, result } = await run();
    expect([code, result]).toMatchObject([1, { passed: 1, failed: 2, skipped: 1 }]);
    const failed = calls().filter(({ error }) => error !== undefined);
    expect(failed).toHaveLength(2);
    expect(failed).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          name: 'fails',
          file: 'a.test.ts',
          suite: 'sum',
          error: expect.stringContaining('to be 2'),
        }),
        expect.objectContaining({
          name: 'b.test.ts',
          file: 'b.test.ts',
          error: expect.stringContaining('broken file'),
        }),
      ]),
    );
  });

  it('reads go test -json, and shows people what the tests print', async () => {
    const events = [
      { Action: 'start', Package: 'shop/cart' },
      { Action: 'run', Package: 'shop/cart', Test: 'TestAdd' },
      { Action: 'output', Package: 'shop/cart', Test: 'TestAdd', Output: '    add_test.go:9: got 1\n' },
      { Action: 'fail', Package: 'shop/cart', Test: 'TestAdd', Elapsed: 0.25 },
      { Action: 'output', Package: 'shop/cart', Output: 'FAIL\n' },
      { Action: 'fail', Package: 'shop/cart', Elapsed: 0.3 },
    ];
    write({ 'go.jsonl': events.map((event) => `${JSON.stringify(event)}\n`).join('') });
    const { code, result, output } = await run({ command: 'cat go.jsonl; exit 1', format: 'go-json' });
    expect(code).toBe(1);
    expect(result).toMatchObject({ passed: 0, failed: 1, slowest: [{ name: 'TestAdd', duration_ms: 250 }] });
    expect(calls()).toMatchObject([{ name: 'TestAdd', suite: 'shop/cart', error: 'add_test.go:9: got 1' }]);
    expect(output).toContain('    add_test.go:9: got 1\nFAIL\n');
    expect(output).not.toContain('"Action"');
  });

  it('reads the JUnit files that the run wrote, and none of an earlier one', async () => {
    const xml = '<testsuite name="s" file="s.rb"><testcase name="good" time="0.5"/></testsuite>';
    write({ 'out/old.xml': xml.replace('good', 'stale'), 'new.xml': xml });
    const { code, result } = await run({ command: 'cp new.xml out/', junit: 'out/*.xml' });
    expect(code).toBe(0);
    expect(result).toMatchObject({ passed: 1, slowest: [{ name: 'good', file: 's.rb', duration_ms: 500 }] });
  });

  it('says so where no test can be read, and where there is no suite', async () => {
    const { code, result } = await run({ command: 'echo fine' });
    expect([code, result]).toMatchObject([0, { passed: 0, failed: 0, skipped: 0 }]);
    const notes = home.channels.filter(({ type }) => type === 'note').map(({ data }) => data['text']);
    expect(notes).toEqual([expect.stringContaining("no test could be read from what 'echo fine' told")]);
    expect((await run()).code).toBe(2);
    expect((await run({ command: 'true', format: 'junit' })).code).toBe(2);
  });

  it('that is interrupted leaves no file and no process, and the tests that were told', async () => {
    const { child, printed, ended } = start({
      command: `echo 'ok 1 - first'; sleep 76543.${process.pid}`,
    });
    await printed('\\"name\\":\\"first\\"');
    child.kill('SIGINT');
    expect((await ended).code).toBe(130);
    expect(calls()).toMatchObject([{ name: 'first' }]);
    expect(readdirSync(tmp).filter((name) => name.startsWith('nika-test-suite-'))).toEqual([]);
    const processes = readdirSync('/proc').filter((pid) => existsSync(`/proc/${pid}/cmdline`));
    expect(processes.filter((pid) => tryRead(`/proc/${pid}/cmdline`).includes(`76543.${process.pid}`))).toEqual([]);
  });

  it('runs by hand as well, without a pod', () => {
    write({ 'sum.test.mjs': SUM_TEST });
    const env = { PATH: process.env['PATH'], TMPDIR: tmp };
    const { status, stdout, stderr } = spawnSync(process.execPath, [main], { cwd: home.cwd, encoding: 'utf8', env });
    expect(status).toBe(1);
    expect(stdout).toContain('✖ subtracts');
    expect(stderr).toContain('1 passed, 1 failed, 1 skipped');
  });

  it('does not wait for a pod that is gone', () => {
    write({ 'word.test.mjs': WORD_TEST });
    const env = { PATH: process.env['PATH'], TMPDIR: tmp, NIKA_SOCKET: join(home.dir, 'gone.sock') };
    const { status, stderr } = spawnSync(process.execPath, [main], { cwd: home.cwd, encoding: 'utf8', env });
    expect([status, stderr]).toEqual([0, expect.stringContaining('1 passed, 0 failed, 1 skipped')]);
  });
});

const tryRead = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};
