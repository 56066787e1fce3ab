import { describe, expect, it } from 'vitest';
import { createEventId, eventIdFrom, eventTail, orderOf, tailOf } from './event-id.ts';

const V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const START = Date.UTC(2030, 0, 1);

const isAfter = (a: string, b: string): boolean => {
  const [aMs = 0, aCount = 0] = orderOf(a).split('-').map(Number);
  const [bMs = 0, bCount = 0] = orderOf(b).split('-').map(Number);
  return aMs > bMs || (aMs === bMs && aCount > bCount);
};

describe('createEventId', () => {
  it('makes UUIDs of version 7 that rise, ten thousand in one millisecond, and while the clock is an hour back', () => {
    const times = [...Array.from({ length: 10_000 }, () => START), START - 3_600_000, START - 1, START, START + 5000];
    const ids = times.map((atMs) => createEventId(atMs));
    expect(ids.filter((id) => !V7.test(id))).toEqual([]);
    expect(ids.filter((id, at) => at > 0 && !(id > (ids[at - 1] ?? '') && isAfter(id, ids[at - 1] ?? '')))).toEqual([]);
    expect(orderOf(ids.at(-1) ?? '')).toBe(`${START + 5000}-0`);
  });
});

describe('eventIdFrom', () => {
  const digest = 'f123456789abcdef0123456789abcdef';

  it('makes UUIDs of version 7 of a time, rising within it, and the same of the same name whenever it is made', () => {
    const [first, second, later] = [
      eventIdFrom(START, 0, digest),
      eventIdFrom(START, 1, digest),
      eventIdFrom(START + 9, 0, digest),
    ];
    expect([first, second, later].filter((id) => !V7.test(id))).toEqual([]);
    expect([first, second, later].toSorted()).toEqual([first, second, later]);
    expect(orderOf(second)).toBe(`${START}-1`);
    expect([first, second, later].map(tailOf)).toEqual([eventTail(digest), eventTail(digest), eventTail(digest)]);
    expect(tailOf(eventIdFrom(START, 0, `0${digest}`))).not.toBe(eventTail(digest));
    expect(V7.test(eventIdFrom(0, 5_000, digest))).toBe(true);
  });
});
