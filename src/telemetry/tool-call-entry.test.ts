import { describe, expect, it } from 'vitest';
import { createEventId } from '../model/event-id.ts';
import { idOf } from '../redis/scripts/add-events.lua.ts';
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

const fieldsOf = (entry: ReturnType<typeof toolCallEntry>): Readonly<Record<string, string>> => {
  const values = entry.split('\u001F').slice(1, -1);
  return Object.fromEntries(TOOL_CALL_FIELDS.map((name, at) => [name, values[at] ?? '']));
};

const bytes = (entry: ReturnType<typeof toolCallEntry>): number =>
  Buffer.byteLength(
    Object.entries({ id: idOf(entry), ...fieldsOf(entry) })
      .flat()
      .join(''),
  );

describe('toolCallEntry', () => {
  it('tells tool, outcome, time, sizes and how the input begins', () => {
    expect(fieldsOf(call({}))).toMatchObject({
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

  it('keeps its values apart, whatever is in its texts', () => {
    const entry = call({ tool: 'a\u001Fb', error: '\u001F', isOk: false });
    expect(fieldsOf(entry)).toMatchObject({ tool: 'a b', ok: '0', error: ' ' });
    expect(entry.split('\u001F')).toHaveLength(TOOL_CALL_FIELDS.length + 2);
  });

  it('G6: is at most 1 kB whatever the payload', () => {
    const long = '漢'.repeat(100_000);
    const entity = `JOB-${'x'.repeat(100)}`;
    expect(bytes(call({ entity, tool: long, input: long, error: long, inputBytes: 1e15 }))).toBeLessThanOrEqual(1000);
  });

  it('rises in order with the ids of the events', () => {
    const ids = Array.from({ length: 3 }, () => idOf(call({})));
    const pairs = ids.map((one) => one.split('-').map(Number));
    const sorted = pairs.toSorted(([aMs = 0, aNth = 0], [bMs = 0, bNth = 0]) => aMs - bMs || aNth - bNth);
    expect(sorted).toEqual(pairs); // also where a millisecond begins between them
  });
});
