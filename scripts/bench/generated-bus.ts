/** Owns a bus of a given size for benchmarks: many channels, lines of a real shape, written by the real writer. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createChain } from '../../src/bus/chain.ts';
import { BusWriter } from '../../src/bus/writer.ts';
import { createEventId } from '../../src/model/event-id.ts';
import { type EntityId, parseEntityId } from '../../src/model/id.ts';

const CHANNELS = 200;
const MESSAGE_EVERY = 50;

/** The complete envelope of a job, as JSON. */
export const metaOf = (id: EntityId): string =>
  JSON.stringify({
    v: 1,
    session_id: crypto.randomUUID(),
    entity_id: id,
    entity_type: 'JOB',
    root_id: id,
    attempt: 1,
    job: 'repo-audit',
    domain: 'repository',
    intent: 'audit',
    host: 'bench',
    pid: process.pid,
    trace_id: 'a'.repeat(32),
    span_id: 'b'.repeat(16),
  });

const toolCall = (n: number): string =>
  JSON.stringify({
    source: 'hook',
    tool_name: 'shell',
    tool_use_id: `call_${n}`,
    ok: true,
    duration_ms: 12.5,
    cwd: '/home/user/project',
    tool_input: { command: `git log --numstat -n ${n}`, description: 'Show what changed most' },
    tool_response: { stdout: '12\t3\tsrc/bus/writer.ts\n'.repeat(6), stderr: '', exit_code: 0, interrupted: false },
  });

/** Writes at least `bytes` into `<home>/_bus`; one line in fifty is a note and stands on the alpha bus too. */
export const generateBus = (home: string, bytes: number): { readonly lines: number; readonly bytes: number } => {
  const busDir = join(home, '_bus');
  const backlog = { maxCount: 10, maxBytes: 1e6 };
  using writer = BusWriter.open({
    busDir,
    runDir: join(home, 'run'),
    chain: createChain(),
    segmentBytes: 1e12,
    backlog,
  });
  const channels = Array.from({ length: CHANNELS }, (_, n) => {
    const id = parseEntityId(`JOB-20261120-bench${n}`);
    return { id, meta: metaOf(id) };
  });
  let lines = 0;
  const startMs = Date.UTC(2026, 4, 1);
  for (let written = 0; written < bytes; lines += 1) {
    const channel = channels[lines % CHANNELS];
    if (channel === undefined) break;
    const isMessage = lines % MESSAGE_EVERY === 0;
    const dataJson = isMessage ? JSON.stringify({ text: `note ${lines}` }) : toolCall(lines);
    const atMs = startMs + lines * 5000;
    const type = isMessage ? 'note' : 'tool_call';
    const ts = new Date(atMs).toISOString();
    writer.write({ ts, type, entity: channel.id, id: createEventId(atMs), metaJson: channel.meta, dataJson });
    written += channel.meta.length + dataJson.length + 280;
  }
  return { lines, bytes: sizeOf(busDir) };
};

export const sizeOf = (dir: string): number =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
