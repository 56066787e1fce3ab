import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const program = join(import.meta.dirname, '../../test/programs/watched.ts');

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
});
