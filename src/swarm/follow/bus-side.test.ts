import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tellState } from '../../../test/fixtures/told-bus.ts';
import { TempBus } from '../../../test/fixtures/temp-bus.ts';
import { BusSide } from './bus-side.ts';
import { SeenIds } from './seen-ids.ts';

describe('BusSide', () => {
  it('G4: gives from the bus also what was more than it remembers while the feed was read', async () => {
    using bus = new TempBus();
    const seen = new SeenIds(undefined);
    const { signal } = new AbortController();
    const ids: string[] = [];
    {
      using writer = bus.open({ backlog: { maxCount: 50_000, maxBytes: 1e9 } });
      for (let nth = 0; nth < 12_000; nth += 1) ids.push(tellState(writer, `JOB-${nth % 5}`, 'created'));
    }
    const side = new BusSide({ busDir: bus.busDir, seen, placeFile: join(bus.dir, 'place.json') });
    await side.look(signal);
    for (const id of ids.slice(0, 11_000)) seen.add(id); // the feed gave them, and then Redis went away
    await side.look(signal);
    const given: string[] = [];
    await side.give(({ id }) => {
      given.push(id);
      return Promise.resolve();
    }, signal);
    expect(given.length).toBe(1_000);
    expect(given).toEqual(ids.slice(11_000));
  });
});
