/**
 * Owns one run of an agent's CLI in the tree of a pod: with the caller's terminal, or with its output read line by line.
 *
 * V1. A line is read whole or not at all; one that is too long is counted, and what follows is read.
 */
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as delay } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { CappedOutput } from '../failopen/capped-output.ts';
import { closePipes, feedStdin, type ProgramEnding, untilEnded } from '../failopen/program.ts';
import type { RunnerContext } from '../pod/runner/runner.ts';
import type { AgentExit, AgentStart } from './adapter.ts';

export type AgentEnding =
  | { readonly kind: 'exited'; readonly exit: AgentExit }
  | { readonly kind: 'not-started'; readonly thrown: unknown }
  /** The pod was stopped, and the agent with it. */
  | { readonly kind: 'stopped'; readonly exit: AgentExit };

/** What is kept of standard error, for the reason of a failure. */
const KEPT_STDERR_BYTES = 16 * 1024;
/** A tool's result of a megabyte, as JSON, and some (G6). */
const MAX_LINE_CHARS = 64 * 1024 * 1024;
const KILLED_WAIT_MS = 500;

/** Cuts what comes in pieces into lines. */
export class LineReader {
  readonly #decoder = new StringDecoder('utf8');
  readonly #take: (line: string) => void;
  #rest = '';
  #isTooLong = false;
  #skipped = 0;

  constructor(take: (line: string) => void) {
    this.#take = take;
  }

  /** Lines that were too long (V1). */
  get skipped(): number {
    return this.#skipped;
  }

  push(chunk: Buffer): void {
    const text = this.#rest + this.#decoder.write(chunk);
    const lines = text.split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
    if (this.#rest.length <= MAX_LINE_CHARS) return;
    this.#rest = '';
    this.#isTooLong = true;
  }

  end(): void {
    const rest = this.#rest + this.#decoder.end();
    this.#rest = '';
    if (rest !== '') this.#line(rest);
  }

  #line(line: string): void {
    if (this.#isTooLong) this.#skipped += 1;
    else if (line.trim() !== '') this.#take(line);
    this.#isTooLong = false;
  }
}

/** Says to hooks that are installed in the agent that its pod has hooks of its own, so that no call is told twice. */
export const HOOKED_AGENT = 'NIKA_HOOKED_AGENT';

const environmentOf = ({ env, job }: RunnerContext, start: AgentStart): Readonly<Record<string, string>> => {
  const merged: Record<string, string> = { ...env, ...start.env, [HOOKED_AGENT]: job.agent ?? '' };
  const hasProxy = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'].some(
    (name) => (merged[name] ?? '') !== '',
  );
  if (!hasProxy) return merged;
  // What an agent tells of its tool calls does not leave the machine.
  const without = [merged['NO_PROXY'] ?? merged['no_proxy'] ?? '', '127.0.0.1'].filter((part) => part !== '').join(',');
  return { ...merged, NO_PROXY: without, no_proxy: without };
};

const exitOf = (ending: ProgramEnding | undefined, stderr: CappedOutput): AgentExit => {
  const { code, signal } = ending?.kind === 'exited' ? ending : { code: null, signal: null };
  return { code, signal, stderr: stderr.read().text };
};

/**
 * `take` is given each line of its standard output where nika is the one who reads that; `undefined`: it is for a person,
 * on the terminal or as the pod's output.
 */
export const runAgentProcess = async (
  context: RunnerContext,
  start: AgentStart,
  take: ((line: string) => void) | undefined,
): Promise<AgentEnding> => {
  const { tree, stop, cwd, output, host, graceMs } = context;
  const passTerminal = context.passTerminal && take === undefined;
  const [file, ...args] = start.argv;
  const isOnTerminal = passTerminal && [0, 1, 2].some((fd) => isatty(fd));
  const stream = passTerminal ? 'inherit' : 'pipe';
  const stdin = start.stdin === undefined ? (passTerminal ? 'inherit' : 'ignore') : 'pipe';
  const program = { file, args, cwd, env: environmentOf(context, start) };
  const child = tree.spawn(program, { detached: !isOnTerminal, stdio: [stdin, stream, stream] });
  const ended = untilEnded(child);
  const stderr = new CappedOutput(KEPT_STDERR_BYTES);
  const lines = new LineReader(take ?? (() => undefined));
  const decoder = new StringDecoder('utf8');
  child.stdout?.on('data', (chunk: Buffer) => {
    output.push('stdout', chunk);
    if (take === undefined) host.tellProgramOutput('', 'stdout', decoder.write(chunk));
    else lines.push(chunk);
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    output.push('stderr', chunk);
    stderr.push(chunk);
  });
  for (const pipe of [child.stdout, child.stderr]) pipe?.on('error', () => undefined); // it ends like one that closes
  feedStdin(child, start.stdin);
  const aborted = Promise.withResolvers<undefined>();
  const onAbort = (): void => aborted.resolve(undefined);
  if (stop.signal.aborted) onAbort();
  else stop.signal.addEventListener('abort', onAbort, { once: true });
  let ending = await Promise.race([ended, aborted.promise]);
  stop.signal.removeEventListener('abort', onAbort);
  const isStopped = ending === undefined;
  if (isStopped) {
    await tree.end({ graceMs: graceMs() });
    ending = await Promise.race([ended, delay(KILLED_WAIT_MS, undefined, { ref: false })]);
  }
  closePipes(child);
  lines.end();
  if (lines.skipped > 0) context.session.countDrops(() => ({ agent_lines_too_long: lines.skipped }));
  if (ending?.kind === 'not-started') return { kind: 'not-started', thrown: ending.thrown };
  return { kind: isStopped ? 'stopped' : 'exited', exit: exitOf(ending, stderr) };
};
