import { appendFileSync, chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { announce, apply, redactLines, targetsOf } from '../../../test/fixtures/redacted-bus.ts';
import { CHANNEL_A, JOB_A, TempBus, tell } from '../../../test/fixtures/temp-bus.ts';
import { createChain } from '../chain.ts';
import { ALPHA, type BusFileName } from '../layout.ts';
import { redactionOf, tryParseLine } from '../line.ts';
import { readHeads } from '../read/heads.ts';
import type { VerifyReport } from '../read/verify.ts';
import { rollSegment } from '../segments.ts';

let bus: TempBus;
beforeEach(() => {
  bus = new TempBus();
});
afterEach(() => bus[Symbol.dispose]());

const SECRET = 'hush-hush-hush';
const kindsOf = ({ findings }: VerifyReport): readonly string[] => findings.map(({ kind }) => kind);

/** A session with a note and a call that hold a secret, among others; gives their ids. */
const leak = (on: TempBus = bus): readonly string[] => {
  const writer = on.open();
  on.begin(writer, JOB_A);
  tell(writer, { entity: JOB_A, type: 'note', data: { text: 'before' } });
  const note = tell(writer, { entity: JOB_A, type: 'note', data: { text: SECRET } });
  const input = { command: `curl -H ${SECRET} é`, description: 'asks' };
  const call = tell(writer, {
    entity: JOB_A,
    type: 'tool_call',
    data: { tool_name: 'Bash', ok: true, tool_input: input },
  });
  tell(writer, { entity: JOB_A, type: 'note', data: { text: 'after' } });
  on.end(writer, JOB_A);
  return [note, call];
};

const pack = (name: BusFileName): string => {
  const path = bus.path(name);
  const bytes = readFileSync(path);
  const at = bytes.indexOf('\n', bytes.byteLength / 2) + 1;
  writeFileSync(`${path}.gz`, Buffer.concat([gzipSync(bytes.subarray(0, at)), gzipSync(bytes.subarray(at))])); // two members
  rmSync(path);
  return `${path}.gz`;
};

describe('taking bodies out of lines', () => {
  it('leaves file, length, inode, keys and hashes as they are, and takes the body out of both files', async () => {
    const ids = leak();
    const before = [ALPHA, CHANNEL_A].map((name) => statSync(bus.path(name)));
    const lines = bus.lines(CHANNEL_A);
    const targets = await redactLines(bus, ids);
    expect(targets.map(({ file, fits }) => [file, fits])).toEqual([
      [ALPHA, true],
      [CHANNEL_A, true],
      [CHANNEL_A, true],
    ]);
    expect(statSync(bus.path(CHANNEL_A))).toMatchObject({ ino: before[1]?.ino, size: before[1]?.size });
    expect(bus.read(ALPHA).includes(SECRET) || bus.read(CHANNEL_A).includes(SECRET)).toBe(false);
    const after = bus.lines(CHANNEL_A);
    expect(after.map((line, at) => line === lines[at])).toEqual([true, true, false, false, true, true]);
    const tombstones = after.map(tryParseLine).filter((line) => line !== undefined && redactionOf(line) === 'r1');
    expect(tombstones.map((line) => line?.id)).toEqual(ids);
    expect(tombstones[1]?.data).toMatchObject({ $redacted: 'r1', tool_name: 'Bash', ok: true });
  });

  it('G8: verify accepts it, counts it and says by whom and why, also against heads kept before', async () => {
    const ids = leak();
    const against = await readHeads(bus.busDir);
    await redactLines(bus, ids);
    const report = await bus.verify({ against });
    expect(report).toMatchObject({ redacted: 3, tampering: 0, warnings: 0, findings: [] });
    expect(report.redactions).toMatchObject([{ redaction: 'r1', reason: 'a test', by: 'me@here', lines: 3 }]);
  });

  it('G8: a line that somebody blanks without a redaction is found, and so is what stands before a tombstone', async () => {
    const ids = leak();
    const targets = await targetsOf(bus, ids);
    await apply(bus, targets);
    expect(kindsOf(await bus.verify())).toEqual(['changed', 'changed', 'changed']);
    announce(bus, targets);
    expect(kindsOf(await bus.verify())).toEqual([]);
    const whole = bus.lines(CHANNEL_A);
    for (const [what, change] of [
      ['the tombstone', (line: string) => line.replace('"$redacted":"r1"', '"$redacted":"r2"')],
      [
        'its hash',
        (line: string) => line.replace(/"h":"./, (start) => `${start.slice(0, -1)}${start.endsWith('0') ? '1' : '0'}`),
      ],
      ['its time', (line: string) => line.replace('"ts":"2', '"ts":"1')],
    ] as const) {
      bus.writeLines(CHANNEL_A, whole.with(2, change(whole[2] ?? '')));
      expect([what, (await bus.verify()).tampering > 0]).toEqual([what, true]);
    }
  });

  it('G8: every changed byte of a tombstone, and of the line that confirms it, is found', async () => {
    const [note = ''] = leak();
    await redactLines(bus, [note]);
    for (const [name, isMeant] of [
      [CHANNEL_A, (line: string) => line.includes('$redacted')],
      [ALPHA, (line: string) => line.includes('"type":"redaction"')],
    ] as const) {
      const whole = bus.read(name);
      const line = Buffer.from(bus.lines(name).find(isMeant) ?? '');
      const from = whole.indexOf(line);
      for (let at = 0; at < line.byteLength; at += 7) {
        const changed = Buffer.from(whole);
        changed[from + at] = (changed[from + at] ?? 0) ^ 1;
        bus.write(name, changed);
        expect([name, at, (await bus.verify()).tampering > 0]).toEqual([name, at, true]);
      }
      bus.write(name, whole);
    }
    expect(await bus.verify()).toMatchObject({ redacted: 2, tampering: 0 });
  });

  it('G8: whoever computes the lines before a tombstone anew is found by the hash that its redaction tells', async () => {
    const [, call = ''] = leak();
    await redactLines(bus, [call]);
    const lines = bus.lines(CHANNEL_A);
    const note = tryParseLine(lines[2] ?? '');
    const previous = tryParseLine(lines[1] ?? '')?.h ?? '';
    const body = (lines[2] ?? '').slice(0, -72).replace(SECRET, 'a lie');
    const forged = `${body},"h":"${bus.chain.next(previous, body)}"}`;
    expect(note?.seq).toBe(3);
    bus.writeLines(CHANNEL_A, lines.with(2, forged));
    expect(kindsOf(await bus.verify())).toContain('changed');
  });

  it('says of a line that it was changed before it was redacted', async () => {
    const ids = leak();
    bus.writeLines(
      CHANNEL_A,
      bus.lines(CHANNEL_A).map((line) => line.replace('"description":"asks"', '"description":"lies"')),
    );
    const targets = await redactLines(bus, ids);
    expect(targets.map(({ fits }) => fits)).toEqual([true, true, false]);
    const { findings } = await bus.verify();
    expect(findings.map(({ message }) => message)).toEqual(['line 4 had been changed before it was redacted']);
  });

  it('works with a keyed chain: without the key nobody makes a redaction that counts', async () => {
    const keyFile = join(bus.dir, 'key');
    writeFileSync(keyFile, 'k'.repeat(40));
    chmodSync(keyFile, 0o600);
    using keyed = new TempBus(createChain(keyFile));
    const targets = await redactLines(keyed, leak(keyed));
    expect(await keyed.verify()).toMatchObject({ redacted: 3, tampering: 0 });
    expect(targets).toHaveLength(3);
    using forger = new TempBus(createChain(keyFile));
    const others = await targetsOf(forger, leak(forger));
    const unkeyed = Object.assign(Object.create(forger) as TempBus, { chain: createChain() });
    announce(unkeyed, others);
    await apply(forger, others);
    expect((await forger.verify()).redacted).toBe(0);
    expect(kindsOf(await forger.verify())).toContain('changed');
  });

  it('goes through segments and compressed files of several members, and keeps their time', async () => {
    const ids = leak();
    await rollSegment(bus.busDir, 1);
    bus.session(JOB_A, 2);
    const packed = [pack(CHANNEL_A), pack('alpha_bus.000001.jsonl' as BusFileName)];
    const before = packed.map((path) => statSync(path).mtimeMs);
    const targets = await redactLines(bus, ids);
    expect(targets).toHaveLength(3);
    for (const path of packed) expect(gunzipSync(readFileSync(path)).includes(SECRET)).toBe(false);
    expect(packed.map((path) => Math.round(statSync(path).mtimeMs))).toEqual(before.map(Math.round));
    expect(await bus.verify()).toMatchObject({ redacted: 3, tampering: 0, warnings: 0 });
  });

  it('goes through a compressed copy that a crash has left beside its plain file', async () => {
    const ids = leak();
    writeFileSync(`${bus.path(CHANNEL_A)}.gz`, gzipSync(bus.read(CHANNEL_A)));
    await redactLines(bus, ids);
    expect(gunzipSync(readFileSync(`${bus.path(CHANNEL_A)}.gz`)).includes(SECRET)).toBe(false);
    expect(await bus.verify()).toMatchObject({ redacted: 3, tampering: 0 });
  });

  it('finds a line that is glued to a torn one, and finishes one that a kill left half written', async () => {
    const ids = leak();
    const lines = bus.lines(CHANNEL_A);
    bus.write(
      CHANNEL_A,
      lines.map((line, at) => (at === 2 ? `{"ts":"2026-11-20T11:27:03.1${line}\n` : `${line}\n`)).join(''),
    );
    const targets = await targetsOf(bus, ids);
    announce(bus, targets);
    await apply(bus, targets);
    const whole = bus.read(CHANNEL_A);
    const torn = Buffer.from(whole);
    const at = torn.indexOf('"$redacted"', torn.indexOf('"tool_call"'));
    torn.write(SECRET, at + 5, 'latin1'); // as if the write had ended there
    bus.write(CHANNEL_A, torn);
    expect((await apply(bus, targets)).missing).toEqual([]);
    expect(bus.read(CHANNEL_A).equals(whole)).toBe(true);
    expect(await apply(bus, targets)).toMatchObject({ stand: 3, missing: [], failures: [] });
    expect(await bus.verify()).toMatchObject({ redacted: 3, tampering: 0, warnings: 1 });
  });

  it('warns of a redaction that was told and not carried out', async () => {
    announce(bus, await targetsOf(bus, leak()));
    const report = await bus.verify();
    expect(report).toMatchObject({ redacted: 0, tampering: 0, warnings: 1 });
    expect(kindsOf(report)).toEqual(['unredacted']);
  });

  it('tells of lines that are not there any more', async () => {
    const targets = await targetsOf(bus, leak());
    rmSync(bus.path(CHANNEL_A));
    appendFileSync(bus.path(CHANNEL_A), '');
    expect((await apply(bus, targets)).missing).toHaveLength(2);
  });
});
