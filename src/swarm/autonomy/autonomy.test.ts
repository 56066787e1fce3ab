import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tryParseLine } from '../../bus/line.ts';
import { readLastLines } from '../../bus/query/last-lines.ts';
import { type Home, resolveHome } from '../../config/home.ts';
import { loadSettings } from '../../config/settings.ts';
import type { FeedChange } from '../../ipc/feed/feed-change.ts';
import { createEntityId, type EntityId, entityTypeOf } from '../../model/id.ts';
import { createEventId } from '../../model/event-id.ts';
import { SwarmSession } from '../session/swarm-session.ts';
import { Autonomy, type AutonomyContext, type FollowUpOrder } from './autonomy.ts';
import { dispatchFollowUp } from './dispatch-follow-up.ts';
import { drawFor } from './draw.ts';

const SIGNAL = new AbortController().signal;
const DAY_MS = 86_400_000;

let clockMs = Date.now();
/** No two at the same time. */
const later = (): number => (clockMs += 10);

let home: Home;
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nika-autonomy-'));
  home = resolveHome({ flag: dir, env: {}, cwd: dir });
  mkdirSync(join(dir, 'config/jobs'), { recursive: true });
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const settle = (fields: string): void => {
  const jobs = '[{ job: audit, domain: "ho*", intent: refactor, inputs: { depth: 2 } }]';
  writeFileSync(join(dir, 'config/nika.yaml'), `alpha: { autonomy: { jobs: ${jobs}, ${fields} } }\n`);
};

/** As Alpha gives it; `running`: jobs of the swarm. */
const withContext = async (work: (context: AutonomyContext) => Promise<void>, running = 0): Promise<void> => {
  const settings = loadSettings(home, {});
  await using swarm = SwarmSession.open({ home, settings, env: {}, kind: 'command', job: 'nika-alpha' });
  const entities = Array.from({ length: running }, () => ({
    id: createEntityId('JOB'),
    state: 'in_progress' as const,
  }));
  const view = { entity: () => undefined, entities: () => entities };
  await work({ home, settings, env: process.env, swarm, view, mayAct: () => Promise.resolve(true) });
};

const completed = (
  atMs: number,
  more: Readonly<Record<string, unknown>> = {},
  id = createEntityId('JOB'),
): FeedChange => ({
  id: createEventId(Date.now()),
  ts: new Date(atMs).toISOString(),
  event: 'completed',
  entity: id,
  entityType: entityTypeOf(id),
  session: 'a',
  meta: { root_id: id, job: 'fix', domain: 'hooks', intent: 'refactor', ...more },
  data: {},
});

/** An engine whose dispatches are only noted. */
const noting = () => {
  const orders: FollowUpOrder[] = [];
  const engine = new Autonomy((order) => {
    orders.push(order);
    return Promise.resolve('dispatched');
  });
  return { engine, orders };
};

const linesOf = async (): Promise<readonly Record<string, unknown>[]> => {
  const query = { type: 'autonomous_dispatch' };
  const texts = await readLastLines({ busDir: home.busDir, query, count: 1_000, files: 'alpha' });
  return texts.map((text) => tryParseLine(text)?.data ?? {});
};

describe('the draw', () => {
  it('hits three in a hundred of 10,000 events, the same ones again, and others with another seed', () => {
    const events = Array.from({ length: 10_000 }, () => ({
      id: createEventId(Date.now()),
      ts: new Date().toISOString(),
    }));
    const hits = (seed: string) => events.filter((event) => drawFor(event, seed).value < 0.03).map(({ id }) => id);
    const first = hits('a');
    expect(first.length).toBeGreaterThan(230); // four standard deviations
    expect(first.length).toBeLessThan(370);
    expect(hits('a')).toEqual(first);
    expect(hits('b')).not.toEqual(first);
    expect(new Set(events.map((event) => drawFor(event, '').entity)).size).toBe(events.length);
  });
});

describe('the autonomy engine', () => {
  it('is off where no jobs are listed', async () => {
    writeFileSync(join(dir, 'config/nika.yaml'), 'alpha: { autonomy: { probability: 1 } }\n');
    const { engine, orders } = noting();
    await withContext((context) => engine.onChange(completed(later()), context, SIGNAL));
    expect(orders).toEqual([]);
    expect(engine.counts.draws).toBe(0);
  });

  it('draws for completed roots of domain and intent alone, and tells what it dispatched', async () => {
    settle('probability: 1, cooldown: 1ms');
    const { engine, orders } = noting();
    const root = completed(later());
    await withContext(async (context) => {
      for (const change of [
        completed(later(), { domain: 'billing' }),
        completed(later(), { intent: 'audit' }),
        completed(later(), { root_id: 'JOB-another' }),
        completed(later(), { tags: ['nika:imported'] }),
        { ...completed(later()), event: 'failed' },
        root,
      ])
        await engine.onChange(change, context, SIGNAL);
    });
    expect(orders).toMatchObject([{ job: 'audit', inputs: { depth: 2 }, capability: 'default', after: root.entity }]);
    expect(await linesOf()).toMatchObject([
      {
        job: 'audit',
        probability: 1,
        reason: `${root.entity} was completed: job fix, domain hooks, intent refactor`,
        entity: orders[0]?.id,
        after: root.entity,
        depth: 1,
      },
    ]);
    expect(engine.counts).toMatchObject({ draws: 1, hits: 1, dispatched: 1, unmatched: 2 });
  });

  it('dispatches nothing twice for an event, also after a restart', async () => {
    settle('probability: 1, cooldown: 1ms');
    const root = completed(later());
    const [first, second] = [noting(), noting()];
    await withContext(async (context) => {
      await first.engine.onChange(root, context, SIGNAL);
      await first.engine.onChange(root, context, SIGNAL);
    });
    await withContext((context) => second.engine.onChange(root, context, SIGNAL));
    expect([first.orders.length, second.orders.length]).toEqual([1, 0]);
    expect(second.engine.counts.repeated).toBe(1);
    expect(await linesOf()).toHaveLength(1);
  });

  it('gives the same job once to the real queue where it was killed before it could say so', async () => {
    settle('probability: 1, cooldown: 1ms');
    const inputs = 'inputs: { depth: { type: number }, after: { type: string } }';
    writeFileSync(
      join(dir, 'config/jobs/audit.yaml'),
      `name: audit\ndescription: Of a test.\ndomain: test\nintent: prove\n${inputs}\nsteps: [{ tool: shell, input: { argv: ['true'] } }]\n`,
    );
    const root = completed(later());
    const came: string[] = [];
    const watching = () =>
      new Autonomy(async (order, context) => {
        const how = await dispatchFollowUp(order, context);
        came.push(how);
        if (came.length === 1) throw new Error('killed'); // behind the dispatch, before its line
        return how;
      });
    await withContext(async (context) => {
      await expect(watching().onChange(root, context, SIGNAL)).rejects.toThrow('killed');
      await watching().onChange(root, context, SIGNAL);
    });
    expect(came).toEqual(['dispatched']); // it was there by then
    const [line] = await linesOf();
    const texts = await readLastLines({ busDir: home.busDir, query: { type: 'entity_created' }, count: 9 });
    const created = texts.map((text) => tryParseLine(text));
    expect(created.map((each) => each?.entity)).toEqual([line?.['entity']]);
    expect(created[0]?.data).toMatchObject({ dispatch: { job: 'audit', inputs: { depth: 2, after: root.entity } } });
  });

  it('knows what it had dispatched when it was killed, also where that is all that may run', async () => {
    settle('probability: 1, maxRunning: 1');
    const root = completed(later());
    const orders: FollowUpOrder[] = [];
    const killed = new Autonomy((order) => {
      orders.push(order);
      return Promise.reject(new Error('killed')); // behind the dispatch, before its line
    });
    const { engine, orders: again } = noting();
    await withContext(async (context) => {
      await expect(killed.onChange(root, context, SIGNAL)).rejects.toThrow('killed');
      const [order] = orders;
      const id = order?.id ?? root.entity;
      const running = { id, state: 'created' as const };
      const view = { entity: (of: string) => (of === id ? running : undefined), entities: () => [running] };
      await engine.onChange(root, { ...context, view }, SIGNAL);
      await engine.onChange(completed(later(), {}, id), { ...context, view }, SIGNAL);
    });
    expect(again).toEqual([]);
    expect(await linesOf()).toMatchObject([{ entity: orders[0]?.id, after: root.entity, depth: 1 }]);
    expect(engine.counts).toMatchObject({ dispatched: 1, chained: 1 });
  });

  it('draws for nothing that says not when it happened', async () => {
    settle('probability: 1');
    const { engine, orders } = noting();
    await withContext((context) => engine.onChange({ ...completed(later()), ts: 'soon' }, context, SIGNAL));
    expect(orders).toEqual([]);
  });

  it('keeps the cool-down, the number of a day and the cap on what runs, also after a restart', async () => {
    settle('probability: 1, cooldown: 10m, perDay: 2, maxRunning: 5');
    const noonMs = Math.floor(Date.now() / DAY_MS) * DAY_MS + DAY_MS / 2;
    const at = async (minutes: number, running = 0): Promise<Autonomy> => {
      const { engine } = noting();
      await withContext((context) => engine.onChange(completed(noonMs + minutes * 60_000), context, SIGNAL), running);
      return engine;
    };
    expect((await at(0)).counts.dispatched).toBe(1);
    expect((await at(9)).counts.refused.cooldown).toBe(1);
    expect((await at(11, 5)).counts.refused.maxRunning).toBe(1);
    expect((await at(11, 4)).counts.dispatched).toBe(1);
    expect((await at(30)).counts.refused.perDay).toBe(1);
    expect((await at(24 * 60)).counts.dispatched).toBe(1);
  });

  it('stops where those of the day have cost what they may', async () => {
    settle('probability: 1, cooldown: 1ms, costPerDayUsd: 1');
    const { engine, orders } = noting();
    await withContext(async (context) => {
      await engine.onChange(completed(later()), context, SIGNAL);
      const [first] = orders;
      const id = first?.id as EntityId;
      const lineage = { job: 'audit', domain: 'a', intent: 'b', root_id: id };
      const usage = { model: 'm', cost_usd: 1.2, cost_from: 'agent', scope: 'call' } as const;
      const tokens = { input_tokens: 1, cache_read_tokens: 0, cache_write_tokens: 0, output_tokens: 1 };
      context.swarm.entity(id, undefined, lineage).record('usage', { ...usage, ...tokens });
      await engine.onChange(completed(later()), context, SIGNAL);
    });
    expect(engine.counts).toMatchObject({ dispatched: 1, refused: { costPerDayUsd: 1 } });
  });

  it('lets no follow-up be followed unless it is told how many may be', async () => {
    for (const [chain, chained] of [
      [0, 1],
      [1, 0],
    ] as const) {
      settle(`probability: 1, cooldown: 1ms, chain: ${chain}`);
      const { engine, orders } = noting();
      await withContext(async (context) => {
        await engine.onChange(completed(later()), context, SIGNAL);
        await engine.onChange(completed(later(), {}, orders.at(-1)?.id), context, SIGNAL);
      });
      expect(engine.counts.chained).toBe(chained);
    }
  });
});
