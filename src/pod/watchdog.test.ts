import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';

const program = join(import.meta.dirname, '../../test/programs/watched.ts');

/** Some times as long as the watchdog of the program waits. */
const STARVED_MS = 2_500;

interface Ran {
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

const run = (how: string): { readonly ended: Promise<Ran>; readonly kill: (signal: NodeJS.Signals) => void } => {
  const { promise, resolve } = Promise.withResolvers<Ran>();
  const child = execFile(process.execPath, [program, how], (error, stdout, stderr) =>
    resolve({ signal: error?.signal ?? null, stdout, stderr }),
  );
  return { ended: promise, kill: (signal) => child.kill(signal) };
};

describe('Watchdog', () => {
  it('kills a process whose event loop stands still, and says so (G1)', async () => {
    const { signal, stdout, stderr } = await run('blocked').ended;
    expect(signal).toBe('SIGKILL');
    expect(stdout).toBe('blocking\n');
    expect(stderr).toContain('was blocked for 0.6 s');
  });

  it('leaves one alone that is busy in short pieces, and one that is over', async () => {
    expect(await run('busy').ended).toEqual({ signal: null, stdout: 'done\n', stderr: '' });
    expect(await run('over').ended).toEqual({ signal: null, stdout: 'done\n', stderr: '' });
  });

  it('leaves one alone that gets no processor (D2)', async () => {
    const [cpu = '0'] = /Cpus_allowed_list:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.slice(1) ?? [];
    const onOneCpu = ['-c', cpu, process.execPath];
    const watched = spawn('taskset', [...onOneCpu, program, 'starved'], { stdio: ['pipe', 'pipe', 'pipe'] });
    let output = '';
    watched.stderr.on('data', (chunk) => (output += String(chunk)));
    await once(watched.stdout, 'data');
    watched.stdout.on('data', (chunk) => (output += String(chunk)));
    const rival = spawn('taskset', [...onOneCpu, '-e', 'for (;;);'], { stdio: 'ignore' });
    // Its main thread alone: the watchdog's has a processor whenever it wants one.
    execFileSync('chrt', ['--idle', '--pid', '0', String(watched.pid)]);
    watched.stdin.write('go');
    const over = once(watched, 'close');
    await delay(STARVED_MS);
    rival.kill('SIGKILL');
    expect([await over, output]).toEqual([[0, null], 'done\n']);
  });
});
