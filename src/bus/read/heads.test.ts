import { readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CHANNEL_A, CHANNEL_B, JOB_A, JOB_B, TempBus, tell } from '../../../test/fixtures/temp-bus.ts';
import { ALPHA } from '../layout.ts';
import { parseHeads, readHeads } from './heads.ts';

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
