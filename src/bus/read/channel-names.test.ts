import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { TempBus } from '../../../test/fixtures/temp-bus.ts';
import { ChannelNames, sizeOfFolder } from './channel-names.ts';

it('the names of channels are each there once, in order, and found again', () => {
  using bus = new TempBus();
  const dir = join(bus.busDir, 'channels');
  expect([...ChannelNames.read(bus.busDir)]).toEqual([]);
  mkdirSync(dir);
  for (const name of ['TASK-b.jsonl', 'JOB-a.jsonl', 'JOB-a.jsonl.gz', 'JOB-é.jsonl.gz', '.x.jsonl', 'JOB-a.txt'])
    writeFileSync(join(dir, name), '12345');
  const names = ChannelNames.read(bus.busDir);
  expect([...names]).toEqual(['channels/JOB-a.jsonl', 'channels/JOB-é.jsonl', 'channels/TASK-b.jsonl']);
  expect([names.count, names.at(2), names.at(3)]).toEqual([3, 'channels/TASK-b.jsonl', undefined]);
  for (const name of names) expect(names.has(name)).toBe(true);
  for (const name of ['channels/JOB-b.jsonl', 'JOB-a.jsonl', 'channels/', 'channels/Z.jsonl'])
    expect(names.has(name)).toBe(false);
  expect(sizeOfFolder(dir)).toBe(30);
});
