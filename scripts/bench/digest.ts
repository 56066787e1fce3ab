/**
 * `nika alpha digest` as a whole process on one core, beside `grep -c` over the same alpha bus: of a bus as pods leave it
 * (most lines are tool calls in channels), and of an alpha bus of as many lines. `NIKA_BENCH_LINES=100000` for smaller ones.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ALPHA, busPath, channelsDir, segmentFile } from '../../src/bus/layout.ts';
import { createEventId } from '../../src/model/event-id.ts';
import { type EntityId, parseEntityId } from '../../src/model/id.ts';
import { fixed, machine, median, row } from './figures.ts';
import { metaOf } from './generated-bus.ts';
import { nikaCommand, sample } from './process-sample.ts';

const LINES = Number(process.env['NIKA_BENCH_LINES'] ?? 1_000_000);
const RUNS = 5;
const SEGMENT_BYTES = 64e6;
const SPAN_MS = 7 * 86_400_000;
const HASH = 'a'.repeat(64);
/** Of one pod that makes no calls: what stands on the alpha bus. */
const TYPES = ['entity_created', 'session_start', 'entity_started', 'usage', 'job_completed', 'session_end_summary'];

const dataOf = (type: string, n: number): string => {
  const change = (from: string | null, to: string, rev: number): object => ({ from, to, rev });
  const datas: Readonly<Record<string, object>> = {
    entity_created: change(null, 'created', 1),
    entity_started: change('created', 'in_progress', 2),
    session_start: { kind: 'pod', version: '0', cwd: '/home/user/project', alpha_head: null },
    usage: { scope: 'call', model: 'm', input_tokens: n, output_tokens: 300, cost_usd: 0.01, cost_from: 'agent' },
    job_completed: { ...change('in_progress', 'completed', 3), result: `what was found in part ${n}, in a sentence` },
    job_failed: { ...change('in_progress', 'failed', 3), error: `Exit code 1: test ${n} of the suite failed` },
    session_end_summary: {
      outcome: 'completed',
      exit_code: 0,
      duration_ms: 9,
      calls: 60,
      errors: 1,
      dropped: {},
      heads: [],
    },
    tool_call: {
      source: 'hook',
      tool_name: 'shell',
      tool_use_id: `call_${n}`,
      ok: true,
      duration_ms: 12.5,
      tool_input: { command: `git log --numstat -n ${n}` },
      tool_response: { stdout: '12\t3\tsrc/bus/writer.ts\n'.repeat(6), exit_code: 0 },
    },
  };
  return JSON.stringify(datas[type]);
};

interface Pod {
  readonly id: EntityId;
  readonly meta: string;
}

const podOf = (nth: number): Pod => {
  const id = parseEntityId(`JOB-20261120-${nth.toString(36).padStart(8, 'a')}`);
  return { id, meta: metaOf(id).replace('"repo-audit"', `"job-${nth % 40}"`) };
};

const lineOf = (type: string, n: number, atMs: number, { id, meta }: Pod): string =>
  `{"ts":"${new Date(atMs).toISOString()}","type":"${type}","entity":"${id}","writer":"w","seq":${n},"id":"${createEventId(atMs)}","meta":${meta},"data":${dataOf(type, n)},"h":"${HASH}"}\n`;

/** `callsPerPod`: tool calls in its channel; those stand not on the alpha bus. Gives the bytes of the alpha bus. */
const generate = (home: string, callsPerPod: number): number => {
  const busDir = join(home, '_bus');
  mkdirSync(channelsDir(busDir), { recursive: true });
  let [segment, size, total, text] = [1, 0, 0, ''];
  let fd = openSync(join(busDir, segmentFile(segment)), 'w');
  const podCount = Math.ceil(LINES / (2 * TYPES.length + callsPerPod));
  const linesPerPod = callsPerPod === 0 ? TYPES.length : 0;
  const pods = callsPerPod === 0 ? Math.ceil(LINES / linesPerPod) : podCount;
  for (let nth = 0; nth < pods; nth += 1) {
    const pod = podOf(nth);
    const atMs = Date.now() - SPAN_MS + (SPAN_MS * nth) / pods;
    const types = TYPES.map((type) => (type === 'job_completed' && nth % 10 === 0 ? 'job_failed' : type));
    const open = nth > pods - 20 ? types.slice(0, 3) : types;
    const own = open.map((type, n) => lineOf(type, n, atMs + n, pod)).join('');
    text += own;
    if (callsPerPod > 0) {
      const calls = Array.from({ length: callsPerPod }, (_, n) => lineOf('tool_call', n, atMs + n, pod));
      appendFileSync(busPath(busDir, `channels/${pod.id}.jsonl`), own + calls.join(''));
    }
    size += own.length;
    total += own.length;
    if (text.length > 1e6 || nth === pods - 1) {
      writeSync(fd, text);
      text = '';
    }
    if (size < SEGMENT_BYTES) continue;
    closeSync(fd);
    [segment, size] = [segment + 1, 0];
    fd = openSync(nth === pods - 1 ? busPath(busDir, ALPHA) : join(busDir, segmentFile(segment)), 'w');
  }
  closeSync(fd);
  return total;
};

const bench = (what: string, callsPerPod: number): void => {
  const home = mkdtempSync(join(tmpdir(), 'nika-bench-'));
  try {
    const bytes = generate(home, callsPerPod);
    const digest = nikaCommand('alpha', 'digest', '--home', home);
    const grep = ['sh', '-c', `cat ${home}/_bus/*.jsonl | grep -c '"type":"job_'`];
    execFileSync('sh', ['-c', `cat ${home}/_bus/*.jsonl > /dev/null`]);
    const first = Array.from({ length: RUNS }, () => {
      rmSync(join(home, 'run/digest'), { recursive: true, force: true });
      return sample(digest, '0');
    });
    const later = Array.from({ length: RUNS }, () => sample(digest, '0'));
    const reference = Array.from({ length: RUNS }, () => sample(grep, '0'));
    const told = { 'the first': first, 'a later one': later, 'grep -c of what ended': reference };
    for (const [name, samples] of Object.entries(told)) {
      const ms = samples.map((one) => one.ms);
      row(`${what}, alpha bus ${fixed(bytes / 1e6, 0)} MB: ${name}`, [
        fixed(median(ms) / 1000, 2),
        fixed(Math.max(...ms) / 1000, 2),
        fixed(Math.max(...samples.map((one) => one.maxRssKb)) / 1000, 0),
      ]);
    }
  } finally {
    rmSync(home, { recursive: true });
  }
};

console.log(`${machine()}; ${LINES} lines, one core, ${RUNS} runs`);
row('', ['median s', 'slowest s', 'peak memory MB']);
row('---', ['---', '---', '---']);
bench('as pods leave it', 60);
bench('all on the alpha bus', 0);
