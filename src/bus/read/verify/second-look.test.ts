import { mkdirSync, rmdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
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

const tellOutage = (writer: BusWriter, { buffered, replayed, dropped }: FileOutage): void => {
  const data = { service: 'bus', since: '', until: '', cause: 'EISDIR', buffered, replayed, dropped };
  tell(writer, { entity: JOB_A, type: 'outage', data });
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
