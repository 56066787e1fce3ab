import { mkdirSync, renameSync, rmdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CHANNEL_A, CHANNEL_B, JOB_A, JOB_B, TempBus, tell } from '../../../../test/fixtures/temp-bus.ts';
import type { FileOutage } from '../../file-outage.ts';
import { ALPHA, type BusFileName } from '../../layout.ts';
import type { BusWriter } from '../../writer.ts';

let bus: TempBus;
beforeEach(() => {
  bus = new TempBus();
});
afterEach(() => bus[Symbol.dispose]());

/** A session in which the file cannot be written for a while, and of the lines of that time only two are kept. */
const sessionWithOutage = (name: BusFileName, tellOf: (writer: BusWriter, outage: FileOutage) => void): void => {
  const outages: FileOutage[] = [];
  const backlog = { maxCount: 2, maxBytes: 1e6 };
  const writer = bus.open({ backlog, onOutageEnd: (outage) => outages.push(outage) });
  mkdirSync(dirname(bus.path(name)), { recursive: true });
  mkdirSync(bus.path(name)); // a folder in its place: no writing
  for (let n = 0; n < 5; n += 1) tell(writer, { entity: JOB_A, type: 'note', data: { n } });
  rmdirSync(bus.path(name));
  writer.retryNow();
  for (const outage of outages) tellOf(writer, outage);
  bus.end(writer, JOB_A);
};

const tellOutage = (writer: BusWriter, { buffered, replayed, dropped }: FileOutage, entity = JOB_A): void => {
  const data = { service: 'bus', since: '', until: '', cause: 'EISDIR', buffered, replayed, dropped };
  tell(writer, { entity, type: 'outage', data });
};

describe('G8: a message stands in its channel and on the alpha bus', () => {
  it.each([ALPHA, CHANNEL_A])('or its writer tells of an outage that dropped it in %s', async (name) => {
    sessionWithOutage(name, tellOutage);
    const report = await bus.verify();
    expect(report).toMatchObject({ tampering: 0, findings: [{ kind: 'dropped', severity: 'warning' }] });
    expect(report.findings[0]?.message).toMatch(/^3 messages stand in one file only/);
  });

  it('which is no excuse for more than it dropped', async () => {
    sessionWithOutage(ALPHA, tellOutage);
    bus.writeLines(CHANNEL_A, bus.lines(CHANNEL_A).slice(0, -1));
    expect(await bus.verify()).toMatchObject({ tampering: 4, warnings: 0 });
  });

  it('or was removed, where no outage line tells of it', async () => {
    sessionWithOutage(ALPHA, () => undefined);
    const report = await bus.verify();
    expect(report.findings.map(({ kind, file }) => [kind, file])).toEqual(
      Array.from({ length: 3 }, () => ['one-sided', bus.path(CHANNEL_A)]),
    );
  });

  it('but for the last message of a writer that was killed between the two writes', async () => {
    const writer = bus.killedSession(JOB_A, ['tool_call', 'note']);
    bus.session(JOB_B, 1);
    const alpha = bus.lines(ALPHA);
    bus.writeLines(ALPHA, alpha.toSpliced(1, 1));
    const line = bus.lines(CHANNEL_A).length;
    const unfinished = { kind: 'unfinished', severity: 'warning', file: bus.path(CHANNEL_A), line, writer: writer.id };
    // The later session has seen that line: here it cannot have been a kill.
    expect(await bus.verify()).toMatchObject({ tampering: 1, findings: [{ kind: 'removed' }, unfinished] });
    bus.writeLines(ALPHA, alpha.slice(0, 1));
    bus.write(CHANNEL_B, '');
    expect(await bus.verify()).toMatchObject({ tampering: 0, findings: [unfinished] });
  });

  it('and no kill explains that it is not there when its writer went on', async () => {
    bus.killedSession(JOB_A, ['note', 'note', 'tool_call']);
    bus.writeLines(ALPHA, bus.lines(ALPHA).slice(0, -1));
    expect(await bus.verify()).toMatchObject({ tampering: 1, findings: [{ kind: 'one-sided', line: 3 }] });
    bus.writeLines(CHANNEL_A, bus.lines(CHANNEL_A).slice(0, 2));
    bus.write(ALPHA, '');
    expect(await bus.verify()).toMatchObject({ tampering: 1, warnings: 1 });
  });

  it('names at most twenty of a writer, and counts the others', async () => {
    const writer = bus.session(JOB_A, 40);
    bus.writeLines(ALPHA, []);
    const { findings } = await bus.verify();
    const oneSided = findings.filter(({ kind }) => kind === 'one-sided');
    expect(oneSided).toHaveLength(21);
    expect(oneSided.every((finding) => finding.writer === writer.id)).toBe(true);
    expect(oneSided.map(({ message }) => message).join('\n')).toContain('and 21 more messages');
  });
});

const tellFailing = (writer: BusWriter, file: BusFileName): void => {
  tell(writer, { entity: JOB_A, type: 'condition', data: { condition: 'bus_file_failing', file, detail: 'ENOSPC' } });
};

const notes = (writer: BusWriter, ...numbers: readonly number[]): void => {
  for (const n of numbers) tell(writer, { entity: JOB_A, type: 'note', data: { n } });
};

/** While `during` runs, the disk refuses every line of the file. */
const whileFull = async (name: BusFileName, during: () => void): Promise<void> => {
  const path = bus.path(name);
  const aside = join(bus.dir, 'aside');
  mkdirSync(dirname(path), { recursive: true });
  const isThere = name === ALPHA;
  if (isThere) renameSync(path, aside);
  symlinkSync('/dev/full', path);
  await delay(2); // a writer looks for its file once in a millisecond
  during();
  rmSync(path);
  if (isThere) renameSync(aside, path);
};

/** A writer that ends while the disk refuses the file; four notes come to the other one meanwhile. */
const endedInOutage = async (name: BusFileName, told: BusFileName | undefined): Promise<BusWriter> => {
  const writer = bus.open();
  if (name === ALPHA) notes(writer, 0, 1, 2);
  await whileFull(name, () => {
    notes(writer, 3);
    if (told !== undefined) tellFailing(writer, told);
    notes(writer, 4, 5, 6);
    writer[Symbol.dispose]();
  });
  return writer;
};

describe('G8: messages after the last one that stands in the other file', () => {
  it.each([
    [ALPHA, CHANNEL_A],
    [CHANNEL_A, ALPHA],
  ])('are excused where their writer told that %s could not be written', async (name, other) => {
    const writer = await endedInOutage(name, name);
    const report = await bus.verify();
    const line = name === ALPHA ? 4 : 1;
    const place = { kind: 'unfinished', severity: 'warning', file: bus.path(other), line, writer: writer.id };
    expect(report).toMatchObject({ tampering: 0, warnings: 1, findings: [place] });
    expect(report.findings[0]?.message).toBe(
      `5 messages are not in ${name}: the writer told that it could not be written, and ended before it could be`,
    );
  });

  it('are excused, be it one', async () => {
    const writer = bus.open();
    await whileFull(CHANNEL_A, () => {
      tellFailing(writer, CHANNEL_A);
      writer[Symbol.dispose]();
    });
    expect(await bus.verify()).toMatchObject({ tampering: 0, findings: [{ kind: 'unfinished', line: 1 }] });
  });

  it.each([
    [ALPHA, undefined],
    [ALPHA, CHANNEL_A],
    [CHANNEL_A, undefined],
    [CHANNEL_A, ALPHA],
  ])('were removed from %s where nothing, or something of %s, was told', async (name, told) => {
    await endedInOutage(name, told);
    const missing = told === undefined ? 4 : 5;
    const killed = name === ALPHA ? 1 : 0; // the last one of a writer may be missing there
    const report = await bus.verify();
    expect(report).toMatchObject({ tampering: missing - killed, warnings: killed });
  });

  it('are excused, but none before a later one that stands there', async () => {
    await endedInOutage(ALPHA, ALPHA);
    bus.writeLines(ALPHA, bus.lines(ALPHA).toSpliced(1, 1));
    const report = await bus.verify();
    expect(report.findings.map(({ kind, line }) => `${kind}:${line}`)).toEqual([
      'removed:2',
      'one-sided:2',
      'unfinished:4',
    ]);
  });

  it.each([ALPHA, CHANNEL_A])('were dropped from %s if it was written again: a note is no excuse', async (name) => {
    let isTold = false;
    sessionWithOutage(name, (writer) => {
      tellFailing(writer, name);
      isTold = true;
    });
    expect(isTold).toBe(true);
    const report = await bus.verify();
    expect(report).toMatchObject({ tampering: 3, warnings: 0 });
  });

  it('are told of apart from those that an outage before has dropped, wherever its line stands', async () => {
    const outages: FileOutage[] = [];
    const backlog = { maxCount: 2, maxBytes: 1e6 };
    const writer = bus.open({ backlog, onOutageEnd: (outage) => outages.push(outage) });
    await whileFull(CHANNEL_A, () => notes(writer, 0, 1, 2, 3, 4));
    writer.retryNow();
    notes(writer, 5);
    await whileFull(CHANNEL_B, () => {
      tellFailing(writer, CHANNEL_B);
      for (const outage of outages) tellOutage(writer, outage, JOB_B); // stands on the alpha bus only
      writer[Symbol.dispose]();
    });
    const report = await bus.verify();
    expect(report).toMatchObject({ tampering: 0, warnings: 2 });
    expect(report.findings.map(({ kind, line }) => `${kind}:${line}`)).toEqual(['dropped:5', 'unfinished:8']);
  });
});
