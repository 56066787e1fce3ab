/**
 * Runs a module in a process of its own: what it is to do comes on standard input, what it does goes over the pipe 3 to
 * its supervisor.
 */
import { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { errorMessage, NikaError } from '../../model/error.ts';
import { plainResult } from '../api/plain-result.ts';
import { createPodApi, type PodApi, type PodPort } from '../api/pod-api.ts';
import { connect, type PodClient } from '../client/client.ts';
import type { RequestOf } from '../socket/protocol.ts';
import { BROKEN_CHANNEL, BROKEN_CHANNEL_EXIT, CHANNEL_FD } from './module-channel.ts';
import { Outbox } from './outbox.ts';

export interface ModuleTask {
  /** Absolute. */
  readonly file: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly id: string;
  readonly session: string;
}

/** Its supervisor is gone: what `run` does about its signal may take so long. */
const ORPHAN_MS = 10_000;
const ALIVE_MS = 60_000;
/** A supervisor that answers nothing for so long is as good as gone; one that is only slow is waited for. */
const DEADLINE_MS = 2 ** 31 - 1;
const BUSY_MS = 50;
const WORD_MS = 50;
const ERROR_MAX_CHARS = 64 * 1024;

/** Frames of this program and of Node tell the author of a module nothing. */
const isForeignFrame = (line: string): boolean =>
  /^\s+at /.test(line) && (line.includes(import.meta.url) || /[( ]node:/.test(line));

const stackOf = (thrown: unknown): string => {
  if (!(thrown instanceof Error)) return `it threw ${String(thrown)}`;
  const lines = (thrown.stack ?? thrown.message).split('\n');
  return lines.filter((line) => !isForeignFrame(line)).join('\n');
};

/** It cannot be told how the run ended: the exit code says so, and the last line of standard error. */
const giveUp = (why: unknown): never => {
  process.stderr.write(`nika: ${BROKEN_CHANNEL} (${errorMessage(why)})\n`);
  process.exit(BROKEN_CHANNEL_EXIT);
};

interface Ways {
  readonly client: PodClient;
  readonly outbox: Outbox;
  readonly signal: AbortSignal;
}

const portOver = ({ client, outbox, signal }: Ways, { id, session }: ModuleTask): PodPort => ({
  id,
  session,
  signal,
  pods: client.pods,
  call: async ({ tool, input, task }, run) => {
    await outbox.sent(); // what was said before is told before
    return client.tool({ tool, task }, input, run);
  },
  usage: (usage) => outbox.usage(usage),
  note: (text, level) => outbox.note(text, level),
  startTask: async (name) => {
    await outbox.sent();
    await client.startTask(name);
  },
  endTask: async (task, outcome, summary) => {
    await outbox.sent();
    await client.endTask({ task, outcome, ...(summary === undefined ? {} : { summary }) });
  },
  result: (value) => outbox.result(value),
  onMessage: (listener) => {
    const ended = new AbortController();
    const listen = async (): Promise<void> => {
      for await (const message of client.messages(ended.signal)) {
        // What the listener throws is its author's affair, as in any callback: the module crashes.
        process.nextTick(listener, message);
      }
    };
    listen().then(
      () => undefined,
      () => undefined, // the channel broke: the signal tells it
    );
    return () => ended.abort();
  },
  askMemory: (op, wish, abort) => client.askMemory(op, wish, abort),
});

/** Says how the run ended, after all that was said before; gives up where that cannot be said. */
const tellEnd = async ({ client, outbox }: Ways, end: RequestOf<'run_end'>): Promise<void> => {
  await outbox.settled();
  const untold = outbox.untold();
  for (;;) {
    try {
      await client.runEnd({ ...end, untold });
      return;
    } catch (thrown) {
      if (!(thrown instanceof NikaError) || thrown.code !== 'NIKA_POD_BUSY') giveUp(thrown);
    }
    await delay(BUSY_MS); // calls without number wait for their answers
  }
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
  const channel = new Socket({ fd: CHANNEL_FD });
  channel.once('close', () => setTimeout(() => giveUp('it was closed'), ORPHAN_MS).unref());
  const client = await connect({ stream: channel, client: 'module', deadlineMs: DEADLINE_MS });
  const alive = setInterval(() => undefined, ALIVE_MS); // a run that waits for a message or a signal is not over
  const stopped = await client.listen();
  stopped.addEventListener('abort', () => stop.abort(stopped.reason));
  // It comes with the pod's word why, which may be a moment later; or from somebody else.
  process.on('SIGTERM', () => setTimeout(() => stop.abort(new Error('the pod is stopped')), WORD_MS));
  const ways: Ways = { client, outbox: new Outbox(client), signal: stop.signal };
  const fail = async (thrown: unknown): Promise<void> => {
    await tellEnd(ways, { ok: false, error: stackOf(thrown).slice(0, ERROR_MAX_CHARS) });
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
    const value = plainResult(await run(createPodApi(portOver(ways, task)), task.inputs));
    await tellEnd(ways, { ok: true, value });
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
