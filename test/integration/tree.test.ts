import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { treeOf } from '../../src/pod/tree/open-tree.ts';
import { type PodTree, describeTree } from '../../src/pod/tree/pod-tree.ts';
import { readProcess } from '../../src/pod/tree/process-row.ts';
import { detachedEnv } from '../../src/pod/tree/tree-path.ts';
import type { TreeKind } from '../../src/pod/registry/pod-record.ts';
import { TaggedPrograms } from '../fixtures/tagged-programs.ts';
import { until } from '../pods.ts';
import { hasCgroups, openTestTree, TREE_KINDS } from '../fixtures/tree-kinds.ts';

const programFile = (name: string): string => join(import.meta.dirname, '../programs', name);

const start = (tree: PodTree, program: Parameters<PodTree['spawn']>[0]): ChildProcess =>
  tree.spawn(program, { stdio: 'ignore', detached: true });

/** What gets away from a process group, or does not want to end. `count`: of the `sleep`s. */
const ESCAPES: readonly { readonly name: string; readonly script: string; readonly count?: number }[] = [
  { name: 'a child', script: 'sleep $T & wait' },
  { name: 'a grandchild in its own session', script: 'setsid sleep $T & wait' },
  { name: 'a grandchild in its own session whose parent is gone', script: '(setsid sleep $T &)' },
  { name: 'a grandchild with a changed process group', script: 'bash -c "set -m; sleep $T & wait" & wait' },
  { name: 'one with a cleaned environment', script: '(env -i sleep $T &)' },
  { name: 'one with a cleaned environment in its own session', script: 'env -i setsid sleep $T & wait' },
  { name: 'a daemon that forked twice', script: '(setsid sh -c "sleep $T & exit" &) ; exit' },
  { name: 'one that ignores SIGTERM', script: `trap '' TERM; sleep $T & while :; do wait; done` },
  {
    name: 'a stopped one',
    script: 'sleep $T & until grep -q sleep /proc/$!/comm; do :; done; kill -STOP $!; kill -STOP $$; exit',
  },
  {
    name: '50 that are started again whenever they end',
    count: 50,
    script: `trap '' TERM; i=0; while [ $i -lt 50 ]; do i=$((i+1)); (while :; do setsid sleep $T; done) & done; wait`,
  },
  {
    name: 'one that starts others without end',
    count: 3,
    script: `trap '' TERM; sleep $T & sleep $T & sleep $T & while :; do (setsid sleep 0.05 $T &) ; sleep 0.002; done`,
  },
  { name: 'one with a zombie', script: 'sleep 0 & exec sleep $T' },
];

describe.each(TREE_KINDS)('the tree of a pod, by %s', (kind) => {
  it.each(ESCAPES)('ends $name', async ({ script, count = 1 }) => {
    await using programs = new TaggedPrograms();
    await using opened = openTestTree(kind);
    const { tree } = opened;
    start(tree, programs.script(script));
    const sleeping = await programs.sleeping(count);
    await delay(30);
    expect(tree.members()).toEqual(expect.arrayContaining(sleeping.map(({ pid }) => pid)));
    expect(await tree.end({ graceMs: 300 })).toBe(0);
    expect(programs.running).toEqual([]);
    expect(tree.members()).toEqual([]);
  });

  it('lets programs tidy up, also stopped ones', async () => {
    await using programs = new TaggedPrograms();
    await using opened = openTestTree(kind);
    const child = start(
      opened.tree,
      programs.script(`trap 'exit 7' TERM; kill -STOP $$; while :; do sleep 0.02; done`),
    );
    while (!/^State:\s+T/m.test(readFileSync(`/proc/${child.pid}/status`, 'utf8'))) await delay(5);
    const [ended] = await Promise.all([once(child, 'exit'), opened.tree.end({ graceMs: 5_000 })]);
    expect(ended).toEqual([7, null]);
  });

  it('does not count zombies, nor this process, nor the programs of another pod', async () => {
    await using programs = new TaggedPrograms();
    await using opened = openTestTree(kind);
    await using other = openTestTree(kind);
    start(other.tree, programs.script('exec sleep $T'));
    const child = start(opened.tree, programs.script('sleep 0 & exec sleep $T'));
    await programs.sleeping(2);
    await delay(50);
    expect(opened.tree.members()).toEqual([child.pid]);
    expect(await opened.tree.end({ graceMs: 300 })).toBe(0);
    expect(programs.running).toHaveLength(1);
  });

  it('pauses and continues all of them', async () => {
    await using programs = new TaggedPrograms();
    await using opened = openTestTree(kind);
    start(opened.tree, programs.script('setsid sleep $T & sleep $T & wait'));
    await programs.sleeping(2);
    const states = (): readonly string[] =>
      opened.tree
        .members()
        .map((pid) => /^State:\s+(\w)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '');
    opened.tree.signalAll('SIGSTOP');
    await until('all to stand still', () => states().join('') === 'TTT');
    opened.tree.signalAll('SIGCONT');
    const goneOn = await until('all to go on', () => states().every((state) => state !== 'T') && states());
    expect(goneOn).toHaveLength(3);
  });

  it('kills all before it returns from killNow', async () => {
    await using programs = new TaggedPrograms();
    await using opened = openTestTree(kind);
    start(opened.tree, programs.script(`trap '' TERM; setsid sleep $T & while :; do wait; done`));
    await programs.sleeping();
    opened.tree.killNow();
    while (programs.running.length > 0) await delay(1);
    expect(opened.tree.members()).toEqual([]);
  });

  it('ends what one call started, in other sessions too, and not what another call did', async () => {
    await using programs = new TaggedPrograms();
    await using opened = openTestTree(kind);
    const [one, two] = [opened.tree.branch(), opened.tree.branch()];
    start(one, programs.script('(setsid sleep $T &); env -i setsid sleep $T & wait'));
    await programs.sleeping(2);
    start(two, programs.script('(setsid sleep $T &)'));
    await programs.sleeping(3);
    expect(await one.end({ graceMs: 300 })).toBe(0);
    await one.remove();
    expect(programs.running).toEqual(['sleep T']);
    expect(opened.tree.members()).toEqual(two.members());
    expect(await opened.tree.end({ graceMs: 300 })).toBe(0);
    expect(programs.running).toEqual([]);
  });
});

const hasFolder = (kind: TreeKind): boolean => kind.kind === 'cgroup' && existsSync(kind.path);

class TestFolder implements Disposable {
  readonly #dir = mkdtempSync(join(tmpdir(), 'nika-tree-'));

  file(name: string): string {
    return join(this.#dir, name);
  }

  /** Its text, once a line of it is there. */
  async written(name: string): Promise<string> {
    const untilMs = performance.now() + 20_000;
    for (;;) {
      const text = existsSync(this.file(name)) ? readFileSync(this.file(name), 'utf8') : '';
      if (text.endsWith('\n')) return text;
      if (performance.now() > untilMs) throw new Error(`nobody wrote ${name}: ${text}`);
      await delay(5);
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

interface Owner {
  readonly kind: TreeKind;
  readonly left: string;
  readonly pid: number;
}

const ownerArgs = (
  place: 'foreground' | 'detached',
  kind: string,
  session: string,
  script: string,
): readonly string[] => [programFile('tree-owner.ts'), place, kind, session, script];

const firstLine = async (child: ChildProcess): Promise<Owner> => {
  if (child.stdout === null) throw new Error('no pipe');
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return JSON.parse(line) as Owner;
};

describe.each(TREE_KINDS)('pods that start pods, by %s', (kind) => {
  it('ends a pod in the foreground with its parent, also what its dead supervisor left', async () => {
    await using programs = new TaggedPrograms();
    await using opened = openTestTree(kind);
    const script = `(setsid sleep ${programs.tag} &)`;
    const program = programs.program(process.execPath, ownerArgs('foreground', kind, randomUUID(), script));
    const child = opened.tree.spawn(program, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
    const owner = await firstLine(child);
    const [sleep] = await programs.sleeping();
    expect(owner.kind.kind).toBe(kind);
    expect(opened.tree.members()).toEqual(expect.arrayContaining([owner.pid, sleep?.pid]));
    process.kill(owner.pid, 'SIGKILL');
    await once(child, 'exit');
    expect(opened.tree.members()).toEqual([sleep?.pid]);
    expect(await opened.tree.end({ graceMs: 300 })).toBe(0);
    expect(programs.running).toEqual([]);
    await opened.tree.remove();
    expect(hasFolder(opened.tree.kind)).toBe(false);
  });

  it('leaves a detached pod alone, and what that one started', async () => {
    await using programs = new TaggedPrograms();
    await using opened = openTestTree(kind);
    using folder = new TestFolder();
    const session = randomUUID();
    const env = Object.entries(detachedEnv(session)).map(([name, value]) => `${name}=${value}`);
    const own = [process.execPath, ...ownerArgs('detached', kind, session, `setsid sleep ${programs.tag} & wait`)];
    const launcher = ['setsid', 'env', ...env, ...own].map((word) => `'${word}'`).join(' ');
    start(opened.tree, programs.script(`${launcher} >${folder.file('owner')} & exec sleep $T`));
    const owner = JSON.parse(await folder.written('owner')) as Owner;
    const sleeping = await programs.sleeping(2);
    expect(owner.left).toBe(kind === 'cgroup' ? 'left' : 'not inside');
    expect(opened.tree.members()).toHaveLength(1);
    expect(await opened.tree.end({ graceMs: 300 })).toBe(0);
    expect(programs.rows().map(({ pid }) => pid)).toContain(owner.pid);
    const tree = treeOf(owner.kind, { session, sinceTicks: 0 });
    expect(tree.members().length).toBeGreaterThanOrEqual(2);
    expect(sleeping).toHaveLength(2);
    process.kill(owner.pid, 'SIGKILL');
    expect(await tree.end({ graceMs: 300 })).toBe(0);
    await tree.remove();
    expect(programs.running).toEqual([]);
  });

  it('ends what a pod left that died without a word', async () => {
    await using programs = new TaggedPrograms();
    const session = randomUUID();
    const script = `(setsid sleep ${programs.tag} &); env -i sleep ${programs.tag}`;
    const child = spawn(process.execPath, ownerArgs('foreground', kind, session, script), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const owner = await firstLine(child);
    await programs.sleeping(2);
    const sinceTicks = readProcess(owner.pid)?.startTicks ?? 0;
    child.kill('SIGKILL');
    await once(child, 'exit');
    const tree = treeOf(owner.kind, { session, sinceTicks });
    expect(tree.members().length).toBeGreaterThanOrEqual(3);
    expect(await tree.end({ graceMs: 300 })).toBe(0);
    await tree.remove();
    expect(programs.running).toEqual([]);
  });

  it('is ended from within without ending the process that does it', async () => {
    await using programs = new TaggedPrograms();
    using folder = new TestFolder();
    const session = randomUUID();
    const ender = [process.execPath, programFile('tree-ender.ts'), `$(cat ${folder.file('kind')})`, session];
    const quoted = `${ender.map((word) => `"${word}"`).join(' ')} ${folder.file('left')}`;
    const script = `setsid sleep ${programs.tag} & while ! [ -s ${folder.file('kind')} ]; do sleep 0.02; done; exec ${quoted}`;
    const child = spawn(process.execPath, ownerArgs('foreground', kind, session, script), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const owner = await firstLine(child);
    await programs.sleeping();
    child.kill('SIGKILL');
    await once(child, 'exit');
    writeFileSync(folder.file('kind'), JSON.stringify(owner.kind));
    expect(await folder.written('left')).toBe('0\n');
    expect(programs.running).toEqual([]);
    expect(hasFolder(owner.kind)).toBe(false);
  });
});

/** Two forks, a session of its own, and nothing left in the environment: all of it before anybody can look. */
const VANISHING = `perl -e 'use POSIX "setsid"; exit if fork; setsid(); exit if fork; %ENV = (); exec "/bin/sleep", $ARGV[0]' $T`;

describe('a daemon that leaves everything behind at once', () => {
  it.runIf(hasCgroups)('is ended where cgroups are', async () => {
    await using programs = new TaggedPrograms();
    await using opened = openTestTree('cgroup');
    start(opened.tree, programs.script(VANISHING));
    await programs.runningAs('/bin/sleep');
    expect(await opened.tree.end({ graceMs: 300 })).toBe(0);
    expect(programs.running).toEqual([]);
  });

  it('is not found in the process table, and nika says so', async () => {
    await using programs = new TaggedPrograms();
    await using opened = openTestTree('process table');
    // It is started by a program that ends before the first look.
    start(opened.tree, programs.script(VANISHING));
    while (!programs.running.some((line) => line.startsWith('/bin/sleep'))); // this process looks at nothing meanwhile
    const [daemon] = await programs.runningAs('/bin/sleep');
    expect(opened.tree.members()).toEqual([]);
    expect(await opened.tree.end({ graceMs: 300 })).toBe(0);
    expect(programs.rows().map(({ pid }) => pid)).toEqual([daemon?.pid]);
    expect(describeTree(opened.tree.kind)).toMatch(
      /not caught: a process that left its session, its parents and its environment/,
    );
  });
});
