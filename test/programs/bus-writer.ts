/**
 * Writes to a bus as fast as it can, until it has written enough, its standard input ends, or it is killed. Each id is
 * put into a file of its own once the bus has taken its line: what stands there was acknowledged.
 */
import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { createChain } from '../../src/bus/chain.ts';
import { BusWriter } from '../../src/bus/writer.ts';
import { createEventId } from '../../src/model/event-id.ts';
import { parseEntityId } from '../../src/model/id.ts';

export interface WriterTask {
  /** Holds `_bus/` and `run/`. */
  readonly dir: string;
  readonly entity: string;
  readonly lineCount: number;
  /** Every other line is a tool call; bodies are of every length up to this. */
  readonly maxBodyBytes: number;
  readonly segmentBytes: number;
  readonly ackFile: string;
  /** How long to rest after each ten lines. */
  readonly restMs: number;
}

const task: WriterTask = JSON.parse(process.argv[2] ?? '');
const entity = parseEntityId(task.entity);
const acks = openSync(task.ackFile, 'a');
const body = '0123456789abcdef'.repeat(task.maxBodyBytes / 16);
const { segmentBytes } = task;
const backlog = { maxCount: 1000, maxBytes: 1e7 };
const stop = new AbortController();
process.stdin.once('end', () => stop.abort()).resume();

const rest = (): Promise<unknown> =>
  task.restMs > 0 ? new Promise((resolve) => setTimeout(resolve, task.restMs)) : setImmediate();

const writer = BusWriter.open({
  busDir: join(task.dir, '_bus'),
  runDir: join(task.dir, 'run'),
  chain: createChain(),
  segmentBytes,
  backlog,
});
const write = (type: string, data: object): void => {
  const atMs = Date.now();
  const id = createEventId(atMs);
  const ts = new Date(atMs).toISOString();
  writer.write({ ts, type, entity, id, metaJson: '{"v":1}', dataJson: JSON.stringify(data) });
  writeSync(acks, `${id} ${type}\n`);
};

for (let n = 0; n < task.lineCount && !stop.signal.aborted; n += 1) {
  write(n % 2 === 0 ? 'note' : 'tool_call', { n, text: body.slice(0, (n * 977) % (task.maxBodyBytes + 1)) });
  if (n === 0) process.stdout.write('writing\n');
  if (n % 10 === 9) await rest();
}
write('session_end_summary', { alpha_head: null, heads: writer.heads() });
writer[Symbol.dispose]();
process.stdin.destroy();
