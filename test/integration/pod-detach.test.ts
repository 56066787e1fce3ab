import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestHome } from '../nika.ts';
import { endPods, running, until, untilStatus } from '../pods.ts';

let home: TestHome;
beforeEach(() => {
  home = new TestHome();
});
afterEach(async () => {
  await endPods(home);
  home[Symbol.dispose]();
});

/** Holds a supervisor up before it says anything, as a machine under load does. */
const SLOW = `if (process.argv.some((arg) => arg.includes('supervise-worker'))) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000);
}`;

describe('Ctrl-C while a pod starts in the background', () => {
  it('says that it may have started, with its id, and ends with 130', async () => {
    const slow = join(home.dir, 'slow.mjs');
    writeFileSync(slow, SLOW);
    const args = ['run', '-d', '--id', 'JOB-late', '--', 'echo', 'done'];
    const { child, ended } = home.start(args, { NODE_OPTIONS: `--import=${slow}` });
    await until('the supervisor', () => running('supervise-worker').some((pid) => running(home.dir).includes(pid)));
    child.kill('SIGINT');
    const { code, stdout, stderr } = await ended;
    expect([code, stdout]).toEqual([130, '']);
    expect(stderr).toMatch(/JOB-late may have started/);
    expect(stderr).not.toContain('bug of nika');
    await untilStatus(home, 'JOB-late', 'completed');
  });
});
