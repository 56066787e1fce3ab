import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shellTool } from './shell.ts';
import type { ToolContext, ToolResult } from './tool.ts';

let dir = '';
beforeAll(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'nika-shell-')));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const LONG = 'x'.repeat(3_000_000);
const env = { PATH: process.env['PATH'] ?? '' };

const shell = (input: object, context: Partial<ToolContext> = {}): Promise<ToolResult> =>
  shellTool.run(shellTool.inputSchema.parse(input), {
    cwd: dir,
    env,
    signal: new AbortController().signal,
    ...context,
  });

/** A dead one that its parent has not collected yet is as good as gone. */
const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

/** Waits for a file that a program writes, with text in it. */
const written = async (path: string): Promise<string> => {
  for (;;) {
    const text = await readFile(path, 'utf8').catch(() => '');
    if (text.endsWith('\n')) return text.trim();
    await delay(5);
  }
};

const gone = async (pid: number): Promise<void> => {
  while (isAlive(pid)) await delay(5);
};

describe('shell: what it runs', () => {
  it('runs an argv list without a shell: nothing in it is expanded', async () => {
    expect(await shell({ argv: ['printf', '%s|', '$HOME', '*', 'a b'] })).toMatchObject({
      ok: true,
      output: '$HOME|*|a b|',
      response: { stdout: '$HOME|*|a b|', stderr: '', exit_code: 0, interrupted: false },
    });
  });

  it('runs a command line in the folder and with the variables that were named', async () => {
    const result = await shell(
      { command: 'echo "$A-$B" && pwd', cwd: '/', env: { B: 'two' } },
      { env: { ...env, A: 'one', B: 'x' } },
    );
    expect(result).toMatchObject({ ok: true, output: 'one-two\n/' });
  });

  it('gives only the environment of its context, not that of this process, and the marker of its tree', async () => {
    const result = await shell({ argv: ['env'] });
    const output = expect.stringMatching(/^PATH=.*\nNIKA_TREE=call-[0-9a-f-]+$/);
    expect(result).toMatchObject({ ok: true, output });
  });

  it('hands text over on standard input, and closes it where there is none', async () => {
    expect(await shell({ argv: ['cat'], stdin: 'grüße' })).toMatchObject({ ok: true, output: 'grüße' });
    expect(await shell({ argv: ['cat'] })).toMatchObject({ ok: true, output: '' });
  });

  it('goes on when the program does not read the 8 MB that it is given', async () => {
    expect(await shell({ argv: ['true'], stdin: 'x'.repeat(8_000_000) })).toMatchObject({ ok: true });
  });

  it('says in one line of at most 80 characters what it runs', () => {
    const describe = (input: object) => shellTool.describe(shellTool.inputSchema.parse(input));
    expect(describe({ command: 'echo a\n\techo b' })).toBe('echo a echo b');
    expect(describe({ argv: ['git', 'log', 'x'.repeat(100)] })).toHaveLength(80);
    expect(describe({ command: `${'x'.repeat(78)}😀😀` })).toBe(`${'x'.repeat(78)}…`);
  });
});

describe('shell: how it fails', () => {
  it('gives the exit code and the last lines of standard error, and what was written so far', async () => {
    const result = await shell({ command: 'echo out; for i in $(seq 50); do echo "line $i" >&2; done; exit 3' });
    expect(result).toMatchObject({ ok: false, response: { stdout: 'out\n', exit_code: 3 } });
    const lines = result.ok ? [] : result.error.split('\n');
    expect([lines[0], lines[1], lines.at(-1), lines.length]).toEqual(['Exit code 3', 'line 31', 'line 50', 21]);
  });

  it('quotes standard output where standard error is empty, and nothing where both are', async () => {
    expect(await shell({ command: 'echo why; exit 1' })).toMatchObject({ ok: false, error: 'Exit code 1\nwhy' });
    expect(await shell({ argv: ['false'] })).toMatchObject({ ok: false, error: 'Exit code 1' });
  });

  it('takes the exit codes that the caller calls good', async () => {
    expect(await shell({ command: 'exit 1', ok_codes: [0, 1] })).toMatchObject({
      ok: true,
      response: { exit_code: 1 },
    });
    expect(await shell({ command: 'exit 0', ok_codes: [1] })).toMatchObject({ ok: false, error: 'Exit code 0' });
  });

  it('names the signal that ended the program', async () => {
    expect(await shell({ command: 'kill -SEGV $$' })).toMatchObject({
      ok: false,
      error: expect.stringMatching(/^Killed by SIGSEGV/),
      response: { signal: 'SIGSEGV', exit_code: null, interrupted: false },
    });
  });

  it.each([
    [{ argv: ['no-such-program-1'] }, 'command not found: no-such-program-1'],
    [{ argv: ['true'], cwd: 'no/such/folder' }, 'the folder DIR/no/such/folder does not exist'],
    [{ argv: ['./plain'] }, 'cannot run ./plain: permission denied, or not a program'],
    [{ argv: ['./lost'] }, 'cannot run ./lost: the interpreter that its first line names was not found'],
    [{ argv: ['true', LONG] }, 'cannot run true: its arguments and environment are too long'],
  ])('says clearly why a program cannot be started: %#', async (input, error) => {
    await writeFile(join(dir, 'plain'), 'text', { mode: 0o644 });
    await writeFile(join(dir, 'lost'), '#!/no/such/interpreter\n', { mode: 0o755 });
    expect(await shell(input)).toEqual({ ok: false, error: error.replace('DIR', dir) });
  });

  it('says so where an argument cannot be passed to a program at all', async () => {
    expect(await shell({ argv: ['echo', 'a\0b'] })).toMatchObject({
      ok: false,
      error: expect.stringMatching(/^cannot run echo:/),
    });
  });
});

describe('shell: its output', () => {
  it('streams text as it comes, whole characters only', async () => {
    const pieces: string[] = [];
    const onOutput = (stream: string, text: string) => pieces.push(`${stream}:${text}`);
    const command = String.raw`printf '\342\202'; sleep 0.1; printf '\254'; printf 'e' >&2`;
    expect(await shell({ command }, { onOutput })).toMatchObject({ ok: true, output: '€' });
    expect(pieces.toSorted()).toEqual(['stderr:e', 'stdout:€']);
  });

  it('takes off one last newline for the output, not the empty lines before it', async () => {
    expect(await shell({ command: String.raw`printf 'a\n\n'` })).toMatchObject({
      output: 'a\n',
      response: { stdout: 'a\n\n' },
    });
  });

  it('G3, G6: keeps head and tail of 100 MB in bounded memory and counts what lies between', async () => {
    const before = process.memoryUsage().arrayBuffers;
    const result = await shell({
      command: 'echo first; head -c 100000000 /dev/zero; echo last',
      max_output_bytes: 10_000,
    });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(80e6);
    expect(result).toMatchObject({ ok: true, response: { stdout_truncated_bytes: 100_000_011 - 10_000 } });
    const stdout = result.ok ? String(result.output) : '';
    expect(stdout.startsWith('first\n')).toBe(true);
    expect(stdout.endsWith('last')).toBe(true);
  });

  it('bears binary output', async () => {
    const result = await shell({ argv: ['head', '-c', '100000', '/dev/urandom'] });
    expect(result.ok && JSON.stringify(result.response).length > 1000).toBe(true);
  });
});

describe('shell: how it ends', () => {
  it('does not wait for a child in the background that holds the pipes, and has all that was written before', async () => {
    const startedAtMs = performance.now();
    const result = await shell({ command: 'sleep 60 & echo $! > bg; seq 20000' });
    expect(performance.now() - startedAtMs).toBeLessThan(2_000);
    process.kill(Number(await written(join(dir, 'bg'))), 'SIGKILL');
    expect(result.ok && String(result.output).endsWith('\n20000')).toBe(true);
  });

  it('misses nothing of a program that ended while this process was busy', async () => {
    const running = shell({ command: 'sleep 60 & echo $! > bg2; seq 10000; touch done' });
    await delay(50);
    const untilMs = performance.now() + 400;
    while (performance.now() < untilMs) Math.sqrt(untilMs);
    const result = await running;
    process.kill(Number(await written(join(dir, 'bg2'))), 'SIGKILL');
    expect(result.ok && String(result.output).endsWith('\n10000')).toBe(true);
  });

  it('starts nothing where the call was ended before it began', async () => {
    expect(await shell({ command: 'touch started' }, { signal: AbortSignal.abort() })).toEqual({
      ok: false,
      error: 'Interrupted',
      isInterrupt: true,
    });
    await expect(readFile(join(dir, 'started'))).rejects.toThrow('ENOENT');
  });

  it('ends the whole group on an abort, grandchildren too, and tells what was written', async () => {
    const controller = new AbortController();
    const running = shell(
      { command: 'echo begun; sleep 60 & echo $! > grandchild; wait' },
      { signal: controller.signal },
    );
    const grandchild = Number(await written(join(dir, 'grandchild')));
    controller.abort();
    expect(await running).toMatchObject({
      ok: false,
      isInterrupt: true,
      response: { stdout: 'begun\n', interrupted: true },
    });
    await gone(grandchild);
  });

  it('lets a program that asks for it tidy up before it ends', async () => {
    const controller = new AbortController();
    const command = 'trap "echo tidied; exit 0" TERM; echo $$ > pid; while :; do sleep 0.05; done';
    const running = shell({ command }, { signal: controller.signal });
    await written(join(dir, 'pid'));
    controller.abort();
    expect(await running).toMatchObject({ ok: false, isInterrupt: true, response: { stdout: 'tidied\n' } });
  });

  it('ends a program that is stopped', async () => {
    const controller = new AbortController();
    const running = shell({ command: 'echo $$ > stopped; kill -STOP $$; echo never' }, { signal: controller.signal });
    const pid = await written(join(dir, 'stopped'));
    while (!/^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) await delay(5);
    const abortedAtMs = performance.now();
    controller.abort();
    expect(await running).toMatchObject({ ok: false, isInterrupt: true, response: { stdout: '' } });
    expect(performance.now() - abortedAtMs).toBeLessThan(1_500);
  });
});
