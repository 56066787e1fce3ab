import { execFileSync, spawnSync } from 'node:child_process';
import { globSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { binary, TestHome } from '../nika.ts';

const root = join(import.meta.dirname, '../..');
const examples = globSync('docs/examples/*.yaml', { cwd: root });

let home: TestHome;
beforeEach(() => {
  home = new TestHome();
});
afterEach(() => {
  home[Symbol.dispose]();
});

const git = (...args: readonly string[]): void => {
  const identity = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org'];
  execFileSync('git', [...identity, ...args], { cwd: home.cwd, stdio: 'ignore' });
};

it.each(examples)('%s is a job that can be started', async (example) => {
  const { code, stderr } = await home.nika('job', 'check', join(root, example));
  expect(stderr).toBe('');
  expect(code).toBe(0);
});

it('the example of the README writes what was committed since a tag', async () => {
  git('init', '-q');
  git('commit', '-q', '--allow-empty', '-m', 'before');
  git('tag', 'v1');
  git('commit', '-q', '--allow-empty', '-m', 'mend the fence');
  const example = join(root, 'docs/examples/changelog.yaml');
  const { code, stdout } = await home.nika('pod', 'start', example, '--input', 'since=v1', '--quiet');
  expect(code).toBe(0);
  expect(stdout).toContain('mend the fence');
  expect(readFileSync(join(home.cwd, 'CHANGELOG.draft.md'), 'utf8')).toMatch(/^[0-9a-f]+ mend the fence$/);
});

it('the example of the README takes an input for a tag, never for an option', async () => {
  git('init', '-q');
  git('commit', '-q', '--allow-empty', '-m', 'before');
  const example = join(root, 'docs/examples/changelog.yaml');
  const { code } = await home.nika('pod', 'start', example, '--input', 'since=--output=stolen', '--quiet');
  expect(code).toBe(1);
  expect(readdirSync(home.cwd)).toEqual(['.git']);
});

it('the module among the examples finds links that lead nowhere, and says where it threw in its own words', async () => {
  mkdirSync(join(home.cwd, 'guide'));
  writeFileSync(join(home.cwd, 'README.md'), '[guide](guide/start.md) [web](https://example.org/x.md) [top](#top)\n');
  writeFileSync(join(home.cwd, 'guide/start.md'), '[back](../README.md#top) [gone](../old.md)\n');
  const { code, stdout } = await home.nika('pod', 'start', join(root, 'docs/examples/broken-links.yaml'));
  expect(code).toBe(1);
  expect(stdout).toContain('broken: {"guide/start.md":["../old.md"]}');
  expect(stdout).toContain('Error: 1 of 2 pages have links that lead nowhere\n');
  expect(stdout).toMatch(/ at run \(.*broken-links\.ts:\d+/);
  expect(stdout).not.toContain('module-worker');
});

it('the shell script among the examples tells its pod of each script', async () => {
  writeFileSync(join(home.cwd, 'good.sh'), 'echo fine\n');
  writeFileSync(join(home.cwd, 'bad.sh'), 'if true; then\n');
  const PATH = `${join(root, 'node_modules/.bin')}:${process.env['PATH']}`;
  const { code, stdout } = await home.start(['pod', 'start', join(root, 'docs/examples/shell-syntax.yaml')], { PATH })
    .ended;
  expect(code).toBe(1);
  expect(stdout).toMatch(/✗ syntax +bad\.sh/);
  expect(stdout).toMatch(/✓ syntax +good\.sh/);
  expect(stdout).toContain('scripts: 2');
});

it('says in one sentence that a Node is too old, and exits 2', () => {
  const older = join(home.dir, 'older.cjs');
  writeFileSync(older, `Object.defineProperty(process.versions, 'node', { value: '20.20.2' });`);
  const { status, stderr, stdout } = spawnSync(process.execPath, ['-r', older, binary, 'tree'], { encoding: 'utf8' });
  expect(status).toBe(2);
  expect(stdout).toBe('');
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(stderr).toContain('nika needs Node 24.12 or later, and this is 20.20.2');
});
