import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NikaError } from '../model/error.ts';
import { ensureHome, resolveHome } from './home.ts';

let dir: string;
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'nika-home-')));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const make = (path: string, text?: string): string => {
  const full = join(dir, path);
  mkdirSync(text === undefined ? full : join(full, '..'), { recursive: true });
  if (text !== undefined) writeFileSync(full, text);
  return full;
};

const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'nothing was thrown';
  } catch (thrown) {
    return thrown instanceof NikaError ? thrown.code : String(thrown);
  }
};

describe('resolveHome', () => {
  it('takes --home before all else, also where it is not there yet', () => {
    make('repo/config/nika.yaml', '');
    const home = resolveHome({ flag: 'new', env: { NIKA_HOME: '/elsewhere' }, cwd: make('repo') });
    expect(home).toEqual({
      dir: join(dir, 'repo/new'),
      configDir: join(dir, 'repo/new/config'),
      busDir: join(dir, 'repo/new/_bus'),
      logsDir: join(dir, 'repo/new/logs'),
      runDir: join(dir, 'repo/new/run'),
      source: 'flag',
    });
  });

  it('takes the user for "~", which a shell leaves alone behind "--home="', () => {
    expect(resolveHome({ flag: '~/pods', env: { HOME: '/home/ada' }, cwd: dir }).dir).toBe('/home/ada/pods');
  });

  it('takes NIKA_HOME before the folders above', () => {
    make('repo/config/nika.yaml', '');
    expect(resolveHome({ env: { NIKA_HOME: '/srv/pods' }, cwd: make('repo') })).toMatchObject({
      dir: '/srv/pods',
      source: 'env',
    });
  });

  it('takes the nearest folder upward that has a config/nika.yaml', () => {
    make('config/nika.yaml', '');
    make('repo/config/nika.yaml', '');
    make('repo/a/config/other.yaml', '');
    const home = resolveHome({ env: { NIKA_HOME: '' }, cwd: make('repo/a/b') });
    expect(home).toMatchObject({ dir: join(dir, 'repo'), source: 'folder' });
  });

  it('is never simply the current folder: without any of these it is the state folder of the user', () => {
    const cwd = make('repo/.git');
    expect(resolveHome({ env: { HOME: '/home/ada' }, cwd })).toMatchObject({
      dir: '/home/ada/.local/state/nika',
      source: 'state',
    });
    expect(resolveHome({ env: { XDG_STATE_HOME: '/state' }, cwd }).dir).toBe('/state/nika');
    expect(resolveHome({ env: { XDG_STATE_HOME: 'relative', HOME: '/home/ada' }, cwd }).dir).toBe(
      '/home/ada/.local/state/nika',
    );
  });

  it('is not the current folder where HOME is empty, or no whole path', () => {
    for (const HOME of ['', '.', 'relative']) {
      const { dir: found } = resolveHome({ env: { HOME }, cwd: make('repo/.git') });
      expect(found).toBe(join(userInfo().homedir, '.local/state/nika'));
      expect(resolveHome({ flag: '~/pods', env: { HOME }, cwd: dir }).dir).toBe(join(userInfo().homedir, 'pods'));
    }
  });

  it('takes a home that is a file, or an empty --home, for a mistake', () => {
    const file = make('file', 'x');
    expect(codeOf(() => resolveHome({ flag: file, env: {}, cwd: dir }))).toBe('NIKA_CONFIG_NO_HOME');
    expect(codeOf(() => resolveHome({ env: { NIKA_HOME: file }, cwd: dir }))).toBe('NIKA_CONFIG_NO_HOME');
    expect(codeOf(() => resolveHome({ flag: '', env: {}, cwd: dir }))).toBe('NIKA_CONFIG_NO_HOME');
  });

  it('is not fooled by a config/nika.yaml that is a folder', () => {
    make('repo/config/nika.yaml/x', '');
    expect(resolveHome({ env: { HOME: '/home/ada' }, cwd: make('repo') }).source).toBe('state');
  });

  it('uses what is one’s own in a folder that all may write to', () => {
    make('open/config/nika.yaml', '');
    chmodSync(join(dir, 'open'), 0o777);
    expect(resolveHome({ env: {}, cwd: make('open/work') }).source).toBe('folder');
  });

  it.runIf(process.getuid?.() === 0)('does not use unasked what another user put into a folder like /tmp', () => {
    chownSync(make('open/config/nika.yaml', ''), 65_534, 65_534); // only root can give a file away
    chmodSync(join(dir, 'open'), 0o777);
    const cwd = make('open/work');
    expect(codeOf(() => resolveHome({ env: {}, cwd }))).toBe('NIKA_CONFIG_NO_HOME');
    expect(resolveHome({ flag: join(dir, 'open'), env: {}, cwd }).source).toBe('flag');
  });
});

describe('resolveHome in a git worktree', () => {
  it("uses the main checkout's home, also where that is not committed", () => {
    make('main/.git/worktrees/fix');
    make('main/config/nika.yaml', '');
    make('fix/.git', `gitdir: ${join(dir, 'main/.git/worktrees/fix')}\n`);
    expect(resolveHome({ env: {}, cwd: make('fix/src/deep') })).toMatchObject({
      dir: join(dir, 'main'),
      source: 'folder',
    });
  });

  it("prefers it to the worktree's own copy of the same file", () => {
    make('main/pkg/config/nika.yaml', '');
    make('fix/pkg/config/nika.yaml', '');
    make('fix/.git', 'gitdir: ../main/.git/worktrees/fix\n'); // git can write relative paths
    expect(resolveHome({ env: {}, cwd: make('fix/pkg/src') }).dir).toBe(join(dir, 'main/pkg'));
  });

  it("uses the worktree's own where the main checkout has none", () => {
    make('main/README.md', '');
    make('fix/config/nika.yaml', '');
    make('fix/.git', `gitdir: ${join(dir, 'main/.git/worktrees/fix')}\n`);
    expect(resolveHome({ env: {}, cwd: make('fix/src') }).dir).toBe(join(dir, 'fix'));
  });

  it('takes a submodule and a worktree of a bare repository for ordinary folders', () => {
    make('super/config/nika.yaml', '');
    make('super/sub/.git', 'gitdir: ../.git/modules/sub\n');
    expect(resolveHome({ env: {}, cwd: make('super/sub/src') }).dir).toBe(join(dir, 'super'));
    make('bare/fix/.git', `gitdir: ${join(dir, 'bare/repo.git/worktrees/fix')}\n`);
    make('bare/fix/config/nika.yaml', '');
    expect(resolveHome({ env: {}, cwd: make('bare/fix') }).dir).toBe(join(dir, 'bare/fix'));
  });
});

describe('ensureHome', () => {
  it('makes the folders for the user alone, keeps git out of them, and changes nothing the second time', () => {
    const home = resolveHome({ flag: join(dir, 'new'), env: {}, cwd: dir });
    expect(ensureHome(home)).toEqual([]);
    for (const path of [home.busDir, home.logsDir, home.runDir]) expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(readFileSync(join(home.busDir, '.gitignore'), 'utf8')).toBe('*\n');
    writeFileSync(join(home.logsDir, '.gitignore'), 'mine\n');
    expect(ensureHome(home)).toEqual([]);
    expect(readFileSync(join(home.logsDir, '.gitignore'), 'utf8')).toBe('mine\n');
  });

  it('G1: tells what could not be made, makes the rest, and does not throw', () => {
    make('home/_bus', 'a file where the bus should be');
    const home = resolveHome({ flag: join(dir, 'home'), env: {}, cwd: dir });
    expect(ensureHome(home)).toEqual([{ path: home.busDir, why: 'EEXIST' }]);
    expect(statSync(home.runDir).isDirectory()).toBe(true);
    const under = resolveHome({ flag: '/proc/nika', env: {}, cwd: dir });
    expect(ensureHome(under).map(({ path }) => path)).toEqual([under.busDir, under.logsDir, under.runDir]);
  });
});
