import { appendFileSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CHANNEL_A, CHANNEL_B, JOB_A, JOB_B, TempBus, tell } from '../../../test/fixtures/temp-bus.ts';
import { ALPHA } from '../layout.ts';
import { parseHeads, readHeads, readLastHead } from './heads.ts';

let bus: TempBus;
beforeEach(() => {
  bus = new TempBus();
});
afterEach(() => bus[Symbol.dispose]());

const byFile = (a: { file: string; writer: string }, b: { file: string; writer: string }): number =>
  `${a.file} ${a.writer}` < `${b.file} ${b.writer}` ? -1 : 1;

describe('the heads of a bus', () => {
  it('are what each writer says of itself, over segments and compressed files too', async () => {
    using first = bus.open();
    using second = bus.open();
    tell(first, { entity: JOB_A, type: 'note' });
    tell(second, { entity: JOB_A, type: 'note' });
    renameSync(bus.path(ALPHA), join(bus.busDir, 'alpha_bus.000001.jsonl'));
    tell(first, { entity: JOB_B, type: 'tool_call' });
    tell(first, { entity: JOB_B, type: 'note' });
    writeFileSync(`${bus.path(CHANNEL_A)}.gz`, gzipSync(readFileSync(bus.path(CHANNEL_A))));
    rmSync(bus.path(CHANNEL_A));
    const heads = await readHeads(bus.busDir);
    expect(heads.map(({ file }) => file)).toEqual([ALPHA, ALPHA, CHANNEL_A, CHANNEL_A, CHANNEL_B]);
    expect(heads.toSorted(byFile)).toEqual([...first.heads(), ...second.heads()].toSorted(byFile));
  });

  it('take a line that was glued to a torn one for what it is, not for the torn one', async () => {
    using killed = bus.open();
    tell(killed, { entity: JOB_A, type: 'note' });
    tell(killed, { entity: JOB_A, type: 'note' });
    truncateSync(bus.path(ALPHA), bus.read(ALPHA).byteLength - 20);
    using other = bus.open();
    tell(other, { entity: JOB_A, type: 'note' });
    const onAlpha = (await readHeads(bus.busDir)).filter(({ file }) => file === ALPHA);
    expect(onAlpha.map(({ writer, seq }) => [writer, seq])).toEqual([
      [killed.id, 1],
      [other.id, 1],
    ]);
  });

  it('are read back from what was printed, as lines or as one list', async () => {
    bus.session(JOB_A, 1);
    const heads = await readHeads(bus.busDir);
    expect(parseHeads(heads.map((head) => `${JSON.stringify(head)}\n`).join('\n'))).toEqual(heads);
    expect(parseHeads(JSON.stringify(heads, null, 2))).toEqual(heads);
  });

  it.each(['', '[]', 'rubbish', '{"file":"x"}', '[{"file":"a","writer":"w","seq":0,"h":"x"}]', '["x"]'])(
    'are not made up from %j',
    (text) => {
      const error = expect.objectContaining({ code: 'NIKA_CLI_USAGE', subject: 'h.json' });
      expect(() => parseHeads(text, 'h.json')).toThrow(error);
    },
  );
});

describe('the last head of the alpha bus', () => {
  const last = () => readLastHead(bus.path(ALPHA));

  it('is that of its last whole line, by whomever', () => {
    expect(last()).toBeNull();
    using first = bus.open();
    tell(first, { entity: JOB_A, type: 'note' });
    using second = bus.open();
    tell(second, { entity: JOB_A, type: 'note' });
    expect(last()).toEqual(second.heads().find(({ file }) => file === ALPHA));
    tell(first, { entity: JOB_A, type: 'note', data: { text: 'x'.repeat(60_000) } });
    expect(last()).toEqual(first.heads().find(({ file }) => file === ALPHA));
  });

  it('passes over a torn line, and finds the one that is glued to it', () => {
    using first = bus.open();
    tell(first, { entity: JOB_A, type: 'note' });
    const head = last();
    appendFileSync(bus.path(ALPHA), '{"ts":"2026-11-20T11:27:03.123Z","type":"no');
    expect(last()).toEqual(head);
    using second = bus.open();
    tell(second, { entity: JOB_A, type: 'note' });
    expect(last()?.writer).toBe(second.id);
  });

  it('is that of the last full segment where the file is empty or not there, and none where that is compressed', () => {
    using first = bus.open();
    tell(first, { entity: JOB_A, type: 'note' });
    const head = last();
    const segment = join(bus.busDir, 'alpha_bus.000001.jsonl');
    renameSync(bus.path(ALPHA), segment);
    expect(last()).toEqual(head);
    writeFileSync(bus.path(ALPHA), '');
    expect(last()).toEqual(head);
    renameSync(segment, `${segment}.gz`);
    expect(last()).toBeNull();
  });

  it('G1: is none, and no error, where there is no bus or nothing in it can be read', () => {
    expect(readLastHead('/nonexistent/_bus/alpha_bus.jsonl')).toBeNull();
    expect(readLastHead(join(bus.path(ALPHA), 'below', 'alpha_bus.jsonl'))).toBeNull();
    writeFileSync(bus.path(ALPHA), Buffer.alloc(1_000_000));
    expect(last()).toBeNull();
  });
});
