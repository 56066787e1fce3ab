/**
 * The round trip of a reported tool call over a pod's socket, by the public client, until it is on the bus and answered;
 * beside a bare echo of frames of the same length in the same run. All servers in one other process, rounds interleaved.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type PodClient } from '../../src/pod/client/client.ts';
import { fixed, machine, median, type Percentiles, percentiles, row } from './figures.ts';

const CALLS = 4000;
const ROUNDS = 15;

/** Input and response are 300 bytes of JSON together. */
const call = {
  tool: 'shell',
  input: { command: 'git log --numstat --since=1.year -- src/bus', description: 'Show what changed most' },
  response: { stdout: '12\t3\tsrc/bus/writer.ts\n'.repeat(6).trim(), stderr: '', exit_code: 0, interrupted: false },
  ok: true,
  duration_ms: 12.5,
} as const;

type RoundTrip = () => Promise<unknown>;

const overPod =
  (pod: PodClient): RoundTrip =>
  () =>
    pod.report(call);

/** The least that a client can do: one frame out, as many bytes back. */
const overEcho = (socket: Socket): RoundTrip => {
  const body = Buffer.from(JSON.stringify({ id: 1, op: 'tool_call', ...call }));
  const frame = Buffer.alloc(4 + body.length);
  frame.writeUInt32BE(body.length);
  body.copy(frame, 4);
  let missing = 0;
  let done: () => void = () => undefined;
  socket.on('data', (chunk: Buffer) => {
    missing -= chunk.length;
    if (missing === 0) done();
  });
  return () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    done = resolve;
    missing = frame.length;
    socket.write(frame);
    return promise;
  };
};

const round = async (trip: RoundTrip): Promise<Float64Array> => {
  const samples = new Float64Array(CALLS);
  for (let n = 0; n < CALLS; n += 1) {
    const atUs = performance.now() * 1000;
    await trip();
    samples[n] = performance.now() * 1000 - atUs;
  }
  return samples;
};

const NAMES = {
  recorded: 'a tool call reported, recorded and answered',
  answered: 'the same, with a pod that only answers',
  echo: 'a bare echo of the same bytes',
} as const;
type Kind = keyof typeof NAMES;
const KINDS = Object.keys(NAMES) as readonly Kind[];

const measure = async (trips: Readonly<Record<Kind, RoundTrip>>): Promise<void> => {
  for (const kind of KINDS) for (let warm = 0; warm < 3; warm += 1) await round(trips[kind]);
  const rounds: Record<Kind, Percentiles>[] = [];
  for (let n = 0; n < ROUNDS; n += 1) {
    const one: Partial<Record<Kind, Percentiles>> = {};
    for (const kind of KINDS) one[kind] = percentiles(await round(trips[kind]));
    rounds.push(one as Record<Kind, Percentiles>);
  }
  console.log(`${machine()}; ${ROUNDS} rounds of ${CALLS} round trips, medians`);
  row('', ['p50 µs', 'p99 µs', 'max µs', 'p50 / echo']);
  row('---', ['---', '---', '---', '---']);
  for (const kind of KINDS) {
    const cells = (['p50', 'p99', 'max'] as const).map((key) => fixed(median(rounds.map((one) => one[kind][key]))));
    row(NAMES[kind], [...cells, fixed(median(rounds.map((one) => one[kind].p50 / one.echo.p50)), 2)]);
  }
};

const dir = mkdtempSync(join(tmpdir(), 'nika-bench-'));
const servers = spawn(process.execPath, [join(import.meta.dirname, 'programs/socket-servers.ts'), dir], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
const ended = once(servers, 'exit');
try {
  await once(servers.stdout, 'data');
  const socket = createConnection(join(dir, 'echo.sock'));
  await once(socket, 'connect');
  await using recorded = await connect({ path: join(dir, 'pod.sock') });
  await using answered = await connect({ path: join(dir, 'bare.sock') });
  await measure({ recorded: overPod(recorded), answered: overPod(answered), echo: overEcho(socket) });
  socket.destroy();
} finally {
  servers.stdin.end();
  await ended;
  rmSync(dir, { recursive: true });
}
