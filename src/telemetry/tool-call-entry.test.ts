import { describe, expect, it } from 'vitest';
import { createEventId } from '../model/event-id.ts';
import { TOOL_CALL_FIELDS, toolCallEntry } from './tool-call-entry.ts';

const call = (over: object) =>
  toolCallEntry({
    id: createEventId(Date.now()),
    atMs: Date.now(),
    entity: 'JOB-20261120-k3f9xq2m',
    tool: 'Bash',
    isOk: true,
    durationMs: 12,
    input: '{"command":"npm test"}',
    inputBytes: 22,
    responseBytes: 4000,
    error: undefined,
    ...over,
  });

const bytes = ({ id, values }: ReturnType<typeof toolCallEntry>): number =>
  id.length + Buffer.byteLength([...TOOL_CALL_FIELDS, ...values].join(''));

describe('toolCallEntry', () => {
  it('tells tool, outcome, time, sizes and how the input begins', () => {
    const { values } = call({});
    expect(Object.fromEntries(TOOL_CALL_FIELDS.map((name, at) => [name, values[at]]))).toMatchObject({
      entity: 'JOB-20261120-k3f9xq2m',
      tool: 'Bash',
      ok: '1',
      ms: '12',
      in_bytes: '22',
      out_bytes: '4000',
      preview: '{"command":"npm test"}',
      error: '',
    });
  });

  it('G6: is at most 1 kB whatever the payload', () => {
    const long = '漢'.repeat(100_000);
    const entity = `JOB-${'x'.repeat(100)}`;
    expect(bytes(call({ entity, tool: long, input: long, error: long, inputBytes: 1e15 }))).toBeLessThanOrEqual(1000);
  });

  it('rises in order with the ids of the events', () => {
    const ids = Array.from({ length: 3 }, () => call({}).id);
    expect(ids.toSorted((a, b) => Number(a.split('-')[1]) - Number(b.split('-')[1]))).toEqual(ids);
  });
});
