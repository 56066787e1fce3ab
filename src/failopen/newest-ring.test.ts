import { describe, expect, it } from 'vitest';
import { NewestRing } from './newest-ring.ts';

const ringOf = (maxCount: number, count: number, maxBytes = 1e9): NewestRing<number> => {
  const ring = new NewestRing<number>({ maxCount, maxBytes });
  for (let nth = 1; nth <= count; nth += 1) ring.push(nth, 10);
  return ring;
};

describe('NewestRing', () => {
  it('G6: keeps the newest, within its entries and its bytes', () => {
    expect(ringOf(3, 5).take(9)).toEqual([3, 4, 5]);
    const small = ringOf(100, 5, 35);
    expect([small.take(9), small.bytes, small.droppedCount]).toEqual([[3, 4, 5], 30, 2]);
  });

  it('G3: counts what goes before it was taken in, and nothing else', () => {
    const ring = ringOf(3, 3);
    ring.take(2);
    ring.settle(true);
    for (const nth of [4, 5]) ring.push(nth, 10);
    expect([ring.droppedCount, ring.waitingCount]).toEqual([0, 3]);
    ring.push(6, 10);
    expect([ring.droppedCount, ring.takenInCount, ring.take(9)]).toEqual([1, 2, [4, 5, 6]]);
  });

  it.each([
    [true, 0, 3],
    [false, 2, 0],
  ])('G3: what goes while it is under way is dropped only if it was not taken in (%s)', (isTakenIn, dropped, taken) => {
    const ring = ringOf(3, 3);
    ring.take(3);
    for (const nth of [4, 5]) ring.push(nth, 10);
    ring.settle(isTakenIn);
    expect([ring.droppedCount, ring.takenInCount]).toEqual([dropped, taken]);
    expect(ring.take(9)).toEqual(isTakenIn ? [4, 5] : [3, 4, 5]);
  });

  it('G4: brings again what was lost there, and counts it neither twice nor as dropped', () => {
    const ring = ringOf(4, 4);
    ring.take(4);
    ring.settle(true);
    ring.rewind((value) => value <= 2);
    expect(ring.take(9)).toEqual([3, 4]);
    ring.settle(true);
    expect([ring.takenInCount, ring.waitingCount]).toEqual([4, 0]);
    ring.rewind(() => false);
    for (const nth of [5, 6]) ring.push(nth, 10);
    expect([ring.take(9), ring.droppedCount]).toEqual([[3, 4, 5, 6], 0]);
    ring.settle(true);
    expect(ring.takenInCount).toBe(6);
  });

  it('counts every one of a million exactly, taken in or dropped', () => {
    const ring = new NewestRing<number>({ maxCount: 500, maxBytes: 1e9 });
    let isUp = true;
    for (let nth = 0; nth < 1_000_000; nth += 1) {
      ring.push(nth, 10);
      if (nth % 997 === 0) ring.take(256);
      if (nth % 1009 === 0) ring.settle(isUp);
      if (nth % 50_000 === 0) isUp = !isUp;
    }
    ring.settle(false);
    expect(ring.takenInCount + ring.droppedCount + ring.waitingCount).toBe(1_000_000);
    expect(ring.takenInCount).toBeGreaterThan(1000);
  });
});
