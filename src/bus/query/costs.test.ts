import { rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TempBus } from '../../../test/fixtures/temp-bus.ts';
import { tellCall, tellLine, tellState } from '../../../test/fixtures/told-bus.ts';
import type { Usage } from '../../model/usage.ts';
import { ALPHA } from '../layout.ts';
import type { BusWriter } from '../writer.ts';
import type { CostKey } from './cost-keys.ts';
import { type Costs, type CostsOptions, readCosts } from './costs.ts';

let bus: TempBus;
let writer: BusWriter;
beforeEach(() => {
  bus = new TempBus();
  writer = bus.open();
});
afterEach(() => {
  writer[Symbol.dispose]();
  bus[Symbol.dispose]();
});

const DAY = '2026-01-02';

interface Told {
  readonly entity?: string;
  readonly at?: string;
  readonly meta?: object;
}

const use = (usage: Partial<Usage>, { entity = 'JOB-a', at = `${DAY}T10:00:00Z`, meta = {} }: Told = {}): void => {
  const data = {
    scope: 'call',
    model: 'm',
    input_tokens: 10,
    cache_read_tokens: 0,
    cache_write_tokens: 0,
    output_tokens: 0,
    cost_usd: 1,
    cost_from: 'agent',
    ...usage,
  };
  tellLine(writer, { entity, type: 'usage', data, at, meta: { session_id: entity, ...meta } });
};

const end = (
  outcome: string,
  calls: number,
  { entity = 'JOB-a', at = `${DAY}T11:00:00Z`, meta = {} }: Told = {},
): void => {
  const data = { outcome, exit_code: 0, duration_ms: 1, calls, errors: 0, dropped: {} };
  tellLine(writer, { entity, type: 'session_end_summary', data, at, meta: { session_id: entity, ...meta } });
};

const ask = (by: CostKey, more: Partial<CostsOptions> = {}): Promise<Costs> =>
  readCosts({
    busDir: bus.busDir,
    by,
    sinceTs: '2026-01-01T00:00:00.000Z',
    untilTs: '2026-02-01T00:00:00.000Z',
    priceOf: ({ model, input_tokens: tokens }) => (model === 'free' ? undefined : tokens),
    living: [],
    signal: new AbortController().signal,
    ...more,
  });

const shown = ({ groups }: Costs): readonly unknown[] =>
  groups.map(({ key, costUsd, tokens, toolCalls }) => [key, costUsd, tokens, toolCalls]);

describe('costs', () => {
  it('are added up by job, domain, agent, model, pod and day, the most expensive first', async () => {
    use({}, { meta: { job: 'x', domain: 'd', agent: 'codex' } });
    use({ cost_usd: 5, model: 'n' }, { entity: 'JOB-b', at: '2026-01-03T00:00:00Z', meta: { job: 'y', domain: 'd' } });
    end('completed', 7, { meta: { job: 'x', domain: 'd', agent: 'codex' } });
    expect(shown(await ask('job'))).toEqual([
      ['y', 5, 10, 0],
      ['x', 1, 10, 7],
    ]);
    expect(shown(await ask('domain'))).toEqual([['d', 6, 20, 7]]);
    expect(shown(await ask('agent'))).toEqual([
      [undefined, 5, 10, 0],
      ['codex', 1, 10, 7],
    ]);
    expect(shown(await ask('model'))).toEqual([
      ['n', 5, 10, undefined],
      ['m', 1, 10, undefined],
    ]);
    expect(shown(await ask('pod'))).toEqual([
      ['JOB-b', 5, 10, 0],
      ['JOB-a', 1, 10, 7],
    ]);
    expect(shown(await ask('day'))).toEqual([
      [DAY, 1, 10, 7],
      ['2026-01-03', 5, 10, 0],
    ]);
    expect((await ask('job')).total).toMatchObject({ costUsd: 6, tokens: 20, toolCalls: 7, lineCount: 2 });
  });

  it('of tasks and subagents are those of their pod, and of the project above', async () => {
    tellState(writer, 'PROJ-p', 'created', { at: `${DAY}T08:00:00Z` });
    tellState(writer, 'JOB-a', 'created', { at: `${DAY}T08:00:00Z`, meta: { parent_id: 'PROJ-p' } });
    tellState(writer, 'JOB-child', 'created', { at: `${DAY}T08:00:01Z`, meta: { parent_id: 'JOB-a' } });
    tellState(writer, 'TASK-t', 'created', { at: `${DAY}T08:00:01Z`, meta: { parent_id: 'JOB-child' } });
    use({}, { entity: 'JOB-a', meta: { parent_id: 'PROJ-p', session_id: 's1' } });
    use({}, { entity: 'TASK-t', meta: { parent_id: 'JOB-child', root_id: 'JOB-a', session_id: 's2' } });
    const sub = { entity_id: 'SUB-1', entity_type: 'SUB', parent_id: 'TASK-t', root_id: 'JOB-a', session_id: 's2' };
    use({}, { entity: 'TASK-t', meta: sub });
    use({}, { entity: 'JOB-alone' });
    expect(shown(await ask('pod'))).toEqual([
      ['JOB-child', 2, 20, 0],
      ['JOB-a', 1, 10, 0],
      ['JOB-alone', 1, 10, 0],
    ]);
    expect(shown(await ask('project'))).toEqual([
      ['PROJ-p', 3, 30, 0],
      [undefined, 1, 10, 0],
    ]);
  });

  it('are of the time that is asked for', async () => {
    for (const day of ['01', '02', '03']) use({}, { at: `2026-01-${day}T00:00:00Z` });
    const span = { sinceTs: '2026-01-02T00:00:00.000Z', untilTs: '2026-01-03T00:00:00.000Z' };
    expect((await ask('job', span)).total).toMatchObject({ costUsd: 1, tokens: 10 });
  });

  it('that nobody knows are never zero: they are priced by the table, or counted in tokens', async () => {
    const unknown = { cost_usd: null, cost_from: 'nobody' } as const;
    use(unknown);
    use({ ...unknown, model: 'free' });
    const { total } = await ask('job');
    expect(total).toMatchObject({ costUsd: 10, estimatedUsd: 10, unpricedTokens: 10, tokens: 20 });
  });

  it('that an agent tells at its end count once, wherever its lines stand', async () => {
    const later = { cost_usd: null, cost_from: 'later' } as const;
    use({ ...later, model: 'm' });
    use({ ...later, model: 'n' });
    expect((await ask('model')).total).toMatchObject({ costUsd: 20, estimatedUsd: 20 });
    use({ scope: 'run', input_tokens: 0, cost_usd: 3 });
    expect(shown(await ask('model'))).toEqual([
      ['m', 3, 10, undefined],
      ['n', 0, 10, undefined],
    ]);
    expect((await ask('model')).total).toMatchObject({ costUsd: 3, estimatedUsd: 0 });
  });

  it('of a pod that died are whole, also what stands in its channel alone', async () => {
    use({});
    use({ cost_usd: 2 });
    const lines = bus.lines(ALPHA);
    bus.writeLines(ALPHA, lines.slice(0, -1)); // killed between its two writes
    expect((await ask('job')).total).toMatchObject({ costUsd: 1 });
    const pod = { session: 'JOB-a', entity: 'JOB-a', job: 'told', domain: 'd', agent: undefined, calls: 3 };
    expect((await ask('job', { living: [pod] })).total).toMatchObject({ costUsd: 3, toolCalls: 3 });
    using closer = bus.open();
    const data = { outcome: 'lost', exit_code: 1, duration_ms: 1, calls: 4, errors: 0, dropped: {} };
    tellLine(closer, {
      entity: 'JOB-a',
      type: 'session_end_summary',
      data,
      at: `${DAY}T12:00:00Z`,
      meta: { session_id: 'JOB-a' },
    });
    expect((await ask('job')).total).toMatchObject({ costUsd: 3, toolCalls: 4, tokens: 20 });
  });

  it('are told by the channels where the alpha bus is gone', async () => {
    use({});
    use({}, { entity: 'JOB-b' });
    end('completed', 2);
    tellCall(writer, 'JOB-a', 'x');
    rmSync(bus.path(ALPHA));
    expect((await ask('job')).total).toMatchObject({ costUsd: 2, toolCalls: 2 });
  });

  it('leave out lines that are none, and jobs that used nothing', async () => {
    tellLine(writer, {
      entity: 'JOB-a',
      type: 'usage',
      data: { model: 'm', input_tokens: -1 },
      at: `${DAY}T10:00:00Z`,
    });
    end('completed', 2, { meta: { job: 'idle' } });
    expect(await ask('job')).toMatchObject({ groups: [], total: { tokens: 0, costUsd: 0 } });
  });
});
