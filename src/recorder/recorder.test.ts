import { hash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createChain } from '../bus/chain.ts';
import { type BusLine, LINE_MAX_BYTES, tryParseLine } from '../bus/line.ts';
import { BusWriter } from '../bus/writer.ts';
import { parseEntityId } from '../model/id.ts';
import { blobRefSchema, MESSAGE_SCHEMAS } from '../model/message.ts';
import type { PostToolUse, PostToolUseFailure } from '../model/tool-event.ts';
import { createBodyEncoder } from './body.ts';
import { Recorder } from './recorder.ts';

const JOB = parseEntityId('JOB-recorder-test');
const SCOPE = { entity: JOB, metaJson: '{"v":1}' };
const SECRET = ['ghp', '_', 'a1B2c3D4e5F6g7H8i9J0a1B2c3D4e5F6g7H8'].join('');

let home: string;
let bus: BusWriter;
let mayKeepBlobs: boolean;
let recorder: Recorder;
const busDir = (): string => join(home, '_bus');

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'nika-recorder-'));
  mayKeepBlobs = true;
  bus = BusWriter.open({
    busDir: busDir(),
    runDir: join(home, 'run'),
    chain: createChain(),
    segmentBytes: 1e9,
    backlog: { maxCount: 100, maxBytes: 1e6 },
  });
  const encoder = createBodyEncoder({ maxBodyBytes: 1024 ** 2, patterns: [] });
  recorder = new Recorder({ bus, encoder, mayKeepBlobs: () => mayKeepBlobs });
});
afterEach(() => {
  bus[Symbol.dispose]();
  rmSync(home, { recursive: true });
});

const post = (tool_input: unknown, tool_response: unknown): PostToolUse => ({
  session_id: 's',
  cwd: '/home/user',
  tool_name: 'shell',
  tool_use_id: 'call_1',
  hook_event_name: 'PostToolUse',
  tool_input,
  tool_response,
  duration_ms: 1.5,
});

const lastText = (): string =>
  readFileSync(join(busDir(), `channels/${JOB}.jsonl`), 'utf8')
    .trimEnd()
    .split('\n')
    .at(-1) ?? '';
const last = (): BusLine => {
  const line = tryParseLine(lastText());
  if (line === undefined) throw new Error('the last line does not parse');
  return line;
};

describe('a tool call', () => {
  it('is one line with what went in and what came out, as its schema says', () => {
    recorder.recordToolCall(SCOPE, post({ command: 'ls' }, { stdout: 'a' }), { source: 'hook', step: 'list' });
    const { type, data } = last();
    expect(type).toBe('tool_call');
    expect(MESSAGE_SCHEMAS.tool_call.strict().parse(data)).toEqual({
      source: 'hook',
      tool_name: 'shell',
      tool_use_id: 'call_1',
      ok: true,
      duration_ms: 1.5,
      step: 'list',
      cwd: '/home/user',
      tool_input: { command: 'ls' },
      tool_response: { stdout: 'a' },
    });
  });

  it('that failed says why, and that it was ended from outside', () => {
    const { tool_response: _, ...rest } = post({}, null);
    const failure: PostToolUseFailure = {
      ...rest,
      hook_event_name: 'PostToolUseFailure',
      error: 'Exit code 3\nno',
      is_interrupt: true,
    };
    recorder.recordToolCall(SCOPE, failure, { source: 'hook' });
    expect(last().data).toMatchObject({ ok: false, error: 'Exit code 3\nno', is_interrupt: true });
    expect(recorder.counts).toMatchObject({ calls: 1, errors: 1 });
  });

  it('G7: has no secret in any of its fields, and counts what was taken out', () => {
    const event = { ...post({ token: SECRET }, { stdout: `x ${SECRET}` }), cwd: `/home/${SECRET}`, tool_name: SECRET };
    recorder.recordToolCall(SCOPE, event, { source: 'hook' });
    expect(lastText()).not.toContain(SECRET.slice(4));
    expect(recorder.counts.redactedSecrets).toBeGreaterThanOrEqual(2);
  });

  it('G6, G7: with long bodies fits its line; the whole, redacted, is in a blob that has its own hash as name', () => {
    const body = `${SECRET} ${'y'.repeat(200_000)}`;
    recorder.recordToolCall(SCOPE, post({ command: 'ls' }, { stdout: body }), { source: 'hook' });
    expect(Buffer.byteLength(lastText())).toBeLessThan(LINE_MAX_BYTES);
    const { tool_input, tool_response } = last().data;
    expect(tool_input).toEqual({ command: 'ls' });
    const ref = blobRefSchema.parse(tool_response);
    const blob = readFileSync(join(busDir(), 'blobs', ref.$blob));
    expect(hash('sha256', blob)).toBe(ref.$blob);
    expect(blob.byteLength).toBe(ref.bytes);
    expect(blob.toString()).not.toContain(SECRET.slice(4));
    expect(blob.toString()).toContain('y'.repeat(200_000));
  });

  it('fits its line whatever both bodies hold, three-byte characters and quotes included', () => {
    for (const text of ['"'.repeat(100_000), '漢'.repeat(60_000), '\u0000'.repeat(40_000)]) {
      recorder.recordToolCall(SCOPE, post({ text }, { text: `${text}!` }), { source: 'hook' });
      expect(Buffer.byteLength(lastText())).toBeLessThan(LINE_MAX_BYTES);
      expect(last().type).toBe('tool_call');
    }
  });

  it('G3: keeps head and size where the blob cannot be kept, and counts it', () => {
    mkdirSync(busDir(), { recursive: true });
    writeFileSync(join(busDir(), 'blobs'), 'in the way');
    recorder.recordToolCall(SCOPE, post({}, 'z'.repeat(100_000)), { source: 'hook' });
    expect(last().data['tool_response']).toMatchObject({ $blob: '', bytes: 100_002 });
    mayKeepBlobs = false;
    recorder.recordToolCall(SCOPE, post({}, 'z'.repeat(100_000)), { source: 'hook' });
    expect(recorder.counts.lostBlobs).toBe(2);
  });

  it('keeps the same body once', () => {
    for (let n = 0; n < 3; n += 1) recorder.recordToolCall(SCOPE, post({}, 'z'.repeat(100_000)), { source: 'hook' });
    expect(readdirSync(join(busDir(), 'blobs'))).toHaveLength(1);
  });

  it('G3: says how long a body was that was cut', () => {
    recorder.recordToolCall(SCOPE, post({}, 'z'.repeat(5_000_000)), { source: 'hook' });
    expect(last().data['truncated']).toMatchObject({ tool_response: expect.any(Number) as number });
    expect(recorder.counts.cutBodies).toBe(1);
  });

  it('G6: counts by at most 200 names', () => {
    for (let n = 0; n < 300; n += 1)
      recorder.recordToolCall(SCOPE, { ...post({}, 1), tool_name: `t${n}` }, { source: 'hook' });
    expect(recorder.counts.byTool.size).toBe(201);
    expect(recorder.counts.byTool.get('(other)')).toBe(100);
  });
});

describe('another message', () => {
  it('G7: is redacted too, by the names of its fields and in its texts', () => {
    recorder.record(SCOPE, 'note', { text: `the token is ${SECRET}` });
    expect(lastText()).not.toContain(SECRET.slice(4));
  });

  it('keeps a result of up to 2 kB on its line, and a longer one in a blob', () => {
    const ended = { from: 'in_progress', to: 'completed', rev: 3 } as const;
    recorder.record(SCOPE, 'job_completed', { ...ended, result: { gist: 'short' } });
    expect(last().data['result']).toEqual({ gist: 'short' });
    recorder.record(SCOPE, 'job_completed', { ...ended, result: 'long '.repeat(1000) });
    expect(blobRefSchema.parse(last().data['result']).bytes).toBe(5002);
  });

  it('fits its line, however long its texts are', () => {
    recorder.record(SCOPE, 'note', { text: 'n'.repeat(900_000) });
    expect(Buffer.byteLength(lastText())).toBeLessThan(LINE_MAX_BYTES);
    expect(last().type).toBe('note');
  });

  it('G8: gives up the digest of a session before the heads of its writer', () => {
    const heads = Array.from({ length: 200 }, (_, n) => ({
      file: `channels/JOB-${n}-${'x'.repeat(150)}.jsonl`,
      writer: 'w',
      seq: n,
      h: 'a'.repeat(64),
    }));
    const digest = { asked: 'a', said: 'b', files: ['漢'.repeat(4000)], commands: [], errors: [] };
    const counts = { exit_code: 0, duration_ms: 1, calls: 0, errors: 0, dropped: {} } as const;
    const summary = { outcome: 'completed', ...counts, digest, alpha_head: null, heads: heads.slice(0, 9) } as const;
    recorder.record(SCOPE, 'session_end_summary', summary);
    expect(last().data).toMatchObject({ digest, heads: summary.heads });
    recorder.record(SCOPE, 'session_end_summary', { ...summary, heads });
    expect(last().data).not.toHaveProperty('digest');
    expect(last().data['heads']).toEqual(heads);
  });

  it('takes time and id of a line from who knows them, for what happened before', () => {
    const id = '019587a0-0000-7000-8000-000000000001';
    const encoder = createBodyEncoder({ maxBodyBytes: 1024, patterns: [] });
    const stamp = () => ({ atMs: Date.UTC(2025, 2, 12), id });
    const past = new Recorder({ bus, encoder, mayKeepBlobs: () => true, stamp });
    past.recordToolCall(SCOPE, { ...post({}, 'x'), duration_ms: null }, { source: 'stream' });
    expect(last()).toMatchObject({ ts: '2025-03-12T00:00:00.000Z', id, data: { duration_ms: null } });
  });
});
