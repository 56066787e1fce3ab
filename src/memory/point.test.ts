import { describe, expect, it } from 'vitest';
import { busLine } from '../../test/fixtures/memory-lines.ts';
import { createPointFilter } from './filter.ts';
import { pointOf } from './point.ts';

describe('pointOf', () => {
  it('remembers the ends of all entities, the beginnings of roots alone, and the ends of sessions', () => {
    expect(pointOf(busLine('job_failed', 'TASK-a', { meta: { root_id: 'JOB-a' } }))?.payload.kind).toBe('task');
    expect(pointOf(busLine('entity_created', 'JOB-a'))?.payload).toMatchObject({ kind: 'job', status: 'created' });
    expect(pointOf(busLine('entity_created', 'JOB-b', { meta: { root_id: 'JOB-a' } }))).toBeUndefined();
    expect(pointOf(busLine('session_end_summary', 'JOB-a'))?.payload).toMatchObject({
      kind: 'session',
      event: 'ended',
    });
    for (const type of [
      'entity_started',
      'tool_call',
      'note',
      'review_request',
      'attempt_failed',
      'of-a-later-version',
    ])
      expect(pointOf(busLine(type, 'JOB-a'))).toBeUndefined();
  });

  it('remembers a subagent by its own id, although its lines stand in the channel of another', () => {
    const line = busLine('job_completed', 'JOB-a', {
      meta: { entity_id: 'SUB-x', parent_id: 'JOB-a', root_id: 'JOB-a' },
    });
    expect(pointOf(line)?.payload).toMatchObject({ kind: 'sub', entity_id: 'SUB-x', parent_id: 'JOB-a' });
  });

  it('does not remember Alpha, workers and commands: they are no work', () => {
    const meta = { domain: 'nika', intent: 'orchestrate' };
    expect(pointOf(busLine('session_end_summary', 'JOB-alpha', { meta }))).toBeUndefined();
  });

  it('has the complete envelope, and what was used of models and tools', () => {
    const usage = [
      { model: 'a', input_tokens: 10, cache_read_tokens: 1, cache_write_tokens: 2, output_tokens: 3, cost_usd: 0.5 },
      { model: 'b', input_tokens: 1, cache_read_tokens: 0, cache_write_tokens: 0, output_tokens: 0, cost_usd: null },
    ];
    const digest = { asked: 'Fix the flaky socket test', files: ['src/socket.ts'], commands: [], errors: [] };
    const line = busLine('session_end_summary', 'JOB-a', {
      meta: { tags: ['x'], role: 'builder', parent_id: 'PROJ-p' },
      data: { usage, digest, calls: 5, errors: 1, calls_by_tool: { Read: 1, Bash: 4 }, outcome: 'failed' },
    });
    const { id, payload } = pointOf(line) ?? {};
    expect(id).toBe(line.id);
    expect(payload).toMatchObject({
      ...line.meta,
      kind: 'session',
      status: 'failed',
      day: '2026-04-12',
      standing: true,
    });
    expect(payload).toMatchObject({ tokens: 17, cost_usd: 0.5, models: ['a', 'b'], tools: ['Bash', 'Read'], calls: 5 });
    expect(payload?.summary).toBe('Fix the flaky socket test');
    expect(payload?.text).toContain('src/socket.ts');
  });

  it('is found by what it says, first by what its outputs say to people; a step that says nothing by nothing', () => {
    const outputs = { gist: 'Two secrets\nand no README', report: 'run/report.md' };
    const of = (type: string, data: Readonly<Record<string, unknown>>) =>
      pointOf(busLine(type, 'TASK-a', { data }))?.payload;
    expect(of('job_completed', { result: outputs })).toMatchObject({ summary: 'Two secrets' });
    const head = JSON.stringify(outputs).slice(0, 30);
    expect(of('job_completed', { result: { $blob: 'x', bytes: 9_000, head } })?.summary).toBe('Two secrets');
    expect(of('job_completed', { result: outputs })?.text).toContain('run/report.md');
    expect(of('job_completed', {})).toMatchObject({ summary: 'fix-bug', text: '' });
  });

  it('never throws at what a later or hostile writer put there', () => {
    const odd = [null, 7, 'text', [], [null], { a: { b: 1 } }];
    for (const value of odd) {
      const data = { usage: value, digest: value, calls_by_tool: value, result: value, work: value, outcome: value };
      for (const type of ['session_end_summary', 'job_failed', 'entity_created'])
        expect(
          pointOf(busLine(type, 'JOB-a', { data: { ...data, dispatch: value }, meta: { tags: value } })),
        ).toBeDefined();
    }
  });
});

describe('createPointFilter', () => {
  const payload = pointOf(
    busLine('job_failed', 'JOB-a', { data: { work: { tools: ['Bash'], models: ['m'] } } }),
  )?.payload;

  it('wants all that is given, and of several values any', () => {
    if (payload === undefined) throw new Error('no point');
    const is = (filter: Parameters<typeof createPointFilter>[0]): boolean => createPointFilter(filter)(payload);
    expect(is({})).toBe(true);
    expect(is({ kind: ['job'], domain: ['x', 'hooks'], status: ['failed'], tool: ['Bash'] })).toBe(true);
    expect(is({ domain: ['hooks'], intent: ['other'] })).toBe(false);
    expect(is({ tag: ['x'] })).toBe(false);
  });

  it('takes the beginning of a span and not its end', () => {
    if (payload === undefined) throw new Error('no point');
    const atMs = Date.parse(payload.ts);
    expect(createPointFilter({ fromMs: atMs, untilMs: atMs + 1 })(payload)).toBe(true);
    expect(createPointFilter({ untilMs: atMs })(payload)).toBe(false);
    expect(createPointFilter({ fromMs: atMs + 1 })(payload)).toBe(false);
  });
});
