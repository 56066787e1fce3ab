import { describe, expect, it } from 'vitest';
import { SIGNAL_BODY_MAX_BYTES, type Signal } from '../../ipc/signals/signal.ts';
import { parseEntityId } from '../../model/id.ts';
import type { SignalKind } from '../../model/message.ts';
import { SignalHub } from './signal-hub.ts';

const signal = (id: string, kind: SignalKind = 'signal', body: unknown = id): Signal => ({
  id,
  kind,
  name: 'x',
  body,
  to: parseEntityId('JOB-b'),
  ts: '2026-11-20T12:00:00.000Z',
});
const idsOf = (signals: readonly Signal[]): readonly string[] => signals.map(({ id }) => id);
const all = (hub: SignalHub, listener: ReturnType<SignalHub['listen']>) => idsOf(hub.shift(listener, 10_000, Infinity));
const openHub = (seen: readonly string[] = []) => new SignalHub(seen, () => undefined);

describe('signals in a pod', () => {
  it('are heard once, whichever way they come, also by a further attempt', () => {
    const hub = openHub(['before']);
    const listener = hub.listen(undefined);
    for (const id of ['before', 'a', 'b', 'a']) hub.take(signal(id), true);
    expect(all(hub, listener)).toEqual(['a', 'b']);
    expect([hub.take(signal('b'), true), hub.pulledIds(10)]).toEqual(['repeat', ['before', 'a', 'b']]);
  });

  it('wait until somebody wants their kind, and go to each listener that does', () => {
    const hub = openHub();
    const asked = hub.listen(['request']);
    hub.take(signal('a'), true);
    hub.take(signal('b', 'request'), true);
    const [one, two] = [hub.listen(['signal']), hub.listen(undefined)];
    hub.take(signal('c'), true);
    expect([all(hub, asked), all(hub, one), all(hub, two)]).toEqual([['b'], ['a', 'c'], ['c']]);
  });

  it('that a listener did not take before its end wait for the next', () => {
    const hub = openHub();
    const first = hub.listen(undefined);
    for (const id of ['a', 'b', 'c']) hub.take(signal(id), true);
    expect(idsOf(hub.shift(first, 1, Infinity))).toEqual(['a']);
    hub.unlisten(first);
    expect(all(hub, hub.listen(undefined))).toEqual(['b', 'c']);
  });

  it('G3, G6: a listener that does not take them holds so many; then they stay with their sender, or are counted', () => {
    const hub = openHub();
    const slow = hub.listen(undefined);
    const body = 'x'.repeat(SIGNAL_BODY_MAX_BYTES - 2);
    let count = 0;
    while (hub.hasRoom) hub.take(signal(`room ${(count += 1)}`, 'signal', body), true);
    expect(count * body.length).toBeLessThan(8 * 1024 * 1024);
    while (hub.take(signal(`full ${(count += 1)}`, 'signal', body), false) === 'new');
    expect(hub.droppedCount).toBe(0);
    expect(hub.take(signal('lost', 'signal', body), true)).toBe('full');
    expect(hub.droppedCount).toBe(1);
    expect(all(hub, slow)).not.toContain('lost');
    expect(hub.hasRoom).toBe(true);
  });
});
