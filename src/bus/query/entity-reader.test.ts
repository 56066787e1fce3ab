import { appendFileSync, readFileSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { busPath } from '../layout.ts';
import { CHANNEL_A, JOB_A, tell, TempBus } from '../../../test/fixtures/temp-bus.ts';
import { tellState } from '../../../test/fixtures/told-bus.ts';
import { readEntity } from './entities.ts';
import { EntityReader } from './entity-reader.ts';

let bus: TempBus;
beforeEach(() => {
  bus = new TempBus();
});
afterEach(() => bus[Symbol.dispose]());

/** What this process has read by now. Linux. */
const readBytes = (): number => Number(/^rchar: (\d+)/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);

it('stands after each look as it does for who reads all of the channel', async () => {
  const reader = new EntityReader(bus.busDir, JOB_A);
  expect(await reader.read()).toBeUndefined();
  {
    using writer = bus.open();
    for (const state of ['created', 'in_progress', 'completed'] as const) {
      tellState(writer, JOB_A, state);
      tell(writer, { entity: JOB_A, type: 'note' });
      const { lastAt: _last, ...whole } = (await readEntity(bus.busDir, JOB_A)) ?? {};
      expect(await reader.read()).toMatchObject(whole);
    }
  }
  rmSync(busPath(bus.busDir, CHANNEL_A));
  {
    using writer = bus.open();
    tellState(writer, JOB_A, 'created');
    expect(await reader.read()).toMatchObject({ state: 'created', rev: 1 }); // another channel of that name
  }
});

it('reads of a channel of 16 MB only what came since the last look', async () => {
  using writer = bus.open();
  tellState(writer, JOB_A, 'created');
  const call = `{"ts":"2026-11-30T00:00:00.000Z","type":"tool_call","pad":"${'x'.repeat(1_000)}"}\n`;
  appendFileSync(busPath(bus.busDir, CHANNEL_A), call.repeat(16_000));
  const reader = new EntityReader(bus.busDir, JOB_A);
  const beganAt = readBytes();
  await reader.read();
  const firstAt = readBytes();
  tellState(writer, JOB_A, 'in_progress');
  expect(await reader.read()).toMatchObject({ state: 'in_progress', rev: 2 });
  expect(firstAt - beganAt).toBeGreaterThan(16_000_000);
  expect(readBytes() - firstAt).toBeLessThan(1_000_000);
});
