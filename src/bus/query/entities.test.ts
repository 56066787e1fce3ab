import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TempBus } from '../../../test/fixtures/temp-bus.ts';
import { tellCall, tellLine, tellState } from '../../../test/fixtures/told-bus.ts';
import { parseEntityId } from '../../model/id.ts';
import { ALPHA, channelName, segmentFile } from '../layout.ts';
import type { BusWriter } from '../writer.ts';
import type { EntityView } from './entity-view.ts';
import { childrenOf, readEntities, readEntity } from './entities.ts';
import { readStory } from './story.ts';

const JOB = parseEntityId('JOB-main');
const TASK = 'TASK-one';

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

const second = (n: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, n)).toISOString();

/** A job with two tasks, the second of which failed; 2 calls each. */
const writeJob = (): void => {
  tellState(writer, JOB, 'created', { at: second(0), meta: { domain: 'd', intent: 'i' } });
  tellLine(writer, {
    entity: JOB,
    type: 'session_start',
    data: { kind: 'pod', version: '1', cwd: '/w' },
    at: second(1),
  });
  tellState(writer, JOB, 'in_progress', { at: second(2) });
  for (const [n, task] of [TASK, 'TASK-two'].entries()) {
    const meta = { parent_id: JOB, root_id: JOB };
    const at = 10 * (n + 1);
    tellState(writer, task, 'created', { at: second(at), meta, data: { name: `task ${n}` } });
    tellState(writer, task, 'in_progress', { at: second(at), meta });
    tellCall(writer, task, `first of ${n}`, { at: second(at + 1), meta });
    tellCall(writer, task, `second of ${n}`, { at: second(at + 2), meta, data: { tool_name: 'shell', ok: n === 0 } });
    tellState(writer, task, n === 0 ? 'completed' : 'failed', {
      at: second(at + 3),
      meta,
      data: { error: 'it broke' },
    });
  }
  tellLine(writer, { entity: JOB, type: 'note', data: { text: 'near the end' }, at: second(40) });
  tellState(writer, JOB, 'completed', { at: second(50), data: { result: { gist: 'done' } } });
  const ended = {
    outcome: 'completed',
    exit_code: 0,
    duration_ms: 50,
    calls: 4,
    errors: 1,
    dropped: { blobs_lost: 2 },
  };
  tellLine(writer, { entity: JOB, type: 'session_end_summary', data: ended, at: second(51) });
};

describe('entities', () => {
  it('are told by the alpha bus: states, parents, times, sessions, results', async () => {
    writeJob();
    const entities = await readEntities({ busDir: bus.busDir });
    expect([...entities.keys()]).toEqual([JOB, TASK, 'TASK-two']);
    expect(entities.get(JOB)).toMatchObject({
      type: 'JOB',
      job: 'told',
      domain: 'd',
      state: 'completed',
      rev: 3,
      createdAt: second(0),
      startedAt: second(2),
      endedAt: second(50),
      result: { gist: 'done' },
      sessions: [{ cwd: '/w', outcome: 'completed', exitCode: 0, calls: 4, errors: 1, dropped: { blobs_lost: 2 } }],
    });
    expect(entities.get('TASK-two')).toMatchObject({ state: 'failed', error: 'it broke', parent: JOB, name: 'task 1' });
    expect(
      childrenOf(entities)
        .get(JOB)
        ?.map(({ id }) => id),
    ).toEqual([TASK, 'TASK-two']);
  });

  it('are told by their channels where the alpha bus is gone', async () => {
    writeJob();
    const before = await readEntities({ busDir: bus.busDir });
    rmSync(bus.path(ALPHA));
    const after = await readEntities({ busDir: bus.busDir });
    const told = (id: string, { state, parent }: EntityView): readonly unknown[] => [id, state, parent];
    expect([...after].map(([id, view]) => told(id, view))).toEqual([...before].map(([id, view]) => told(id, view)));
  });

  it('are what their channel says, though a pod was killed before it told the alpha bus of its end', async () => {
    writeJob();
    const lines = bus.lines(ALPHA).filter((line) => !line.includes('"type":"job_completed","entity":"JOB'));
    bus.writeLines(ALPHA, lines);
    expect((await readEntities({ busDir: bus.busDir })).get(JOB)?.state).toBe('completed');
  });

  it('have the first end that was told; later ones are superseded and counted', async () => {
    writeJob();
    tellState(writer, JOB, 'failed', { data: { error: 'too late' } });
    tellState(writer, JOB, 'cancelled');
    const entity = await readEntity(bus.busDir, JOB);
    expect(entity).toMatchObject({ state: 'completed', endedAt: second(50), supersededCount: 2 });
    expect(entity?.error).toBeUndefined();
    expect((await readEntities({ busDir: bus.busDir })).get(JOB)).toMatchObject({
      state: 'completed',
      supersededCount: 2,
    });
  });

  it('are told over segments, and a child in a later one finds its parent', async () => {
    writeJob();
    renameSync(bus.path(ALPHA), join(bus.busDir, segmentFile(1)));
    using later = bus.open();
    tellState(later, 'TASK-late', 'created', { meta: { parent_id: JOB } });
    const children = childrenOf(await readEntities({ busDir: bus.busDir }));
    expect(children.get(JOB)?.map(({ id }) => id)).toEqual([TASK, 'TASK-two', 'TASK-late']);
    expect(children.get(undefined)?.map(({ id }) => id)).toEqual([JOB]);
  });

  it('that are SUBs are found in the channel of their TASK', async () => {
    writeJob();
    const meta = { entity_id: 'SUB-a', entity_type: 'SUB', parent_id: TASK };
    tellState(writer, TASK, 'created', { meta });
    const entities = await readEntities({ busDir: bus.busDir });
    expect(entities.get('SUB-a')).toMatchObject({ type: 'SUB', state: 'created', parent: TASK });
    expect(entities.get(TASK)?.state).toBe('completed');
  });

  it('of a bus full of rubbish are those whose lines can be read', async () => {
    writeJob();
    writeFileSync(bus.path('channels/JOB-odd.jsonl'), `rubbish\n{"ts":"x"}\n${'{'.repeat(1000)}\n`);
    const line = {
      ts: 1,
      type: 'entity_created',
      entity: 'JOB-odd',
      writer: 'w',
      seq: 1,
      id: 'i',
      meta: {},
      data: {},
      h: '',
    };
    writeFileSync(bus.path('channels/JOB-odder.jsonl'), `${JSON.stringify({ ...line, ts: '', data: { to: 7 } })}\n`);
    const entities = await readEntities({ busDir: bus.busDir });
    expect([...entities.keys()]).toEqual([JOB, TASK, 'TASK-two', 'JOB-odd']);
  });
});

describe('the story of an entity', () => {
  const tell = async (): Promise<readonly string[]> => {
    const children = childrenOf(await readEntities({ busDir: bus.busDir }));
    const told: string[] = [];
    for await (const item of readStory(JOB, { busDir: bus.busDir, children })) {
      const indent = '  '.repeat(item.depth);
      told.push(
        item.kind === 'entity'
          ? `${indent}[${item.view.id}]`
          : `${indent}${item.line.type}${item.isSuperseded ? '!' : ''}`,
      );
    }
    return told;
  };

  it('has its own lines in order, and each task as a block where it began', async () => {
    writeJob();
    const task = ['entity_created', 'entity_started', 'tool_call', 'tool_call'];
    expect(await tell()).toEqual([
      'entity_created',
      'session_start',
      'entity_started',
      `[${TASK}]`,
      ...[...task, 'job_completed'].map((type) => `  ${type}`),
      '[TASK-two]',
      ...[...task, 'job_failed'].map((type) => `  ${type}`),
      'note',
      'job_completed',
      'session_end_summary',
    ]);
  });

  it('marks what was superseded, and names child jobs without telling their story', async () => {
    writeJob();
    tellState(writer, JOB, 'failed', { at: second(60) });
    tellState(writer, 'JOB-child', 'created', { at: second(41), meta: { parent_id: JOB } });
    expect((await tell()).slice(-5)).toEqual([
      'note',
      '[JOB-child]',
      'job_completed',
      'session_end_summary',
      'job_failed!',
    ]);
  });

  it('is told from the alpha bus where the channel is gone, as far as that knows it', async () => {
    writeJob();
    rmSync(bus.path(channelName(JOB)));
    expect((await tell()).filter((line) => !line.startsWith(' '))).toContain('session_end_summary');
  });
});
