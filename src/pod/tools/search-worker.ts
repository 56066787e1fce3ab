/**
 * Owns the reading and matching of `search`, in a thread of its own: a regular expression cannot be interrupted, a thread
 * can. Imports nothing of nika, so that the thread starts fast.
 */
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';

export interface SearchWork {
  /** Absolute. */
  readonly dir: string;
  /** Relative to `dir`, NUL between them: one text crosses to the thread faster than 100,000. */
  readonly names: string;
  /** The place to begin at. */
  readonly from: number;
  readonly pattern: string;
  readonly flags: string;
  /** Lines before and after each match. */
  readonly context: number;
  readonly limit: number;
  /** Shared with the one who waits: what {@link PROGRESS} names. */
  readonly progress: Int32Array;
}

/** Places in {@link SearchWork.progress}: the file being worked at (-1: none), and counts of files. */
export const PROGRESS = { at: 0, searched: 1, binary: 2, tooLarge: 3, unreadable: 4, size: 5 } as const;

/** A type, not an interface: it is sent as JSON. `line` and `column` (UTF-16) count from 1. */
export type LineMatch = {
  readonly line: number;
  readonly column: number;
  /** The line, or 300 characters of it around the match. */
  readonly text: string;
  readonly before?: readonly string[];
  readonly after?: readonly string[];
};

export type SearchMessage =
  | { readonly kind: 'found'; readonly at: number; readonly matches: readonly LineMatch[] }
  | { readonly kind: 'done' };

const MAX_FILE_BYTES = 2 * 1024 * 1024;
const BINARY_PROBE_BYTES = 8_000;
const MAX_TEXT_CHARS = 300;
const LEAD_CHARS = 100;

const buffer = Buffer.allocUnsafe(MAX_FILE_BYTES + 1);

type Content =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'binary' | 'tooLarge' | 'unreadable' };

/** Fills the buffer from `from` up to `to`, or to the end of the file; says where it came to. */
const fill = (fd: number, from: number, to: number): number => {
  let at = from;
  while (at < to) {
    const count = readSync(fd, buffer, at, to - at, null);
    if (count === 0) break;
    at += count;
  }
  return at;
};

const readWhole = (path: string): Content => {
  if (!statSync(path).isFile()) return { kind: 'unreadable' };
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (fstatSync(fd).size > MAX_FILE_BYTES) return { kind: 'tooLarge' };
    const probed = fill(fd, 0, BINARY_PROBE_BYTES);
    if (buffer.subarray(0, probed).includes(0)) return { kind: 'binary' };
    const total = probed < BINARY_PROBE_BYTES ? probed : fill(fd, probed, buffer.length);
    if (total > MAX_FILE_BYTES) return { kind: 'tooLarge' }; // it grows, or its size is not told
    return { kind: 'text', text: buffer.toString('utf8', 0, total) };
  } finally {
    closeSync(fd);
  }
};

const readText = (path: string): Content => {
  try {
    return readWhole(path);
  } catch {
    return { kind: 'unreadable' }; // gone since it was listed, or not ours to read: counted
  }
};

/** At most 300 characters of a line, the character at `at` among them. */
const excerpt = (line: string, at: number): string => {
  if (line.length <= MAX_TEXT_CHARS) return line;
  const start = Math.max(0, Math.min(at - LEAD_CHARS, line.length - MAX_TEXT_CHARS));
  return line.slice(start, start + MAX_TEXT_CHARS).toWellFormed();
};

const matchesOf = (text: string, regex: RegExp, context: number, limit: number): readonly LineMatch[] => {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  const around = (from: number, to: number): readonly string[] =>
    lines.slice(Math.max(0, from), to).map((line) => excerpt(line, 0));
  const matches: LineMatch[] = [];
  for (const [index, line] of lines.entries()) {
    const match = regex.exec(line);
    if (match === null) continue;
    const found = { line: index + 1, column: match.index + 1, text: excerpt(line, match.index) };
    const near = { before: around(index - context, index), after: around(index + 1, index + 1 + context) };
    matches.push(context > 0 ? { ...found, ...near } : found);
    if (matches.length >= limit) break;
  }
  return matches;
};

const search = (work: SearchWork, tell: (message: SearchMessage) => void): void => {
  const { dir, progress, context } = work;
  const regex = new RegExp(work.pattern, work.flags);
  let room = work.limit;
  for (const [at, name] of work.names.split('\0').entries()) {
    if (at < work.from) continue;
    if (room === 0) break;
    Atomics.store(progress, PROGRESS.at, at);
    const content = readText(join(dir, name));
    if (content.kind !== 'text') {
      Atomics.add(progress, PROGRESS[content.kind], 1);
      continue;
    }
    const matches = matchesOf(content.text, regex, context, room);
    Atomics.add(progress, PROGRESS.searched, 1);
    room -= matches.length;
    if (matches.length > 0) tell({ kind: 'found', at, matches });
  }
  Atomics.store(progress, PROGRESS.at, -1);
  tell({ kind: 'done' });
};

if (parentPort !== null) {
  const port = parentPort;
  search(workerData as SearchWork, (message) => port.postMessage(message));
}
