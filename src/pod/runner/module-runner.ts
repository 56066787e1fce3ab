/**
 * Owns the run of a module: a file that exports `run(pod, inputs)`, in a process of its own. Whatever its code does, an
 * endless loop, a crash, `process.exit()`, is told by the supervisor and does not take the record with it.
 */
import { existsSync } from 'node:fs';
import type { ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { renderTemplates } from '../../config/expression/template.ts';
import { errorMessage } from '../../model/error.ts';
import { serveOwn } from '../socket/connection.ts';
import { CappedOutput } from '../../failopen/capped-output.ts';
import { BROKEN_CHANNEL, BROKEN_CHANNEL_EXIT } from './module-channel.ts';
import type { ModuleTask } from './module-worker.ts';
import { readOutput } from './read-output.ts';
import type { Runner, RunnerOutcome } from './runner.ts';

const workerFile = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './module-worker.ts' : './module-worker.js', import.meta.url),
);

/** After `run` returned, what keeps its process alive (a timer, a server) gets so long. */
const EXIT_GRACE_MS = 500;
const KEPT_STDERR_BYTES = 16 * 1024;
const ERROR_LINES = 20;
/** A program that Node itself ended because its heap was full. */
const OUT_OF_MEMORY = /JavaScript heap out of memory/;

interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly thrown?: unknown;
}

const untilExit = (child: ChildProcess): Promise<Exit> => {
  const { promise, resolve: settle } = Promise.withResolvers<Exit>();
  child.once('error', (thrown) => settle({ code: null, signal: null, thrown }));
  child.once('close', (code, signal) => settle({ code, signal }));
  child.once('exit', (code, signal) => {
    setTimeout(() => settle({ code, signal }), EXIT_GRACE_MS); // somebody else holds its pipes
  });
  return promise;
};

/** Its process ends by itself when its channel breaks, unless it is busy; then it is ended. */
const BROKEN_GRACE_MS = 15_000;

const lastLines = (text: string): string => text.trim().split('\n').slice(-ERROR_LINES).join('\n');

const withoutWord = ({ code, signal, thrown }: Exit, stderr: string): RunnerOutcome => {
  if (thrown !== undefined)
    return { kind: 'failed', error: `its process could not be started: ${errorMessage(thrown)}` };
  if (OUT_OF_MEMORY.test(stderr))
    return { kind: 'failed', error: 'the module ran out of memory (heap of its process)' };
  if (code === BROKEN_CHANNEL_EXIT) return { kind: 'failed', error: BROKEN_CHANNEL };
  const how = signal === null ? `exited with code ${code}` : `was killed by ${signal}`;
  const said = lastLines(stderr);
  const error = `the module's process ${how} before run() was done`;
  return { kind: 'failed', error: said === '' ? error : `${error}\n${said}` };
};

export const runModuleJob: Runner = async (context): Promise<RunnerOutcome> => {
  const { job, scope, tree, cwd, env, stop, door, faults, control, graceMs } = context;
  const file = resolve(scope.job.dir, String(renderTemplates(job.module, scope)));
  if (!existsSync(file)) return { kind: 'failed', error: `there is no module ${file}` };
  const program = { file: process.execPath, args: [workerFile], cwd, env };
  const child = tree.spawn(program, { detached: true, stdio: ['pipe', 'pipe', 'pipe', 'pipe'] });
  const exit = untilExit(child);
  const stderr = new CappedOutput(KEPT_STDERR_BYTES);
  readOutput(child, '', context, (stream, chunk) => {
    if (stream === 'stderr') stderr.push(chunk);
  });
  const channel = serveOwn(child.stdio[3] as Duplex, { door, faults, isHeld: () => control.status === 'paused' });
  await using _channel = { [Symbol.asyncDispose]: async () => channel.end() };
  const task: ModuleTask = { file, inputs: scope.inputs, id: scope.job.id, session: env['NIKA_SESSION_ID'] ?? '' };
  child.stdin?.on('error', () => undefined); // it ended before it read what it is to do
  child.stdin?.end(JSON.stringify(task));
  const aborted = Promise.withResolvers<'aborted'>();
  const onAbort = (): void => aborted.resolve('aborted');
  if (stop.signal.aborted) onAbort();
  else stop.signal.addEventListener('abort', onAbort, { once: true });
  const broken = channel.closed.then(() => delay(BROKEN_GRACE_MS, 'broken' as const, { ref: false }));
  const first = await Promise.race([control.runEnd, exit, aborted.promise, broken]);
  stop.signal.removeEventListener('abort', onAbort);
  if (first === 'aborted') {
    await tree.end({ graceMs: graceMs() });
    return { kind: 'cancelled' };
  }
  if (first === 'broken') {
    await tree.end({ graceMs: graceMs() });
    return { kind: 'failed', error: BROKEN_CHANNEL };
  }
  if ('ok' in first) {
    await Promise.race([exit, delay(EXIT_GRACE_MS, undefined, { ref: false })]);
    return first.ok ? { kind: 'completed', result: first.value } : { kind: 'failed', error: first.error };
  }
  return withoutWord(first, stderr.read().text);
};
