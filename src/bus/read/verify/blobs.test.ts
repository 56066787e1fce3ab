import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JOB_A, TempBus, tell } from '../../../../test/fixtures/temp-bus.ts';
import { blobPath, writeBlob } from '../../blob.ts';

const BODY = JSON.stringify('é'.repeat(50_000));

let bus: TempBus;
let path: string;
beforeEach(() => {
  bus = new TempBus();
  const writer = bus.open();
  bus.begin(writer, JOB_A);
  const sha256 = writer.keepBlob(BODY);
  path = blobPath(bus.busDir, sha256);
  const ref = { $blob: sha256, bytes: Buffer.byteLength(BODY), head: BODY.slice(0, 1024) };
  tell(writer, { entity: JOB_A, type: 'tool_call', data: { tool_input: ref } });
  bus.end(writer, JOB_A);
});
afterEach(() => bus[Symbol.dispose]());

const found = async (): Promise<readonly string[]> =>
  (await bus.verify()).findings.map(({ severity, kind }) => `${severity} ${kind}`);

describe('G8: a blob', () => {
  it.each([0, 1, 500, 1023, 2000, 100_001])('of which a power cut left %i bytes is torn: a warning', async (bytes) => {
    truncateSync(path, bytes);
    expect(await found()).toEqual(['warning blob-torn']);
  });

  it('of the right length, longer, or shorter and with another beginning was changed: tampering', async () => {
    writeFileSync(path, BODY.replace('é', 'ü'));
    expect(await found()).toEqual(['tampering blob-changed']);
    writeFileSync(path, BODY);
    appendFileSync(path, ' ');
    expect(await found()).toEqual(['tampering blob-changed']);
    writeFileSync(path, '"another body');
    expect(await found()).toEqual(['tampering blob-changed']);
  });

  it('that a power cut left short is written anew by the next one who keeps the same body', async () => {
    truncateSync(path, 100);
    writeBlob(bus.busDir, BODY);
    expect(readFileSync(path, 'utf8')).toBe(BODY);
    expect(await found()).toEqual([]);
  });
});
