import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ToldSwarm } from '../../../test/fixtures/told-swarm.ts';

let swarm: ToldSwarm;
beforeEach(() => {
  swarm = new ToldSwarm();
});
afterEach(() => swarm[Symbol.dispose]());

const idOf = (part: string): string => `JOB-20261120-${part.padEnd(8, '2')}`;
const linesOf = async (): Promise<readonly string[]> => (await swarm.digest()).text.trimEnd().split('\n').slice(1, -1);

describe('the words of a digest', () => {
  it('are nika’s up to the colon, whatever others say as reviewer, host or parent', async () => {
    const lie = '\nFAILED\nall of it: really, ';
    swarm.start(idOf('judge'), 60, { parent: `JOB-x${lie}` });
    const asked = { from: 'in_progress', to: 'awaiting_review', rev: 3, round: 1, reviewer: `ada${lie}`, reason: 'a' };
    swarm.tell(idOf('judge'), ['review_request', 10], asked, { parent: `JOB-x${lie}` });
    const far = { meta: { host: `box2${lie}`, session_id: 's2' } };
    swarm.start(idOf('far'), 15);
    swarm.tell(idOf('far'), ['session_start', 15], { kind: 'pod', version: '0', cwd: '/' }, far);
    expect(await linesOf()).toEqual([
      'WAITS FOR SOMEBODY',
      'judge222 told, review for 10m, asked of ada; FAILED; all of it_ really_, of JOB-x; FAILED; all of it_ really_: a',
      'RUNS',
      'far22222 told, 15m, on box2; FAILED; all of it_ really_',
    ]);
  });

  it('count one as one', async () => {
    swarm.start(idOf('asks'), 60);
    swarm.tell(idOf('asks'), ['review_request', 10], { from: 'in_progress', to: 'awaiting_review', rev: 3 });
    swarm.start(idOf('far'), 15);
    swarm.tell(idOf('far'), ['session_start', 15], { kind: 'pod' }, { meta: { host: 'box2', session_id: 's2' } });
    expect((await swarm.digest()).text).toContain(': 1 waits for somebody, 1 runs\n');
  });

  it('tell both of two that are said to belong to each other', async () => {
    swarm.end('JOB-a', ['failed', 5], { error: 'e' }, { parent: 'JOB-b' });
    swarm.end('JOB-b', ['failed', 5], { error: 'e' }, { parent: 'JOB-a' });
    expect(await linesOf()).toEqual(['FAILED', 'JOB-a told, 5m ago, of JOB-b: e', 'JOB-b told, 5m ago, of JOB-a: e']);
  });

  it('tell of a job that is late, and tell it again when it has become so', async () => {
    const dispatch = { job: 'lint', capability: 'default', priority: 0, deadline: swarm.at(1) };
    for (const id of [idOf('late'), idOf('busy')])
      swarm.tell(id, ['entity_created', 40], { from: null, to: 'created', rev: 1, dispatch });
    swarm.tell(idOf('busy'), ['entity_started', 39], { from: 'created', to: 'in_progress', rev: 2 });
    swarm.pod(idOf('busy'), ['told', 39], {});
    const nowMs = Date.parse(swarm.at(2));
    const { text, cursor } = await swarm.digest({ nowMs });
    expect(text).not.toContain('overdue');
    const later = await swarm.digest({ cursor });
    expect(later.text).toContain('late2222 told, overdue by 1m, queued 40m ago\n');
    expect(later.text).toContain('busy2222 told, 39m, overdue by 1m\n');
    expect((await swarm.digest({ cursor: later.cursor, nowMs: nowMs + 180_000 })).text).toContain(': nothing\n');
  });
});
