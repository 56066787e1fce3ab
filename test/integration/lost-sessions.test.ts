/** Sessions of Alpha and of workers that were killed are closed by whoever runs next. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createChain } from '../../src/bus/chain.ts';
import { readRegistrations } from '../../src/bus/registration.ts';
import { verifyBus } from '../../src/bus/read/verify.ts';
import { readOpenSessions } from '../../src/pod/registry/open-session.ts';
import { dispatched } from '../fixtures/dispatched.ts';
import { ToldAlpha, toldIn } from '../fixtures/told-alpha.ts';
import { TestHome } from '../nika.ts';
import { until } from '../pods.ts';
import { startWorker } from '../workers.ts';

const runOf = ({ dir }: TestHome): string => join(dir, 'run');
const verify = ({ dir }: TestHome) => verifyBus({ busDir: join(dir, '_bus'), chain: createChain() });
const endsOf = (home: TestHome): readonly unknown[] =>
  home.alpha.filter(({ type }) => type === 'session_end_summary').map(({ data }) => data['outcome']);

describe('a session of the swarm', () => {
  it('of an Alpha that was killed is closed once by the next one, all its heads sealed (G8)', async () => {
    using home = new TestHome();
    dispatched(home, 'JOB-late', { deadline: new Date(Date.now() - 1_000).toISOString() });
    {
      await using alpha = ToldAlpha.start(home);
      await until('it to write on the channel of another', () =>
        toldIn(home).some(({ event }) => event === 'job_overdue'),
      );
      await alpha.kill();
    }
    const [left] = readOpenSessions(runOf(home));
    expect(await verify(home)).toMatchObject({ unsealed: 2, sessionless: 1 });
    {
      await using alpha = ToldAlpha.start(home);
      await using second = ToldAlpha.start(home);
      await until(
        'it to be closed',
        () => !readOpenSessions(runOf(home)).some(({ session }) => session === left?.session),
      );
      await until('both to be there', () => alpha.record !== undefined && second.record !== undefined);
      await second.end();
      await alpha.end();
    }
    expect(readOpenSessions(runOf(home))).toEqual([]);
    expect(readRegistrations(runOf(home))).toEqual([]);
    expect(endsOf(home)).toEqual(['lost', 'completed', 'completed']);
    const [end] = home.alpha.filter(({ data }) => data['outcome'] === 'lost');
    expect(end).toMatchObject({ entity: left?.meta.entity_id, meta: { session_id: left?.session } });
    const heads = end?.data['heads'] as readonly { file: string; writer: string }[];
    expect(heads.map(({ file }) => file).toSorted()).toEqual(
      ['alpha_bus.jsonl', 'channels/JOB-late.jsonl', `channels/${left?.meta.entity_id}.jsonl`].toSorted(),
    );
    expect(new Set(heads.map(({ writer }) => writer))).toEqual(new Set([left?.writer]));
    expect(await verify(home)).toMatchObject({ unsealed: 1, sessionless: 1, findings: [] });
  });

  it('of a worker that was killed is closed by the next worker; what it had ended is told no more', async () => {
    using home = new TestHome();
    {
      await using worker = await startWorker(home);
      await worker.kill();
    }
    expect(readOpenSessions(runOf(home))).toHaveLength(1);
    {
      await using _worker = await startWorker(home);
      await until('the killed one to be closed', () => readOpenSessions(runOf(home)).length === 1);
    }
    await until('the other to end', () => readOpenSessions(runOf(home)).length === 0);
    expect(endsOf(home)).toEqual(['lost', 'completed']);
    expect((await home.nika('alpha', 'digest')).stdout).toContain('nothing ran');
    expect(await verify(home)).toMatchObject({ unsealed: 0, findings: [] });
  });
});
