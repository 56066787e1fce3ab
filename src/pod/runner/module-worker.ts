/**
 * Runs a module in a process of its own: what it is to do comes on standard input, what it does goes over the pipe 3 to
 * its supervisor.
 */
import { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { createPodApi, type PodApi, type PodPort } from '../api/pod-api.ts';
import { connect, type PodClient } from '../client/client.ts';

export interface ModuleTask {
  /** Absolute. */
  readonly file: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly id: string;
  readonly session: string;
}

const CHANNEL_FD = 3;
/** Its supervisor is gone: what `run` does about its signal may take so long. */
const ORPHAN_MS = 10_000;
const ALIVE_MS = 60_000;

/** Frames of this program and of Node tell the author of a module nothing. */
const isForeignFrame = (line: string): boolean =>
  /^\s+at /.test(line) && (line.includes(import.meta.url) || /[( ]node:/.test(line));

const stackOf = (thrown: unknown): string => {
  if (!(thrown instanceof Error)) return `it threw ${String(thrown)}`;
  const lines = (thrown.stack ?? thrown.message).split('\n');
  return lines.filter((line) => !isForeignFrame(line)).join('\n');
};

const portOver = (client: PodClient, { id, session }: ModuleTask, stop: AbortController): PodPort => {
  /** Nobody waits: what is said comes to the supervisor in order, and where that is gone this process is too, soon. */
  const later = (work: Promise<unknown>): void => {
    work.then(
      () => undefined,
      () => undefined,
    );
  };
  return {
    id,
    session,
    signal: stop.signal,
    call: ({ tool, input, task }, run) => client.tool({ tool, task }, input, run),
    note: (text, level) => later(client.note(level === undefined ? { text } : { text, level })),
    startTask: (name) => client.startTask(name),
    endTask: (task, outcome, summary) =>
      client.endTask({ task, outcome, ...(summary === undefined ? {} : { summary }) }),
    result: (value) => later(client.result(value)),
    onMessage: (listener) => {
      const ended = new AbortController();
      const listen = async (): Promise<void> => {
        for await (const message of client.messages(ended.signal)) listener(message);
      };
      later(listen());
      return () => ended.abort();
    },
  };
};

type Run = (pod: PodApi, inputs: Readonly<Record<string, unknown>>) => unknown;

const loadRun = async (file: string): Promise<Run> => {
  const loaded = (await import(pathToFileURL(file).href)) as { readonly run?: unknown; readonly default?: unknown };
  const { run } = loaded;
  if (typeof run === 'function') return run as Run;
  throw new TypeError(`${file} does not export a function run(pod, inputs)`);
};

const main = async (): Promise<void> => {
  const task = JSON.parse(await text(process.stdin)) as ModuleTask;
  const stop = new AbortController();
  const stopNow = (reason: string): void => stop.abort(new Error(reason));
  const channel = new Socket({ fd: CHANNEL_FD });
  channel.once('close', () => setTimeout(() => process.exit(1), ORPHAN_MS).unref());
  const client = await connect({ stream: channel, client: 'module' });
  const alive = setInterval(() => undefined, ALIVE_MS); // a run that waits for a message or a signal is not over
  const stopped = await client.listen();
  stopped.addEventListener('abort', () => stopNow('the pod is stopped'));
  process.on('SIGTERM', () => stopNow('the pod is stopped'));
  const fail = async (thrown: unknown): Promise<void> => {
    await client.runEnd({ ok: false, error: stackOf(thrown) });
    process.exitCode = 1;
  };
  process.on('uncaughtException', (thrown) => {
    fail(thrown).then(
      () => process.kill(process.pid, 'SIGKILL'),
      () => process.kill(process.pid, 'SIGKILL'),
    );
  });
  try {
    const run = await loadRun(task.file);
    const value: unknown = await run(createPodApi(portOver(client, task, stop)), task.inputs);
    await client.runEnd({ ok: true, value: value ?? null });
  } catch (thrown) {
    await fail(thrown);
  }
  clearInterval(alive);
};

/** What was printed is handed over before the end. */
const flushed = async (stream: NodeJS.WriteStream): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.write('', () => resolve());
  await promise;
};

await main();
await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
// Whatever the module left running (a timer, a server) does not hold the pod. Where this hangs (nodejs/node#54918) the
// supervisor ends it.
process.exit();
