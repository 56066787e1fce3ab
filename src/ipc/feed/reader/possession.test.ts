import { describe, expect, it } from 'vitest';
import { Possession } from './possession.ts';

const MIN_IDLE_MS = 1_000;

class Clock {
  nowMs = 0;
  readonly own = new Possession(MIN_IDLE_MS, () => this.nowMs);
}

describe('Possession', () => {
  it('is sure of what Redis said a moment ago, and not after a silence in which others take over', () => {
    const clock = new Clock();
    clock.own.take(['1-0'], 0);
    clock.nowMs = 500;
    expect(clock.own.isSure('1-0')).toBe(true);
    clock.nowMs = 900;
    expect(clock.own.isSure('1-0')).toBe(false);
    expect(clock.own.isSure('2-0')).toBe(false);
  });

  it('renews what it is sure of, and lets go of the rest, also of what was held: it would be taken from others', () => {
    const clock = new Clock();
    clock.own.take(['1-0'], 0);
    clock.own.hold('event', '1-0');
    clock.own.take(['2-0'], 600);
    clock.nowMs = 1_000;
    expect(clock.own.toRenew()).toEqual(['2-0']);
    expect(clock.own.isHeld('event')).toBe(false);
  });

  it('keeps what is held when the rest of a batch is given up, and gives all entries of an event once', () => {
    const { own } = new Clock();
    own.take(['1-0', '2-0', '3-0'], 0);
    own.hold('event', '1-0');
    own.hold('event', '3-0'); // it was published twice
    own.dropRest();
    expect([own.isOwn('1-0'), own.isOwn('2-0'), own.heldCount]).toEqual([true, false, 1]);
    expect(own.release('event')).toEqual(['1-0', '3-0']);
    expect([own.release('event'), own.isOwn('1-0'), own.heldCount]).toEqual([undefined, false, 0]);
  });
});
