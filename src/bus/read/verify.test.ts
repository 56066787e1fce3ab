import { appendFileSync, chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CHANNEL_A, CHANNEL_B, JOB_A, JOB_B, TempBus, tell } from '../../../test/fixtures/temp-bus.ts';
import { writeBlob } from '../blob.ts';
import { createChain } from '../chain.ts';
import { ALPHA, type BusFileName } from '../layout.ts';
import { rollSegment } from '../segments.ts';
import { readHeads } from './heads.ts';
import type { VerifyReport } from './verify.ts';

let bus: TempBus;
beforeEach(() => {
  bus = new TempBus();
});
afterEach(() => bus[Symbol.dispose]());

const kindsOf = ({ findings }: VerifyReport): readonly string[] => findings.map(({ kind }) => kind);
/** Findings about one file, as `kind:line`. */
const inFile = ({ findings }: VerifyReport, name: string): readonly string[] =>
  findings.filter(({ file }) => file.endsWith(name)).map(({ kind, line }) => `${kind}:${line}`);

/** Changes the lines of a file. */
const edit = (name: BusFileName, change: (lines: string[]) => readonly string[]): void =>
  bus.writeLines(name, change(bus.lines(name)));

const moveLine = (lines: string[], from: number, to: number): string[] => {
  const [line = ''] = lines.splice(from, 1);
  lines.splice(to, 0, line);
  return lines;
};

describe('G8: verifying a bus', () => {
  it('finds nothing on one that nobody touched, and says what it read', async () => {
    bus.session(JOB_A, 5);
    bus.session(JOB_B, 3);
    const report = await bus.verify();
    const bytes = [ALPHA, CHANNEL_A, CHANNEL_B].reduce((sum, name) => sum + bus.read(name).byteLength, 0);
    expect(report).toEqual({
      files: 3,
      lines: 12 + 8 + 7 + 5,
      fitting: 12 + 8 + 7 + 5,
      redacted: 0,
      redactions: [],
      bytes,
      blobs: 0,
      writers: 2,
      unsealed: 0,
      sessionless: 0,
      tampering: 0,
      warnings: 0,
      unchecked: 0,
      findings: [],
    });
  });

  it('finds nothing on an empty one', async () => {
    expect(await bus.verify()).toMatchObject({ files: 0, lines: 0, findings: [] });
  });

  it('counts a writer that nobody closed as unsealed, without a finding', async () => {
    bus.killedSession(JOB_A, ['note', 'tool_call']);
    bus.session(JOB_B, 1);
    expect(await bus.verify()).toMatchObject({ writers: 2, unsealed: 1, findings: [] });
  });

  it('follows the chains over segments and compressed files, and over writers that write in turn', async () => {
    const writers = [
      bus.open({ segmentBytes: 2000 }),
      bus.open({ segmentBytes: 2000 }),
      bus.open({ segmentBytes: 2000 }),
    ];
    for (let n = 0; n < 30; n += 1) {
      for (const writer of writers) tell(writer, { entity: n % 2 === 0 ? JOB_A : JOB_B, type: 'note', data: { n } });
      if (n % 7 === 0) await rollSegment(bus.busDir, 2000);
    }
    for (const writer of writers) writer[Symbol.dispose]();
    const first = join(bus.busDir, 'alpha_bus.000001.jsonl');
    writeFileSync(`${first}.gz`, gzipSync(readFileSync(first)));
    rmSync(first);
    expect(readdirSync(bus.busDir).length).toBeGreaterThanOrEqual(3);
    expect(await bus.verify()).toMatchObject({ lines: 180, fitting: 180, findings: [] });
  });

  it('finds a changed line and what comes after it, each once', async () => {
    bus.session(JOB_A, 4);
    edit(CHANNEL_A, (lines) =>
      lines.map((line, index) => (index === 2 || index === 5 ? line.replace('"v":1', '"v":2') : line)),
    );
    const report = await bus.verify();
    expect(report).toMatchObject({ tampering: 2, warnings: 0 });
    expect(inFile(report, 'JOB-a.jsonl')).toEqual(['changed:3', 'changed:6']);
    expect(report.findings[0]).toMatchObject({
      severity: 'tampering',
      message: 'line 3 was changed: its hash does not fit',
    });
  });

  it('finds a line whose hash, number, writer or entity was changed', async () => {
    bus.session(JOB_A, 4);
    const whole = bus.lines(CHANNEL_A);
    const changes: Record<string, (line: string) => string> = {
      hash: (line) => line.replace(/"h":"./, (start) => `${start.slice(0, -1)}${start.endsWith('0') ? '1' : '0'}`),
      'a higher number': (line) => line.replace('"seq":4', '"seq":44'),
      'a lower number': (line) => line.replace('"seq":4', '"seq":2'),
      entity: (line) => line.replace('"entity":"JOB-a"', '"entity":"JOB-b"'),
    };
    for (const [what, change] of Object.entries(changes)) {
      bus.writeLines(CHANNEL_A, whole.with(3, change(whole[3] ?? '')));
      const report = await bus.verify();
      expect([what, inFile(report, 'JOB-a.jsonl')]).toEqual([what, ['changed:4']]);
    }
    bus.writeLines(CHANNEL_A, whole.with(3, (whole[3] ?? '').replace('"writer":"', '"writer":"x')));
    expect((await bus.verify()).tampering).toBeGreaterThan(0);
  });

  it('finds removed lines at the beginning, in the middle and at the end of a file', async () => {
    bus.session(JOB_A, 4);
    const whole = bus.lines(CHANNEL_A);
    bus.writeLines(CHANNEL_A, whole.slice(1));
    expect(inFile(await bus.verify(), 'JOB-a.jsonl')).toContain('removed:1');
    bus.writeLines(CHANNEL_A, whole.toSpliced(3, 3));
    const report = await bus.verify();
    expect(inFile(report, 'JOB-a.jsonl')).toEqual(['removed:4']);
    expect(report.findings.map(({ message }) => message).join()).toContain('lines 4 to 6 are missing before this one');
    bus.writeLines(CHANNEL_A, whole.slice(0, -1));
    expect(kindsOf(await bus.verify())).toEqual(['one-sided']);
    bus.writeLines(CHANNEL_A, whole.slice(0, -2));
    expect(kindsOf(await bus.verify())).toContain('removed');
  });

  it('finds a tool call that was removed, though it stands in one file only', async () => {
    bus.session(JOB_A, 4);
    edit(CHANNEL_A, (lines) => lines.filter((line) => !line.includes('echo \\"2\\"')));
    expect(inFile(await bus.verify(), 'JOB-a.jsonl')).toEqual(['removed:6']);
  });

  it('finds lines that stand in another order', async () => {
    bus.session(JOB_A, 6);
    const whole = bus.lines(CHANNEL_A);
    for (const [from, to] of [
      [3, 4],
      [3, 9],
      [9, 3],
      [0, 1],
      [11, 12],
      [12, 1],
    ] as const) {
      bus.writeLines(CHANNEL_A, moveLine([...whole], from, to));
      const report = await bus.verify();
      expect([from, to, kindsOf(report)]).toEqual([from, to, ['reordered']]);
    }
  });

  it('finds a line that was inserted: a copy, or one that was made up', async () => {
    bus.session(JOB_A, 4);
    const whole = bus.lines(CHANNEL_A);
    for (const at of [1, 4, 9]) {
      bus.writeLines(CHANNEL_A, whole.toSpliced(at, 0, whole[3] ?? ''));
      const kinds = kindsOf(await bus.verify());
      expect([at, kinds]).toEqual([at, ['inserted']]);
    }
    const forged = (whole[3] ?? '').replace('"v":1', '"v":3');
    bus.writeLines(CHANNEL_A, whole.toSpliced(3, 0, forged));
    expect(kindsOf(await bus.verify())).toEqual(['inserted']);
    bus.writeLines(CHANNEL_A, [...whole, (whole[3] ?? '').replaceAll(/"writer":"[^"]*"/g, '"writer":"somebody"')]);
    expect((await bus.verify()).tampering).toBeGreaterThan(0);
  });

  it('finds bytes that are no line, and says so', async () => {
    bus.session(JOB_A, 2);
    for (const rubbish of ['rubbish\n', ' ', '{"ts":"rubbish"}\n', '\r\n', '"h":"x"}\n']) {
      const whole = bus.read(CHANNEL_A);
      appendFileSync(bus.path(CHANNEL_A), rubbish);
      expect(kindsOf(await bus.verify())).toEqual(['foreign']);
      bus.write(CHANNEL_A, whole);
    }
  });

  it('finds a line that was moved or copied to another file, and says where it belongs', async () => {
    bus.session(JOB_A, 4);
    bus.session(JOB_B, 4);
    const a = bus.lines(CHANNEL_A);
    const b = bus.lines(CHANNEL_B);
    const alpha = bus.lines(ALPHA);
    bus.writeLines(CHANNEL_B, b.toSpliced(4, 0, a[3] ?? ''));
    expect(await bus.verify()).toMatchObject({ tampering: 1, findings: [{ kind: 'moved', line: 5 }] });
    bus.writeLines(CHANNEL_A, a.toSpliced(3, 1));
    const report = await bus.verify();
    expect([inFile(report, 'JOB-b.jsonl'), inFile(report, 'JOB-a.jsonl')]).toEqual([['moved:5'], ['removed:4']]);
    expect(report.findings.find(({ kind }) => kind === 'moved')?.message).toContain('belongs to channels/JOB-a.jsonl');
    bus.writeLines(CHANNEL_B, b);
    bus.writeLines(CHANNEL_A, a.toSpliced(6, 0, alpha[2] ?? ''));
    bus.writeLines(ALPHA, alpha.toSpliced(2, 1));
    expect(inFile(await bus.verify(), 'JOB-a.jsonl')).toContain('moved:7');
    expect(inFile(await bus.verify(), 'alpha_bus.jsonl')).toContain('removed:3');
  });

  it('finds a channel that was renamed, or is gone', async () => {
    bus.session(JOB_A, 4);
    bus.session(JOB_B, 1);
    const a = bus.read(CHANNEL_A);
    rmSync(bus.path(CHANNEL_A));
    expect(kindsOf(await bus.verify())).toEqual(expect.arrayContaining(['one-sided']));
    bus.write('channels/JOB-c.jsonl', a);
    expect(inFile(await bus.verify(), 'JOB-c.jsonl')).toEqual(['moved:1']);
  });

  it('finds that the alpha bus, or its last segment, is gone', async () => {
    bus.session(JOB_A, 4);
    await rollSegment(bus.busDir, 100);
    bus.session(JOB_A, 4);
    rmSync(bus.path(ALPHA));
    expect(kindsOf(await bus.verify())).toEqual(expect.arrayContaining(['one-sided', 'removed']));
    rmSync(join(bus.busDir, 'alpha_bus.000001.jsonl'));
    expect((await bus.verify()).tampering).toBeGreaterThan(2);
  });

  it('finds a message that stands in one of its two files only', async () => {
    const writer = bus.session(JOB_A, 4);
    const alpha = bus.lines(ALPHA);
    // Whoever knows the rule of an unkeyed chain takes the last note from the alpha bus and computes the rest anew.
    const chain = createChain();
    let h = chain.genesis(ALPHA, writer.id);
    const anew = alpha
      .filter((line) => !line.includes('note 3'))
      .map((line, index) => {
        const body = line.slice(0, line.lastIndexOf(',"h":"')).replace(/"seq":\d+/, `"seq":${index + 1}`);
        h = chain.next(h, body);
        return `${body},"h":"${h}"}`;
      });
    bus.writeLines(ALPHA, anew);
    expect(kindsOf(await bus.verify())).toEqual(expect.arrayContaining(['one-sided']));
  });

  it('finds a chain that was computed anew: by the heads that other sessions saw, or by those kept elsewhere', async () => {
    const victim = bus.killedSession(JOB_A, ['note', 'note']);
    const heads = await readHeads(bus.busDir);
    const chain = createChain();
    for (const name of [ALPHA, CHANNEL_A] as const) {
      let h = chain.genesis(name, victim.id);
      edit(name, (lines) =>
        lines.map((line) => {
          const body = line.slice(0, line.lastIndexOf(',"h":"')).replace('"v":1', '"v":2');
          h = chain.next(h, body);
          return `${body},"h":"${h}"}`;
        }),
      );
    }
    expect((await bus.verify()).findings).toEqual([]); // nobody told of the old ones
    const report = await bus.verify({ against: heads });
    expect([inFile(report, 'alpha_bus.jsonl'), inFile(report, 'JOB-a.jsonl')]).toEqual([
      ['rewritten:3'],
      ['rewritten:3'],
    ]);
  });

  it('weaves: what a later session saw on the alpha bus must still be there', async () => {
    const victim = bus.killedSession(JOB_A, ['note', 'note']);
    bus.session(JOB_B, 1); // its first line tells of the last line of the one that was killed
    edit(ALPHA, (lines) => lines.toSpliced(2, 1));
    edit(CHANNEL_A, (lines) => lines.slice(0, -1));
    const report = await bus.verify();
    expect(report.findings).toMatchObject([{ kind: 'removed', line: 0, writer: victim.id }]);
    expect(report.findings[0]?.message).toMatch(/^line 3 is missing: told at .*alpha_bus\.jsonl:3$/);
  });

  it('finds all that is missing against heads that were kept elsewhere', async () => {
    bus.killedSession(JOB_A, ['tool_call', 'tool_call', 'tool_call']);
    const against = await readHeads(bus.busDir);
    edit(CHANNEL_A, (lines) => lines.slice(0, -2));
    expect((await bus.verify()).findings).toEqual([]); // cut as a kill might have cut it
    const report = await bus.verify({ against });
    expect(report.findings).toMatchObject([
      { kind: 'removed', message: 'lines 3 to 4 are missing: told at the heads given' },
    ]);
    bus.session(JOB_A, 1);
    expect(await bus.verify({ against })).toMatchObject({ tampering: 1 });
  });

  it('finds blobs that are missing or changed, and none that were never kept', async () => {
    const writer = bus.open();
    bus.begin(writer, JOB_A);
    const body = JSON.stringify('x'.repeat(100_000));
    const sha256 = writeBlob(bus.busDir, body);
    const ref = { $blob: sha256, bytes: body.length, head: 'xxx' };
    tell(writer, { entity: JOB_A, type: 'tool_call', data: { tool_input: ref, tool_response: { ...ref, $blob: '' } } });
    bus.end(writer, JOB_A);
    expect(await bus.verify()).toMatchObject({ blobs: 1, findings: [] });
    writeFileSync(join(bus.busDir, 'blobs', sha256), body.replace('x', 'y'));
    expect(await bus.verify()).toMatchObject({ findings: [{ kind: 'blob-changed', severity: 'tampering', line: 2 }] });
    rmSync(join(bus.busDir, 'blobs', sha256));
    expect(kindsOf(await bus.verify())).toEqual(['blob-missing']);
  });

  it('finds a compressed file that was damaged, and reads what can be read of it', async () => {
    bus.session(JOB_A, 50);
    const packed = gzipSync(bus.read(CHANNEL_A));
    rmSync(bus.path(CHANNEL_A));
    packed[packed.byteLength - 6] = (packed.at(-6) ?? 0) ^ 1;
    writeFileSync(`${bus.path(CHANNEL_A)}.gz`, packed);
    const report = await bus.verify();
    expect(inFile(report, 'JOB-a.jsonl.gz')).toEqual(['damaged:0']);
    expect(report.tampering).toBeGreaterThan(0);
  });

  it('tells of more findings than it keeps', async () => {
    bus.session(JOB_A, 700);
    edit(CHANNEL_A, (lines) => lines.map((line) => line.replace('"v":1', '"v":2')));
    const report = await bus.verify();
    expect(report).toMatchObject({ tampering: 1402 });
    expect(report.findings).toHaveLength(1000);
  });

  it('ends with the reason of its signal, and tells how far it is', async () => {
    bus.session(JOB_A, 5);
    const reason = new Error('enough');
    await expect(bus.verify({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const seen: number[] = [];
    await bus.verify({ onProgress: ({ readBytes, totalBytes }) => seen.push(readBytes / totalBytes) });
    expect(seen.at(-1)).toBe(1);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });

  it('says that there is no bus where there is none', async () => {
    rmSync(bus.busDir, { recursive: true });
    await expect(bus.verify()).rejects.toMatchObject({ code: 'NIKA_BUS_UNREADABLE' });
  });
});

describe('G8: a keyed bus', () => {
  const keyed = (): ReturnType<typeof createChain> => {
    const keyFile = join(bus.dir, 'key');
    mkdirSync(bus.dir, { recursive: true });
    writeFileSync(keyFile, 'k'.repeat(40));
    chmodSync(keyFile, 0o600);
    return createChain(keyFile);
  };

  it('is verified with its key, and with no other', async () => {
    const chain = keyed();
    bus.session(JOB_A, 3, { chain });
    expect(await bus.verify({ chain })).toMatchObject({ fitting: 13, findings: [] });
    expect(await bus.verify()).toMatchObject({ fitting: 0, tampering: expect.any(Number) });
    edit(CHANNEL_A, (lines) => lines.with(2, (lines[2] ?? '').replace('"v":1', '"v":2')));
    expect(inFile(await bus.verify({ chain }), 'JOB-a.jsonl')).toEqual(['changed:3']);
  });

  it('does not take a chain that was computed without the key, and says which writer has one', async () => {
    const chain = keyed();
    bus.session(JOB_A, 3, { chain });
    const plain = bus.session(JOB_B, 3);
    const report = await bus.verify({ chain });
    expect(report.findings).toMatchObject([
      { kind: 'unkeyed', writer: plain.id, line: 6 },
      { kind: 'unkeyed', writer: plain.id, line: 1 },
    ]);
  });
});
