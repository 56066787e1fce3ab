import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { searchTool } from '../../src/pod/tools/search.ts';
import { shellTool } from '../../src/pod/tools/shell.ts';
import { runInTime } from '../../src/pod/steps/time-limit.ts';
import type { Tool, ToolContext, ToolResult } from '../../src/pod/tools/tool.ts';
import { TaggedPrograms } from '../fixtures/tagged-programs.ts';
import { openTestTree, TREE_KINDS } from '../fixtures/tree-kinds.ts';

/** Its test with `(a+)+$` takes longer than the universe has existed. */
const TRAP = `${'a'.repeat(60)}!\n`;

const inFolder = async (
  files: Readonly<Record<string, string>>,
  work: (dir: string) => Promise<void>,
): Promise<void> => {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'nika-ending-')));
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
    await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};

interface Call {
  readonly dir: string;
  readonly signal?: AbortSignal;
  readonly tree?: ToolContext['tree'];
}

const call = <I>(tool: Tool<I>, input: object, { dir, signal, tree }: Call): Promise<ToolResult> => {
  const context = {
    cwd: dir,
    env: { PATH: process.env['PATH'] ?? '' },
    signal: signal ?? new AbortController().signal,
    ...(tree && { tree }),
  };
  return tool.run(tool.inputSchema.parse(input), context);
};

const pidIn = async (path: string): Promise<number> => {
  for (;;) {
    const text = await readFile(path, 'utf8').catch(() => '');
    if (text.endsWith('\n')) return Number(text);
    await delay(5);
  }
};

/** A dead one that its parent has not collected yet is as good as gone. */
const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

describe.concurrent('a tool that does not want to end', () => {
  it('search is ended by an abort while an expression backtracks, and this process goes on all the while', () =>
    inFolder({ trap: TRAP }, async (dir) => {
      const controller = new AbortController();
      const running = call(searchTool, { pattern: '(a+)+$' }, { dir, signal: controller.signal });
      let ticks = 0;
      const timer = setInterval(() => {
        ticks += 1;
        if (ticks === 10) controller.abort();
      }, 20);
      const result = await running;
      clearInterval(timer);
      expect(result).toMatchObject({ ok: false, isInterrupt: true });
      expect(ticks).toBeLessThan(20);
    }));

  it('G3: search leaves out the file that takes longer than 2 s, names it, and searches the others', () =>
    inFolder({ 'a-good': 'aaa\n', 'b-trap': TRAP, 'c-good': 'aaaa\n' }, async (dir) => {
      expect(await call(searchTool, { pattern: '(a+)+$' }, { dir })).toMatchObject({
        ok: true,
        output: [{ path: 'a-good' }, { path: 'c-good' }],
        response: { files_searched: 2, skipped: { too_slow: ['b-trap'] } },
      });
    }));

  it('search gives up at the third such file', () =>
    inFolder({ a: TRAP, b: TRAP, c: TRAP, d: TRAP }, async (dir) => {
      expect(await call(searchTool, { pattern: '(a+)+$' }, { dir })).toMatchObject({
        ok: false,
        error: 'the pattern takes longer than 2 s for each of a, b, c: make it simpler',
      });
    }));

  it('shell kills what does not end within 2 s, the deaf grandchild of an obedient parent too', () =>
    inFolder({ 'deaf.sh': `trap '' TERM; echo $$ > pid; while :; do sleep 0.05; done\n` }, async (dir) => {
      const controller = new AbortController();
      const running = call(shellTool, { command: 'sh deaf.sh & wait' }, { dir, signal: controller.signal });
      const pid = await pidIn(join(dir, 'pid'));
      const abortedAtMs = performance.now();
      controller.abort();
      expect(await running).toMatchObject({ ok: false, isInterrupt: true });
      expect(performance.now() - abortedAtMs).toBeLessThan(3_500);
      while (isAlive(pid)) await delay(5);
    }));

  it('any tool that has not ended 5 s after its timeout is left to itself, and the pod goes on', async () => {
    const { promise: never } = Promise.withResolvers<ToolResult>();
    const startedAtMs = performance.now();
    const result = await runInTime(50, new AbortController().signal, () => never);
    expect(result).toMatchObject({
      ok: false,
      isInterrupt: true,
      error: 'NIKA_TOOL_TIMED_OUT: not done within 0.05 s',
    });
    expect(performance.now() - startedAtMs).toBeLessThan(6_000);
  });
});

describe.each(['no', ...TREE_KINDS] as const)('a shell call in %s tree', (kind) => {
  it('ends on an abort what it started, in other sessions and without an environment too', async () => {
    await using programs = new TaggedPrograms();
    await using opened = openTestTree(kind === 'no' ? 'process table' : kind);
    const controller = new AbortController();
    const command = `setsid sleep ${programs.tag} & (setsid sleep ${programs.tag} &); env -i setsid sleep ${programs.tag}`;
    const place = { dir: '/', signal: controller.signal, ...(kind !== 'no' && { tree: opened.tree }) };
    const running = call(shellTool, { command }, place);
    await programs.sleeping(3);
    controller.abort();
    expect(await running).toMatchObject({ ok: false, isInterrupt: true });
    expect(programs.running).toEqual([]);
  });
});

describe.each(TREE_KINDS)('a shell call that succeeded in a tree, by %s', (kind) => {
  it('leaves what it put into the background running, and the end of the pod ends it', async () => {
    await using programs = new TaggedPrograms();
    await using opened = openTestTree(kind);
    const command = `(setsid sleep ${programs.tag} >/dev/null 2>&1 &); echo started`;
    expect(await call(shellTool, { command }, { dir: '/', tree: opened.tree })).toMatchObject({ output: 'started' });
    await programs.sleeping();
    expect(await opened.tree.end({ graceMs: 1_000 })).toBe(0);
    expect(programs.running).toEqual([]);
  });
});
