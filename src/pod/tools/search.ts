/**
 * Owns the tool `search`: a regular expression over the lines of files, as grep does it.
 *
 * R1. No expression, however it backtracks, holds the pod: it runs in a thread that is ended on an abort, and at a file
 *     that takes longer than 2 s. That file is left out and named; the third one ends the call.
 * R2. What was not searched is counted by its reason (G3).
 */
import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type SearchInput, TOOL_INPUT_SCHEMAS } from '../../config/job/tool-inputs.ts';
import { errorMessage } from '../../model/error.ts';
import { findFiles, type Found } from './find-files.ts';
import { type LineMatch, PROGRESS, type SearchMessage, type SearchWork } from './search-worker.ts';
import { interrupted, type JsonObject, oneLine, type Tool, type ToolContext, type ToolResult } from './tool.ts';

const FILE_DEADLINE_MS = 2_000;
const LOOK_EVERY_MS = 200;
const MAX_SLOW_FILES = 3;

export type SearchMatch = LineMatch & { readonly path: string };

type ThreadEnd =
  | { readonly kind: 'done' }
  | { readonly kind: 'stuck'; readonly at: number }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'crashed'; readonly why: string };

/** Source and package name the thread's file differently. */
const threadUrl = new URL(
  import.meta.url.endsWith('.ts') ? './search-worker.ts' : './search-worker.js',
  import.meta.url,
);

/** Ends with `stuck` when the thread stays at one file for 2 s. */
const watch = (progress: Int32Array, onStuck: (at: number) => void): NodeJS.Timeout => {
  let at = -1;
  let sinceMs = performance.now();
  return setInterval(() => {
    const now = Atomics.load(progress, PROGRESS.at);
    if (now !== at) {
      at = now;
      sinceMs = performance.now();
    } else if (at >= 0 && performance.now() - sinceMs >= FILE_DEADLINE_MS) {
      onStuck(at);
    }
  }, LOOK_EVERY_MS);
};

const runThread = async (
  work: SearchWork,
  onFound: (at: number, matches: readonly LineMatch[]) => void,
  signal: AbortSignal,
): Promise<ThreadEnd> => {
  const { promise, resolve: settle } = Promise.withResolvers<ThreadEnd>();
  const thread = new Worker(threadUrl, { workerData: work, execArgv: [] });
  thread.on('message', (message: SearchMessage) => {
    if (message.kind === 'found') onFound(message.at, message.matches);
    else settle(message);
  });
  thread.on('error', (thrown) => settle({ kind: 'crashed', why: errorMessage(thrown) }));
  thread.on('exit', (code) => settle({ kind: 'crashed', why: `the thread ended with ${code}` }));
  const onAbort = (): void => settle({ kind: 'aborted' });
  signal.addEventListener('abort', onAbort, { once: true });
  const timer = watch(work.progress, (at) => settle({ kind: 'stuck', at }));
  const end = await promise;
  clearInterval(timer);
  signal.removeEventListener('abort', onAbort);
  await thread.terminate(); // R1
  return end;
};

interface Target {
  /** Absolute. */
  readonly dir: string;
  /** Relative to `dir`. */
  readonly names: readonly string[];
  /** A name as it is shown: what `read_file` would take. */
  readonly shown: (name: string) => string;
}

interface Searched {
  /** Up to one more than the limit: it tells that there are more. */
  readonly matches: readonly SearchMatch[];
  readonly slow: readonly string[];
  readonly progress: Int32Array;
  readonly end: ThreadEnd;
}

const searchAll = async ({ names, dir, shown }: Target, input: SearchInput, signal: AbortSignal): Promise<Searched> => {
  const progress = new Int32Array(new SharedArrayBuffer(PROGRESS.size * Int32Array.BYTES_PER_ELEMENT));
  const { pattern, flags, context, limit } = input;
  const base = { dir, names: names.join('\0'), pattern, flags, context, progress };
  const matches: SearchMatch[] = [];
  const slow: string[] = [];
  const onFound = (at: number, found: readonly LineMatch[]): void => {
    const path = shown(names[at] ?? '');
    for (const match of found) matches.push({ path, ...match });
  };
  let end: ThreadEnd = { kind: 'done' };
  for (let from = 0; from < names.length && slow.length < MAX_SLOW_FILES;) {
    Atomics.store(progress, PROGRESS.at, -1);
    end = await runThread({ ...base, from, limit: limit + 1 - matches.length }, onFound, signal);
    if (end.kind !== 'stuck') break;
    slow.push(shown(names[end.at] ?? '')); // R1
    from = end.at + 1;
  }
  return { matches, slow, progress, end };
};

const findTarget = async (input: SearchInput, context: ToolContext): Promise<Target | { readonly error: string }> => {
  const given = input.path ?? '.';
  const path = resolve(context.cwd, given);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return { error: `${path} does not exist` };
  if (found.isFile()) return { dir: dirname(path), names: [basename(path)], shown: () => given };
  const options = { cwd: path, globs: input.glob, ignore: input.ignore, dot: true };
  const files: Found = await findFiles(options, context.signal);
  if (files.kind === 'refused') return { error: files.error };
  return { dir: path, names: files.paths, shown: (name) => join(given, name) };
};

const toResult = ({ matches, slow, progress, end }: Searched, limit: number): ToolResult => {
  const count = (place: keyof typeof PROGRESS): number => progress[PROGRESS[place]] ?? 0;
  const shown = matches.slice(0, limit);
  const response: JsonObject = {
    matches: shown,
    truncated: matches.length > limit,
    files_searched: count('searched'),
    skipped: { binary: count('binary'), too_large: count('tooLarge'), unreadable: count('unreadable'), too_slow: slow }, // R2
  };
  if (end.kind === 'aborted') return interrupted(response);
  if (end.kind === 'crashed') return { ok: false, error: `the search ended: ${end.why}`, response };
  if (slow.length < MAX_SLOW_FILES) return { ok: true, response, output: shown };
  const error = `the pattern takes longer than ${FILE_DEADLINE_MS / 1000} s for each of ${slow.join(', ')}: make it simpler`;
  return { ok: false, error, response };
};

const run = async (input: SearchInput, context: ToolContext): Promise<ToolResult> => {
  if (context.signal.aborted) return interrupted();
  const target = await findTarget(input, context);
  if ('error' in target) return { ok: false, error: target.error };
  if (context.signal.aborted) return interrupted();
  return toResult(await searchAll(target, input, context.signal), input.limit);
};

export const searchTool: Tool<SearchInput> = {
  name: 'search',
  inputSchema: TOOL_INPUT_SCHEMAS.search,
  describe: (input) => oneLine(`/${input.pattern}/${input.flags} in ${input.path ?? input.glob.join(' ')}`),
  run,
};
