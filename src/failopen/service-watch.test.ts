import { describe, expect, it } from 'vitest';
import { type Outage, ServiceWatch, type Tally } from './service-watch.ts';

const watching = () => {
  const tally = { offeredCount: 0, droppedCount: 0, waitingCount: 0 };
  const told: (string | Outage)[] = [];
  const watch = new ServiceWatch({
    tally: (): Tally => ({ ...tally }),
    onOutageStart: (why) => told.push(why),
    onOutageEnd: (outage) => told.push(outage),
  });
  return { tally, told, watch };
};

describe('ServiceWatch', () => {
  it('G3: tells an outage once when it begins and once when it is over, with what it cost', () => {
    const { tally, told, watch } = watching();
    Object.assign(tally, { offeredCount: 10, waitingCount: 1 });
    watch.fail('down', 'gone');
    watch.fail('down', 'still gone');
    Object.assign(tally, { offeredCount: 18, droppedCount: 3, waitingCount: 6 });
    watch.succeed();
    expect(watch.state).toMatchObject({ kind: 'degraded', why: 'catching up: 6 entries wait' });
    Object.assign(tally, { offeredCount: 20, waitingCount: 2 });
    watch.succeed();
    expect(watch.state.kind).toBe('up');
    expect(told).toMatchObject(['gone', { cause: 'gone', buffered: 9, dropped: 3, replayed: 6 }]);
    expect(watch.outageCount).toBe(1);
  });

  it('G9: says since when it is down, whatever the reason of the hour', () => {
    const { watch } = watching();
    watch.fail('down', 'one reason');
    const { sinceAtMs } = watch.state;
    watch.fail('down', 'another');
    expect(watch.state).toEqual({ kind: 'down', sinceAtMs, why: 'another' });
    watch.fail('degraded', 'in part');
    expect(watch.state).toMatchObject({ kind: 'degraded', why: 'in part' });
  });

  it('is not over while it comes and goes', () => {
    const { tally, told, watch } = watching();
    watch.fail('down', 'gone');
    Object.assign(tally, { offeredCount: 5, waitingCount: 5 });
    watch.succeed();
    watch.fail('down', 'gone again');
    Object.assign(tally, { offeredCount: 9, waitingCount: 4 });
    watch.succeed();
    expect(told).toEqual(['gone']);
    tally.waitingCount = 0;
    watch.succeed();
    expect(told.at(1)).toMatchObject({ buffered: 9, replayed: 9, dropped: 0 });
  });
});
