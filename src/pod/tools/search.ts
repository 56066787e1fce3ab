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
import { type SearchInput, searchInputSchema } from '../../config/tool-inputs.ts';
import { errorMessage } from '../../model/error.ts';
import { findFiles, type Found } from './find-files.ts';
import { type LineMatch, PROGRESS, type SearchMessage, type SearchWork } from './search-worker.ts';
import { interrupted, type JsonObject, oneLine, type Tool, type ToolContext, type ToolResult } from './tool.ts';

const DEFAULT_LIMIT = 1_000;
const FILE_DEADLINE_MS = 2_000;
const LOOK_EVERY_MS = 200;
const MAX_SLOW_FILES = 3;

export type SearchMatch = LineMatch & { readonly path: string };

type ThreadEnd =
  | { readonly kind: 'done'; readonly isLimited: boolean }
  | { readonly kind: 'stuck'; readonly at: number }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'crashed'; readonly why: string };

/** Source and package name the thread's file differently. */
const threadUrl = new URL(import.meta.url.endsWith('.ts') ? './search-worker.ts' : './search-worker.js', import.meta.url);

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

interface Searched {
  readonly matches: readonly SearchMatch[];
  readonly slow: readonly string[];
  readonly isLimited: boolean;
  readonly end: ThreadEnd;
}

interface Target {
  /** Absolute. */
  readonly dir: string;
  /** Relative to `dir`. */
  readonly names: readonly string[];
  /** A name as it is shown: what `read_file` would take. */
  readonly shown: (name: string) => string;
}

const searchAll = async (target: Target, input: SearchInput, signal: AbortSignal): Promise<Searched & { progress: Int32Array }> => {
  const { names, dir, shown } = target;
  const progress = new Int32Array(new SharedArrayBuffer(PROGRESS.size * Int32Array.BYTES_PER_ELEMENT));
  const flags = (input.flags ?? '').replace(/[gy]/g, '');
  const base = { files: names.map((name) => join(dir, name)), pattern: input.pattern, flags, context: input.context ?? 0, progress };
  const matches: SearchMatch[] = [];
  const slow: string[] = [];
  const onFound = (at: number, found: readonly LineMatch[]): void => {
    const path = shown(names[at] ?? '');
    for (const match of found) matches.push({ path, ...match });
  };
  let end: ThreadEnd = { kind: 'done', isLimited: false };
  for (let from = 0; from < names.length; ) {
    Atomics.store(progress, PROGRESS.at, -1);
    end = await runThread({ ...base, from, limit: (input.limit ?? DEFAULT_LIMIT) - matches.length }, onFound, signal);
    if (end.kind !== 'stuck') break;
    slow.push(shown(names[end.at] ?? ''));
    if (slow.length === MAX_SLOW_FILES) break;
    from = end.at + 1;
  }
  return { matches, slow, isLimited: end.kind === 'done' && end.isLimited, end, progress };
};
