/** A program inside a pod: does what its argument names over the socket of NIKA_SOCKET, and prints one JSON at its end. */
import { createConnection } from 'node:net';
import { once } from 'node:events';
import { encodeFrame } from '../../src/pod/socket/frames.ts';
import { parseEntityId } from '../../src/model/id.ts';
import { connect } from '../../src/pod/client/client.ts';

const FLOOD_FRAMES = 100_000;
const ROUND_TRIPS_MS = 4000;

const print = (value: unknown): void => {
  process.stdout.write(`${JSON.stringify(value)}\n`);
};

/** Asks by everything that the protocol has. */
const everyOp = async (): Promise<unknown> => {
  await using pod = await connect({ client: 'every-op' });
  await pod.listen();
  await pod.report({ tool: 'lint', input: null, ok: false, error: 'no' });
  await pod.tool('add', [1, 2], ([a = 0, b = 0]) => a + b);
  await pod.usage({ model: 'm', input_tokens: 3, cost_usd: 0.5 });
  await pod.note({ text: 'hello', level: 'warn' });
  await pod.task('t', () => undefined);
  await pod.startTask('kept');
  await pod.endTask({ task: 'kept', outcome: 'cancelled' });
  await pod.result({ done: true });
  await pod.memory.put('a', 'text');
  await pod.memory.get('a');
  await pod.memory.list();
  await pod.memory.delete('a');
  await pod.contract.put({ steps: [{ name: 's', role: 'r' }] });
  await pod.contract.get();
  await pod.contract.step('s').start();
  const states = [await pod.pause(), await pod.unpause()];
  const call = await pod.answer({ allow: true });
  const listeners = await pod.send('to myself');
  const { value: message } = await pod.messages().next();
  const { via } = await pod.pods.send('JOB-b', 'plan', 1);
  const asked = await pod.pods.request('JOB-b', 'count', 1, { deadline: '1s' });
  for await (const signal of pod.pods.signals()) {
    await signal.reply(2);
    break;
  }
  const signal = { id: 's', kind: 'signal', name: 'x', body: 1, to: parseEntityId('JOB-a'), ts: '' } as const;
  await pod.deliver(signal, false);
  await pod.stop({ grace_ms: 10 });
  await pod.kill({ reason: 'done' });
  return { states, call, listeners, via, asked, message: message?.text, entity: (await pod.facts()).entity };
};

/** Connected, and with nothing more to do: ends by itself. */
const idle = async (): Promise<unknown> => {
  const pod = await connect();
  await pod.listen();
  return { session: pod.session };
};

/** As many frames as fast as they can be sent; answers are not waited for. */
const flood = async (): Promise<unknown> => {
  const socket = createConnection(process.env['NIKA_SOCKET'] ?? '');
  await once(socket, 'connect');
  socket.resume();
  socket.write(encodeFrame({ id: 1, op: 'hello', v: 1 }));
  const batch = Buffer.concat(Array.from({ length: 1000 }, () => encodeFrame({ id: 2, op: 'note', text: 'flood' })));
  for (let sent = 0; sent < FLOOD_FRAMES; sent += 1000) if (!socket.write(batch)) await once(socket, 'drain');
  socket.end();
  await once(socket, 'close');
  return { sent: FLOOD_FRAMES };
};

const roundTrips = async (): Promise<unknown> => {
  await using pod = await connect();
  const samples: number[] = [];
  print('tripping');
  const untilMs = performance.now() + ROUND_TRIPS_MS;
  while (performance.now() < untilMs) {
    const atMs = performance.now();
    await pod.note('trip');
    samples.push(performance.now() - atMs);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  samples.sort((a, b) => a - b);
  return { count: samples.length, p99: samples[Math.floor(samples.length * 0.99)], max: samples.at(-1) };
};

/** Is within a call until it is killed, or the pod goes. */
const inCall = async (): Promise<unknown> => {
  await using pod = await connect({ deadlineMs: 1000 });
  const asked = pod.tool('never', 0, () => 1);
  print('asked');
  return asked.catch((thrown: unknown) => ({ code: (thrown as { code?: string }).code }));
};

/** Its deadline is shorter than the answer takes. */
const slow = async (): Promise<unknown> => {
  await using pod = await connect({ deadlineMs: 1300 });
  return { value: await pod.tool('slow', 0, () => 'made') };
};

const scenarios: Readonly<Record<string, () => Promise<unknown>>> = {
  'every-op': everyOp,
  idle,
  flood,
  'round-trips': roundTrips,
  'in-call': inCall,
  slow,
};
const name = process.argv[2] ?? '';
print(await scenarios[name]?.());
