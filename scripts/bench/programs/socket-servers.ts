/**
 * The servers of the socket's bench, in a process of their own: a pod's socket whose door records each call on a real
 * bus, one whose door only answers, and a bare echo of length-prefixed frames. Its argument is the folder for all of
 * them; ends with its standard input.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createChain } from '../../../src/bus/chain.ts';
import { BusWriter } from '../../../src/bus/writer.ts';
import { parseEntityId } from '../../../src/model/id.ts';
import { SocketFaults } from '../../../src/pod/socket/faults.ts';
import { openPodSocket } from '../../../src/pod/socket/pod-socket.ts';
import type { Answers, PodDoor, RequestOf } from '../../../src/pod/socket/protocol.ts';
import { createBodyEncoder } from '../../../src/recorder/body.ts';
import { Recorder } from '../../../src/recorder/recorder.ts';
import { metaOf } from '../generated-bus.ts';

const dir = process.argv[2] ?? '';
const busDir = join(dir, '_bus');
const backlog = { maxCount: 10_000, maxBytes: 16e6 };
const bus = BusWriter.open({ busDir, runDir: join(dir, 'run'), chain: createChain(), segmentBytes: 1e9, backlog });
const encoder = createBodyEncoder({ maxBodyBytes: 1024 ** 2, patterns: [] });
const recorder = new Recorder({ bus, encoder, mayKeepBlobs: () => true });
const entity = parseEntityId('JOB-20261120-k3f9xq2m');
const scope = { entity, metaJson: metaOf(entity) };
const session = crypto.randomUUID();
let calls = 0;

const facts: PodDoor['facts'] = () => ({
  session,
  entity,
  job: 'bench',
  status: 'running',
  attempt: 1,
  pid: process.pid,
  home: dir,
  started_at: new Date().toISOString(),
  calls,
  errors: 0,
  tokens: 0,
  cost_usd: 0,
  tree: 'process table',
});

const record = ({ tool, input, response, duration_ms = 0 }: RequestOf<'tool_call'>): void => {
  calls += 1;
  const event = { session_id: session, cwd: dir, tool_name: tool, tool_input: input, tool_use_id: `call_${calls}` };
  recorder.recordToolCall(
    scope,
    { ...event, hook_event_name: 'PostToolUse', tool_response: response, duration_ms },
    { source: 'reported' },
  );
};

const createDoor = (take: (call: RequestOf<'tool_call'>) => void): PodDoor => ({
  handle: (op, request) => {
    if (op === 'tool_call') take(request as RequestOf<'tool_call'>);
    return {} as Answers[typeof op];
  },
  facts,
  closed: () => undefined,
});

const echo = createServer((peer) => {
  let held: Buffer = Buffer.alloc(0);
  peer.on('data', (chunk: Buffer) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    while (held.length >= 4 && held.length >= 4 + held.readUInt32BE(0)) {
      const size = 4 + held.readUInt32BE(0);
      peer.write(held.subarray(0, size));
      held = held.subarray(size);
    }
  });
});
echo.listen(join(dir, 'echo.sock'));
const faults = new SocketFaults();
const sockets = [
  await openPodSocket({ path: join(dir, 'pod.sock'), door: createDoor(record), faults }),
  await openPodSocket({ path: join(dir, 'bare.sock'), door: createDoor(() => undefined), faults }),
];
process.stdout.write('listening\n');

process.stdin.resume();
await once(process.stdin, 'end');
for (const socket of sockets) await socket[Symbol.asyncDispose]();
bus[Symbol.dispose]();
echo.close();
