import { describe, expect, it } from 'vitest';
import { feedEventOf, type RecordedEvent } from './feed-event.ts';

const META = JSON.stringify({
  v: 1,
  session_id: '0197f3d2-1c7e-7a10-8a44-0242ac120002',
  entity_id: 'JOB-20261120-k3f9xq2m',
  entity_type: 'JOB',
  job: 'bisect',
});

const line = (type: string, data: unknown, over: Partial<RecordedEvent> = {}): RecordedEvent => ({
  id: '0197f3d2-1c7e-7a10-8a44-0242ac120003',
  ts: '2026-11-20T11:27:03.123Z',
  type,
  entity: 'JOB-20261120-k3f9xq2m',
  metaJson: META,
  dataJson: JSON.stringify(data),
  ...over,
});

const bytes = (event: ReturnType<typeof feedEventOf>): number =>
  Object.entries({ id: event?.id ?? '', ...event?.fields }).reduce(
    (sum, [name, value]) => sum + name.length + Buffer.byteLength(value),
    0,
  );

describe('feedEventOf', () => {
  it('gives each transition the name of the design, with the complete envelope', () => {
    const data = { from: null, to: 'created', rev: 1, name: 'bisect' };
    expect(feedEventOf(line('entity_created', data))).toEqual({
      id: '0197f3d2-1c7e-7a10-8a44-0242ac120003',
      fields: {
        ts: '2026-11-20T11:27:03.123Z',
        event: 'created',
        entity_id: 'JOB-20261120-k3f9xq2m',
        entity_type: 'JOB',
        session_id: '0197f3d2-1c7e-7a10-8a44-0242ac120002',
        meta: META,
        data: JSON.stringify(data),
      },
    });
  });

  it('has none for what was imported: the past is not news', () => {
    const imported = JSON.stringify({ ...JSON.parse(META), tags: ['nika:imported'] });
    expect(feedEventOf(line('job_completed', {}, { metaJson: imported }))).toBeUndefined();
    const told = JSON.stringify({ ...JSON.parse(META), job: '"nika:imported"', tags: ['imported'] });
    expect(feedEventOf(line('job_completed', {}, { metaJson: told }))).toBeDefined();
  });

  it.each([
    ['entity_started', {}, 'started'],
    ['review_request', {}, 'review_requested'],
    ['review_decision', { to: 'in_progress' }, 'review_rejected'],
    ['job_completed', {}, 'completed'],
    ['job_failed', {}, 'failed'],
    ['job_cancelled', {}, 'cancelled'],
    ['condition', { condition: 'pod_waiting' }, 'pod_waiting'],
    ['condition', { condition: 'pod_lost' }, 'pod_lost'],
    ['condition', { condition: 'bus_file_failing' }, undefined],
    ['tool_call', {}, undefined],
    ['attempt_failed', {}, undefined],
    ['session_start', {}, undefined],
    ['of_a_later_version', {}, undefined],
  ])('%s %j is %s', (type, data, event) => {
    expect(feedEventOf(line(type, data))?.fields['event']).toBe(event);
  });

  it('leaves subagents to the bus', () => {
    expect(feedEventOf(line('job_completed', {}, { entity: 'SUB-1' }))).toBeUndefined();
    const metaJson = META.replace('JOB-20261120-k3f9xq2m', 'SUB-1'); // as its line stands in the job's channel
    expect(feedEventOf(line('job_completed', {}, { metaJson }))).toBeUndefined();
  });

  it.each([
    ['a long result', { from: 'in_progress', to: 'completed', rev: 3, result: { text: 'x'.repeat(5000) } }],
    ['a long error in wide characters', { from: 'in_progress', to: 'failed', rev: 3, error: '漢😀'.repeat(5000) }],
    ['many fields', Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`f${at}`, 'x'.repeat(90)]))],
  ])('G6: %s makes no entry of more than 2 kB, and the state is still told', (_, data) => {
    const whole = { ...data, rev: 3 };
    const event = feedEventOf(line('job_failed', whole));
    expect(bytes(event)).toBeLessThanOrEqual(2000);
    expect(JSON.parse(event?.fields['data'] ?? '')).toMatchObject({ rev: 3 });
    expect(JSON.parse(event?.fields['meta'] ?? '')).toEqual(JSON.parse(META));
  });

  it('keeps what a pod waits for, however long the rest is; the long reason of an end is cut', () => {
    const parsed = (data: object) => JSON.parse(feedEventOf(line('condition', data))?.fields['data'] ?? '{}') as object;
    const fields = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`f${at}`, 'x'.repeat(90)]));
    const waiting = { condition: 'pod_waiting', reason: 'rate_limit' };
    expect(parsed({ ...waiting, detail: 'x'.repeat(9000) })).toMatchObject(waiting);
    expect(parsed({ ...fields, ...waiting })).toEqual(waiting);
    expect(bytes(feedEventOf(line('job_cancelled', { rev: 3, reason: 'x'.repeat(8000) })))).toBeLessThanOrEqual(2000);
  });

  it('G6: keeps the numbers of what was done, and as many names as have room', () => {
    const tools = Array.from({ length: 50 }, (_, n) => `tool_${n}_${'x'.repeat(30)}`);
    const work = { calls: 12, errors: 3, tools, models: ['m'], tokens: 5, cost_usd: 0.5 };
    const data = { from: 'in_progress', to: 'completed', rev: 3, work, result: 'done' };
    const workOn = (more: object) => {
      const event = feedEventOf(line('job_completed', { ...data, ...more }));
      expect(bytes(event)).toBeLessThanOrEqual(2048);
      return (JSON.parse(event?.fields['data'] ?? '') as { work: unknown }).work;
    };
    expect(workOn({})).toEqual({ ...work, tools: tools.slice(0, 5) });
    expect(workOn({ summary: 's'.repeat(900), error: 'e'.repeat(900), result: 'r'.repeat(900) })).toEqual({
      ...work,
      tools: [],
      models: [],
    });
  });

  it('G6: gives up tags where the envelope itself is too long', () => {
    const meta = { ...(JSON.parse(META) as object), tags: Array.from({ length: 500 }, (_, at) => `tag-${at}`) };
    const event = feedEventOf(line('entity_started', { to: 'in_progress' }, { metaJson: JSON.stringify(meta) }));
    expect(bytes(event)).toBeLessThanOrEqual(2000);
    expect(JSON.parse(event?.fields['meta'] ?? '')).toEqual(JSON.parse(META));
  });

  it('never cuts a dispatch: where its inputs do not fit it has none, and all else of it is whole', () => {
    const dispatch = { job: 'bisect', inputs: { good: 'x'.repeat(700) }, capability: 'gpu', priority: 9 };
    const data = { from: null, to: 'created', rev: 1, name: 'bisect', description: 'y'.repeat(900), dispatch };
    const fits = feedEventOf(line('entity_created', data));
    expect(JSON.parse(fits?.fields['data'] ?? '')).toMatchObject({ dispatch });
    expect(bytes(fits)).toBeLessThanOrEqual(2000);
    const long = { ...dispatch, inputs: { good: 'x'.repeat(1_700) } };
    const without = feedEventOf(line('entity_created', { ...data, dispatch: long }));
    const told = JSON.parse(without?.fields['data'] ?? '') as Record<string, unknown>;
    expect(told).toMatchObject({ to: 'created', rev: 1, name: 'bisect' });
    expect(told['dispatch']).toEqual({ job: 'bisect', capability: 'gpu', priority: 9 });
    expect(bytes(without)).toBeLessThanOrEqual(2000);
  });
});
