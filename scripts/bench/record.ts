/**
 * Recording a tool call in process: pre and post hooks, cap, redaction, chain, line; beside a bare `writeSync` of the
 * same bytes in the same run, interleaved.
 */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createChain } from '../../src/bus/chain.ts';
import { BusWriter } from '../../src/bus/writer.ts';
import { runToolCall } from '../../src/hooks/tool-call.ts';
import { parseEntityId } from '../../src/model/id.ts';
import { createBodyEncoder } from '../../src/recorder/body.ts';
import { Recorder, type Scope } from '../../src/recorder/recorder.ts';
import { fixed, machine, median, percentiles, row } from './figures.ts';
import { metaOf } from './generated-bus.ts';

const CALLS = 40_000;
const SESSION = crypto.randomUUID();
const ROUNDS = 5;

const home = mkdtempSync(join(tmpdir(), 'nika-bench-'));
const busDir = join(home, '_bus');
const backlog = { maxCount: 10_000, maxBytes: 16e6 };
const bus = BusWriter.open({ busDir, runDir: join(home, 'run'), chain: createChain(), segmentBytes: 1e9, backlog });
const encoder = createBodyEncoder({ maxBodyBytes: 1024 ** 2, patterns: [] });
const recorder = new Recorder({ bus, encoder, mayKeepBlobs: () => true });
const id = parseEntityId('JOB-20261120-k3f9xq2m');
const scope: Scope = { entity: id, metaJson: metaOf(id) };

/** Input and response are 300 bytes of JSON together. */
const input = { command: 'git log --numstat --since=1.year -- src/bus', description: 'Show what changed most' };
const response = {
  stdout: '12\t3\tsrc/bus/writer.ts\n'.repeat(6).trim(),
  stderr: '',
  exit_code: 0,
  interrupted: false,
};
const hooks = {
  pre: () => undefined,
  post: (event: Parameters<Recorder['recordToolCall']>[1]) => recorder.recordToolCall(scope, event, { source: 'hook' }),
};

const callOnce = (n: number): Promise<unknown> =>
  runToolCall(
    {
      session_id: SESSION,
      cwd: '/home/user/project',
      tool_name: 'shell',
      tool_input: input,
      tool_use_id: `call_${n}`,
    },
    hooks,
    () => Promise.resolve({ ok: true, response }),
  );

const recordRound = async (): Promise<Float64Array> => {
  const samples = new Float64Array(CALLS);
  for (let n = 0; n < CALLS; n += 1) {
    const atUs = performance.now() * 1000;
    await callOnce(n);
    samples[n] = performance.now() * 1000 - atUs;
  }
  return samples;
};

const bareRound = (line: string): Float64Array => {
  const fd = openSync(join(home, 'bare.jsonl'), 'a');
  const samples = new Float64Array(CALLS);
  for (let n = 0; n < CALLS; n += 1) {
    const atUs = performance.now() * 1000;
    writeSync(fd, line);
    samples[n] = performance.now() * 1000 - atUs;
  }
  closeSync(fd);
  return samples;
};

const sum = (samples: Float64Array): number => samples.reduce((total, sample) => total + sample, 0);

try {
  await recordRound(); // warm-up
  const line = `${readFileSync(join(busDir, `channels/${id}.jsonl`), 'utf8').split('\n', 1)[0] ?? ''}\n`;
  const rounds: { readonly recorded: Float64Array; readonly bare: Float64Array }[] = [];
  for (let round = 0; round < ROUNDS; round += 1) rounds.push({ recorded: await recordRound(), bare: bareRound(line) });
  const of = (pick: (round: (typeof rounds)[number]) => number): number => median(rounds.map(pick));
  console.log(`${machine()}; ${ROUNDS} rounds of ${CALLS} calls, medians; a line has ${line.length} bytes`);
  row('', ['p50 µs', 'p99 µs', 'max µs', 'per second']);
  row('---', ['---', '---', '---', '---']);
  for (const kind of ['recorded', 'bare'] as const) {
    const name = kind === 'bare' ? 'bare writeSync of the same bytes' : 'a tool call recorded';
    const cells = (['p50', 'p99', 'max'] as const).map((key) =>
      fixed(of((round) => percentiles(round[kind].slice())[key])),
    );
    row(name, [...cells, fixed((CALLS * 1e6) / of((round) => sum(round[kind])), 0)]);
  }
  console.log(`throughput recorded / bare: ${fixed(of(({ recorded, bare }) => sum(bare) / sum(recorded)) * 100)} %`);
} finally {
  bus[Symbol.dispose]();
  rmSync(home, { recursive: true });
}
