import { expect, it } from 'vitest';
import { openDesk } from '../../../test/fixtures/open-desk.ts';
import { applyLine, createEntityView } from '../../bus/query/entity-view.ts';

it('what an agent waits for is on the bus, told to those who watch, and the status of its pod', async () => {
  await using opened = openDesk();
  const { desk, control, lines, events } = opened;
  desk.wait('rate_limit', 'its provider lets it wait until 14:05');
  expect(control).toMatchObject({ status: 'waiting', why: 'its provider lets it wait until 14:05' });
  expect(control.waiting?.reason).toBe('rate_limit');
  desk.wait('rate_limit', 'its provider lets it wait until 14:05'); // told twice, written once
  desk.goOn('rate_limit');
  desk.goOn('rate_limit');
  expect(control).toMatchObject({ status: 'running', waiting: null, why: null });
  const conditions = lines().filter(({ type }) => type === 'condition');
  expect(conditions.map(({ data }) => data)).toEqual([
    { condition: 'pod_waiting', reason: 'rate_limit', detail: 'its provider lets it wait until 14:05' },
    { condition: 'pod_back', reason: 'rate_limit' },
  ]);
  expect(events).toEqual([
    { event: 'waiting', reason: 'rate_limit', why: 'its provider lets it wait until 14:05' },
    { event: 'going_on', reason: 'rate_limit' },
  ]);
});

it("of several waits a person's turn is shown first, since it began to wait for it", async () => {
  await using opened = openDesk();
  const { desk, control, lines } = opened;
  desk.wait('silent', 'no sign of life');
  desk.wait('permission', 'wants to run: rm -rf build');
  const since = control.waiting?.since;
  desk.wait('permission', 'wants to run: rm -rf dist');
  expect(control.waiting).toEqual({ reason: 'permission', why: 'wants to run: rm -rf dist', since });
  const view = createEntityView('JOB-desk', '');
  for (const line of lines()) applyLine(view, line);
  expect(view.waits?.map(({ reason }) => reason)).toEqual(['silent', 'permission']);
  desk.goOn();
  for (const line of lines().slice(-2)) applyLine(view, line);
  expect(view.waits).toBeUndefined();
  expect(control.waiting).toBeNull();
});

it('K2: nothing is written of what it waits for once its desk is closed', async () => {
  await using opened = openDesk();
  const { desk, control, lines } = opened;
  desk.wait('idle', 'waits for the next prompt');
  await desk.close();
  const count = lines().length;
  desk.wait('silent', 'no sign of life');
  expect([lines().length, control.waiting]).toEqual([count, null]);
  expect(lines().at(-1)?.data).toEqual({ condition: 'pod_back', reason: 'idle' });
});
