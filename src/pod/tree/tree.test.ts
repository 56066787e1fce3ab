import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasCgroups, openTestTree, TREE_KINDS } from '../../../test/fixtures/tree-kinds.ts';
import { isCgroupOf, outsideOf, parseCgroup2Mounts, parseOwnCgroup } from './cgroup.ts';
import { openTree, treeOf } from './open-tree.ts';
import type { ProgramStart } from './pod-tree.ts';
import { listPids, readProcess, signalProcess } from './process-row.ts';
import { claimOf, detachedEnv, pathOfPod } from './tree-path.ts';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'nika-tree-'));
  writeFileSync(join(dir, 'plain'), 'text', { mode: 0o644 });
  writeFileSync(join(dir, 'lost'), '#!/no/such/interpreter\n', { mode: 0o755 });
  writeFileSync(join(dir, 'bare'), 'echo "bare $1"\n', { mode: 0o755 });
  writeFileSync(join(dir, "a b'$x"), '#!/bin/sh\necho "$0|$1"\n', { mode: 0o755 });
  writeFileSync(join(dir, '-v'), '#!/bin/sh\necho dash\n', { mode: 0o755 });
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const PATH = process.env['PATH'] ?? '';

const textOf = async (stream: NodeJS.ReadableStream | null): Promise<string> => {
  const pieces: string[] = [];
  for await (const piece of stream ?? []) pieces.push(String(piece));
  return pieces.join('');
};

type Told = { readonly code: unknown; readonly signal: unknown; readonly output: string } | { readonly error: unknown };

const follow = async (child: ChildProcess): Promise<Told> => {
  const failed = once(child, 'error').then(([error]) => ({ error: (error as NodeJS.ErrnoException).code }));
  const ended = async (): Promise<Told> => {
    const output = textOf(child.stdout);
    const [code, signal] = (await once(child, 'close')) as unknown[];
    return { code, signal, output: await output };
  };
  return Promise.race([failed, ended()]);
};

const stdio = ['ignore', 'pipe', 'ignore'] as const;

describe.each(TREE_KINDS)('a program started in a tree, by %s', (kind) => {
  const run = async (program: Partial<ProgramStart>): Promise<Told> => {
    await using opened = openTestTree(kind);
    const whole = { file: 'sh', args: [], cwd: dir, env: { PATH }, ...program };
    return await follow(opened.tree.spawn(whole, { stdio: [...stdio] })); // before the tree is ended
  };
  const plain = (program: Partial<ProgramStart>): Promise<Told> => {
    const { file, args, cwd, env } = { file: 'sh', args: [], cwd: dir, env: { PATH }, ...program };
    return follow(spawn(file, args, { cwd, env, stdio: [...stdio] }));
  };

  it.each([
    { args: ['-c', 'exit 3'] },
    { args: ['-c', 'exit 127'] },
    { args: ['-c', 'kill -SEGV $$'] },
    { args: ['-c', 'pwd; echo "$0|$1|$2|$#"', 'a b', `"$x'\n`, '*', ''] },
    { file: './plain' },
    { file: './lost' },
    { file: './bare', args: ['1'] },
    { file: 'no-such-program-1' },
    { file: '/' },
    { file: "./a b'$x", args: ['$(id)'] },
    { file: '-v', env: { PATH: `${PATH}:.` } },
    { cwd: '/no/such/folder' },
    { file: 'ls', env: {}, args: ['-d', '/'] },
  ] as const)('ends as it would without one: %j', async (program) => {
    expect(await run(program)).toEqual(await plain(program));
  });

  it.each([
    { PATH },
    { PATH, PWD: '/', OLDPWD: '/x', SHLVL: '4', HOME: '/h' },
    { PATH, 'a.b': '1', 'BASH_FUNC_x%%': '() {  echo x\n}' },
    { PATH, LONG: 'x'.repeat(100_000), ODD: `'"$(id)\n` },
  ])('has the environment that it was given, and the marker: %#', async (env) => {
    const script = 'process.stdout.write(JSON.stringify(process.env))';
    const told = await run({ file: process.execPath, args: ['-e', script], env, cwd: '/' });
    const {
      NIKA_TREE,
      SHLVL: _counted,
      _,
      ...seen
    } = JSON.parse('output' in told ? told.output : '') as Record<string, string>;
    const { SHLVL: _given, ...given } = env as Record<string, string>;
    expect([seen, NIKA_TREE === undefined]).toEqual([given, false]);
  });

  it('leaves nothing of its own behind', async () => {
    const opened = openTestTree(kind);
    const call = opened.tree.branch();
    await follow(call.spawn({ file: 'true', args: [], cwd: '/', env: { PATH } }, { stdio: [...stdio] }));
    await call.remove();
    await opened.tree.remove();
    const { path } = { path: '', ...opened.tree.kind };
    expect(
      isCgroupOf(path, opened.session) && treeOf(opened.tree.kind, { ...opened, sinceTicks: 0 }).members(),
    ).toEqual(kind === 'cgroup' ? [] : false);
    expect(() => rmSync(path, { recursive: true })).toThrow('ENOENT');
  });
});

describe('what marks a tree', () => {
  it('names the pods that a pod was started from, but for a detached one', () => {
    expect(pathOfPod('b', {})).toBe('b');
    expect(pathOfPod('b', { NIKA_TREE: 'a/call-1-a' })).toBe('a/call-1-a/b');
    expect(pathOfPod('b', detachedEnv('b'))).toBe('b');
  });

  it('is read from the environment of a process, whatever else is in it', () => {
    expect(claimOf('')).toEqual({ path: '', session: '' });
    expect(claimOf('X=NIKA_TREE=no\0MY_NIKA_TREE=no\0NIKA_TREE=a/b\0NIKA_SESSION_ID=s')).toEqual({
      path: 'a/b',
      session: 's',
    });
  });
});

describe('where cgroups are', () => {
  it('finds the mount of version 2 also on hybrid systems, and with blanks in its path', () => {
    const lines = [
      '32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu',
      '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:4 master:1 - cgroup2 cgroup2 rw',
      String.raw`42 31 0:38 /a\040b /mnt/x\040y rw - cgroup2 cgroup2 rw`,
    ];
    expect(parseCgroup2Mounts(lines.join('\n'))).toEqual([
      { root: '/', at: '/sys/fs/cgroup/unified' },
      { root: '/a b', at: '/mnt/x y' },
    ]);
  });

  it('finds the own one among those of version 1', () => {
    expect(parseOwnCgroup('4:memory:/x\n0::/user.slice/a:b\n')).toBe('/user.slice/a:b');
    expect(parseOwnCgroup('4:memory:/x\n')).toBeUndefined();
  });

  it('finds the way out of all that pods made', () => {
    expect(outsideOf('/sys/fs/cgroup/app/nika-1/call-2/nika-3')).toBe('/sys/fs/cgroup/app');
    expect(outsideOf('/sys/fs/cgroup/app')).toBeUndefined();
  });

  it('never ends a cgroup that is not the one of the session', () => {
    const session = '0123456789ab-4000';
    for (const path of ['/', '/sys/fs/cgroup', '/sys/fs/cgroup/nika-other', '/tmp/nika-0123456789ab']) {
      expect(isCgroupOf(path, session)).toBe(false);
      expect(treeOf({ kind: 'cgroup', path }, { session, sinceTicks: 0 }).kind).toEqual({ kind: 'process table' });
    }
  });

  it('says why there is none where it falls back', () => {
    const told: string[] = [];
    const options = { session: crypto.randomUUID(), allowCgroup: false, env: {} };
    const { kind } = openTree({ ...options, onFallback: (why) => told.push(why) });
    expect([kind, told]).toEqual([{ kind: 'process table' }, ['switched off']]);
  });

  it.runIf(hasCgroups)('goes on with a program whose cgroup was removed, and ends it by its marker', async () => {
    await using opened = openTestTree('cgroup');
    const { tree } = opened;
    await tree.remove();
    const child = tree.spawn({ file: 'sleep', args: ['60'], cwd: '/', env: { PATH } }, { stdio: 'ignore' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(tree.members()).toEqual([child.pid]);
    expect(await tree.end({ graceMs: 1_000 })).toBe(0);
  });
});

describe('a process', () => {
  it('is read with its group, session and start, whatever its name', async () => {
    const child = spawn('sleep', ['60'], { stdio: 'ignore', detached: true });
    const { pid = 0 } = child;
    const row = readProcess(pid);
    expect(row).toMatchObject({ pid, ppid: process.pid, pgid: pid, sid: pid, isZombie: false });
    expect(listPids()).toContain(pid);
    if (row !== undefined) signalProcess({ ...row, startTicks: row.startTicks - 1 }, 'SIGKILL');
    expect(child.kill(0)).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(child.exitCode ?? child.signalCode).toBeNull();
    if (row !== undefined) signalProcess(row, 'SIGKILL');
    await once(child, 'exit');
    expect(readProcess(pid)).toBeUndefined();
  });
});
