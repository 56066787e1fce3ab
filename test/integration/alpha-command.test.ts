/** `nika alpha`: the orchestrator as people start, look at and end it; and whom it tells of what it sees. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dispatched } from '../fixtures/dispatched.ts';
import { TestHome } from '../nika.ts';
import { running, until } from '../pods.ts';

interface Shown {
  readonly entity: string;
  readonly has_home: boolean;
  readonly process: { readonly pid: number };
  readonly roles: { readonly orchestrator: { readonly standing: string; readonly follows: string | null } };
  readonly entities: Readonly<Record<string, number>>;
}

const shown = async (home: TestHome): Promise<readonly Shown[]> =>
  JSON.parse((await home.nika('alpha', 'status', '--json')).stdout) as readonly Shown[];

describe('nika alpha', () => {
  it('runs in the background, says how it stands, has another one stand by, and ends when told', async () => {
    using home = new TestHome();
    const none = await home.nika('alpha', 'status');
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('nika alpha start -d')]);
    const first = (await home.nika('alpha', 'start', '-d')).stdout.trim();
    const second = JSON.parse((await home.nika('alpha', 'start', '-d', '--json')).stdout) as { alpha: string };
    expect((await home.nika('run', '--', 'true')).code).toBe(0);
    await until('it to know of that', async () => (await shown(home))[0]?.entities['completed'] === 1);
    expect(await shown(home)).toMatchObject([
      { entity: first, has_home: true, roles: { orchestrator: { standing: 'active', follows: 'bus' } } },
      { entity: second.alpha, has_home: false },
    ]);
    const { code, stdout } = await home.nika('alpha', 'status');
    expect([code, stdout]).toEqual([0, expect.stringContaining('local only: no Redis is configured')]);
    expect(stdout).toContain('stands by: another Alpha of this home is at work');
    const ended = await home.nika('alpha', 'stop');
    expect([ended.code, ended.stdout.trim().split('\n')]).toEqual([0, [first, second.alpha]]);
    expect([running(home.dir), await shown(home)]).toEqual([[], []]);
    const ofAlpha = home.alpha.filter(({ entity }) => entity === first);
    expect(ofAlpha.map(({ type, data }) => [type, data['kind'] ?? data['outcome']])).toEqual([
      ['session_start', 'alpha'],
      ['session_end_summary', 'completed'],
    ]);
    expect((await home.nika('tree')).stdout).not.toContain(first); // it is no work
  });

  it('is ended by SIGTERM within a second, in the foreground too', async () => {
    using home = new TestHome();
    const alpha = home.start(['alpha', 'start']);
    await alpha.printed('follows the bus of this home');
    const atMs = performance.now();
    alpha.child.kill('SIGTERM');
    expect(await alpha.ended).toMatchObject({ code: 0, stderr: '' });
    expect(performance.now() - atMs).toBeLessThan(1_000);
  });

  it('tells people of a job that is late, once', async () => {
    using home = new TestHome();
    const file = join(home.dir, 'notice.json');
    writeFileSync(join(home.dir, 'config/nika.yaml'), `notify:\n  - { command: 'cat >> ${file}' }\n`);
    dispatched(home, 'JOB-late', { deadline: new Date(Date.now() - 1_000).toISOString() });
    const alpha = home.start(['alpha', 'start']);
    try {
      const notice = await until('the notification', () => {
        try {
          return JSON.parse(readFileSync(file, 'utf8')) as object;
        } catch {
          return undefined; // not there yet, or not whole
        }
      });
      expect(notice).toMatchObject({ on: 'overdue', title: 'sleeper is late', pod: { id: 'JOB-late' } });
    } finally {
      alpha.child.kill('SIGTERM');
      await alpha.ended;
    }
  });
});
