import { chmodSync, chownSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findInPackage, findOnPath } from './find-binary.ts';

let dir: string;
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'nika-binary-')));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const file = (path: string, mode: number): string => {
  const full = join(dir, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, '');
  chmodSync(full, mode);
  return full;
};

it('takes the first program that may be run, and no folder, no text, nothing beside the folder one stands in', () => {
  mkdirSync(join(dir, 'a/redis-server'), { recursive: true });
  file('b/redis-server', 0o600);
  const second = file('c/valkey-server', 0o700);
  const path = ['a', 'b', 'c'].map((name) => join(dir, name)).join(':');
  expect(findOnPath(['redis-server', 'valkey-server'], path)).toBe(second);
  const first = file('c/redis-server', 0o700);
  expect(findOnPath(['redis-server', 'valkey-server'], path)).toBe(first);
  expect(findOnPath(['redis-server'], `.:c::${join(dir, 'none')}`)).toBeUndefined();
  expect(findOnPath(['redis-server'])).toBeUndefined();
});

it('finds a program in a package of the project above, but not one that cannot be run', () => {
  file('node_modules/some-server/package.json', 0o600);
  const program = file('node_modules/some-server/bin/server', 0o700);
  writeFileSync(join(dir, 'node_modules/some-server/package.json'), '{"name":"some-server","version":"1.0.0"}');
  expect(findInPackage('some-server', 'bin/server', join(dir, 'src/deep'))).toBe(program);
  chmodSync(program, 0o600);
  expect(findInPackage('some-server', 'bin/server', dir)).toBeUndefined();
  expect(findInPackage('other-server', 'bin/server', dir)).toBeUndefined();
});

it.skipIf(process.getuid?.() !== 0)('runs no program that another user put above the folder one stands in', () => {
  file('node_modules/some-server/package.json', 0o644);
  const program = file('node_modules/some-server/bin/server', 0o755);
  writeFileSync(join(dir, 'node_modules/some-server/package.json'), '{"name":"some-server","version":"1.0.0"}');
  chownSync(program, 12_345, 12_345);
  expect(findInPackage('some-server', 'bin/server', join(dir, 'src'))).toBeUndefined();
});
