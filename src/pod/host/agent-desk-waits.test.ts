import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { atDesk } from '../../../test/fixtures/desked-pod.ts';
import { TestHome } from '../../../test/nika.ts';
import { type BusLine } from '../../bus/line.ts';
import { applyLine, createEntityView } from '../../bus/query/entity-view.ts';
import type { PodEvent } from '../pod-event.ts';

const conditionsOf = (lines: readonly BusLine[]): readonly BusLine['data'][] =>
  lines.filter(({ type }) => type === 'condition').map(({ data }) => data);

describe('what an agent waits for', () => {
  let home: TestHome;
  beforeEach(() => {
    home = new TestHome();
  });
  afterEach(() => home[Symbol.dispose]());

  it('is on the bus once, told to those who watch, and the status of its pod', async () => {
    const events: PodEvent[] = [];
    const why = 'its provider lets it wait until 14:05';
    const lines = await atDesk(home, async ({ desk, context: { control, session } }) => {
      session.watch((event) => events.push(event));
      desk.wait('rate_limit', why);
      expect(control).toMatchObject({ status: 'waiting', why, waiting: { reason: 'rate_limit' } });
      desk.wait('rate_limit', why);
      desk.goOn('rate_limit');
      desk.goOn('rate_limit');
      expect(control).toMatchObject({ status: 'running', waiting: null, why: null });
    });
    expect(conditionsOf(lines)).toEqual([
      { condition: 'pod_waiting', reason: 'rate_limit', detail: why },
      { condition: 'pod_back', reason: 'rate_limit' },
    ]);
    expect(events.slice(0, 2)).toEqual([
      { event: 'waiting', reason: 'rate_limit', why },
      { event: 'going_on', reason: 'rate_limit' },
    ]);
  });

  it("is a person's turn before all else, since that began; the tree reads the same from the bus", async () => {
    const lines = await atDesk(home, async ({ desk, context: { control } }) => {
      desk.wait('silent', 'no sign of life');
      desk.wait('permission', 'wants to run: rm -rf build');
      const since = control.waiting?.since;
      desk.wait('permission', 'wants to run: rm -rf dist');
      expect(control.waiting).toEqual({ reason: 'permission', why: 'wants to run: rm -rf dist', since });
      desk.goOn();
      expect(control.waiting).toBeNull();
    });
    const view = createEntityView(lines[0]?.entity ?? '', '');
    const seen = lines.map((line) => {
      applyLine(view, line);
      return view.waits?.map(({ reason }) => reason).join() ?? '';
    });
    expect(seen.filter((now, at) => now !== seen[at - 1])).toEqual([
      '',
      'silent',
      'silent,permission',
      'permission',
      '',
    ]);
  });

  it('K2: is over on the bus when its desk is closed, and nothing of it is written afterwards', async () => {
    const lines = await atDesk(home, async ({ desk, context: { control } }) => {
      desk.wait('idle', 'waits for the next prompt');
      await desk.close();
      desk.wait('silent', 'no sign of life');
      expect(control.waiting).toBeNull();
    });
    expect(conditionsOf(lines).map(({ condition, reason }) => [condition, reason])).toEqual([
      ['pod_waiting', 'idle'],
      ['pod_back', 'idle'],
    ]);
  });
});
