import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CHANNEL_A, JOB_A, TempBus, tell } from '../../../../test/fixtures/temp-bus.ts';
import { ALPHA, type BusFileName } from '../../layout.ts';
import type { BusWriter } from '../../writer.ts';
import type { VerifyReport } from '../verify.ts';

let bus: TempBus;
beforeEach(() => {
  bus = new TempBus();
});
afterEach(() => bus[Symbol.dispose]());

const work = (writer: BusWriter, rounds: number): void => {
  for (let n = 0; n < rounds; n += 1) {
    tell(writer, { entity: JOB_A, type: 'tool_call', data: { n } });
    tell(writer, { entity: JOB_A, type: 'note', data: { n } });
  }
};

/** A session whose `_bus/` is removed in the middle; what it wrote is missing from then on. */
const sessionWithRemoval = async (onRemoved: (writer: BusWriter, file: BusFileName) => void): Promise<void> => {
  const removed: BusFileName[] = [];
  const writer = bus.open({ onFileRemoved: (file) => removed.push(file) });
  bus.begin(writer, JOB_A);
  work(writer, 4);
  rmSync(bus.busDir, { recursive: true });
  await delay(2); // a writer looks for its file once in a millisecond
  work(writer, 1);
  expect(removed.toSorted()).toEqual([ALPHA, CHANNEL_A]);
  for (const file of removed) onRemoved(writer, file);
  work(writer, 3);
  bus.end(writer, JOB_A);
};

const told = ({ findings }: VerifyReport): readonly unknown[] =>
  findings.map(({ kind, file, line, message }) => [kind, file, line, message]);

describe('G8: a bus that was removed while it was written to', () => {
  it('has lost its first lines in each file, and none that were moved', async () => {
    await sessionWithRemoval(() => undefined);
    expect(told(await bus.verify())).toEqual([
      ['removed', bus.path(ALPHA), 1, 'lines 1 to 5 are missing before this one'],
      ['removed', bus.path(CHANNEL_A), 1, 'lines 1 to 9 are missing before this one'],
    ]);
  });

  it('is no better for its writer having noticed, which is said', async () => {
    await sessionWithRemoval((writer, file) => {
      tell(writer, { entity: JOB_A, type: 'condition', data: { condition: 'bus_file_removed', file } });
    });
    const noticed = 'its writer noticed that the file was removed';
    expect(told(await bus.verify())).toEqual([
      ['removed', bus.path(ALPHA), 1, `lines 1 to 5 are missing before this one; ${noticed}`],
      ['removed', bus.path(CHANNEL_A), 1, `lines 1 to 9 are missing before this one; ${noticed}`],
    ]);
  });
});

describe('G8: lines that are missing in one file and stand in another', () => {
  it('are said to be there once, however many came', async () => {
    const writer = bus.open();
    work(writer, 6);
    writer[Symbol.dispose]();
    const alpha = bus.lines(ALPHA);
    const channel = bus.lines(CHANNEL_A);
    bus.writeLines(
      CHANNEL_A,
      channel.filter((line) => !line.includes('"tool_call"')),
    );
    bus.writeLines(ALPHA, [...alpha, ...channel.filter((line) => line.includes('"tool_call"'))]);
    const { findings } = await bus.verify();
    const places = findings.map(({ message }) => message.split('; it stands at ').length - 1);
    expect(findings.filter(({ kind }) => kind === 'moved').length).toBeGreaterThan(0);
    expect(Math.max(...places)).toBe(1);
  });

  it('were moved if they follow what stands before the gap, though they would be at home where they stand', async () => {
    const writer = bus.open();
    work(writer, 6);
    writer[Symbol.dispose]();
    const alpha = bus.lines(ALPHA);
    bus.writeLines(CHANNEL_A, bus.lines(CHANNEL_A).toSpliced(8, 0, alpha[2] ?? ''));
    bus.writeLines(ALPHA, alpha.toSpliced(2, 1));
    const findings = (await bus.verify()).findings.filter(({ kind }) => kind !== 'one-sided');
    expect(findings.map(({ kind, line, message }) => [kind, line, message])).toEqual([
      ['removed', 3, `line 3 is missing before this one; it stands at ${bus.path(CHANNEL_A)}:9`],
      ['moved', 9, `line 3 belongs to ${ALPHA}, where it is missing`],
    ]);
  });
});
