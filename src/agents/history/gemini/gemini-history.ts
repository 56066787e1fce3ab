/** Owns where Gemini CLI keeps its sessions, and which chat files make up one: its own, and those of its subagents. */
import { setImmediate } from 'node:timers/promises';
import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { errorMessage } from '../../../model/error.ts';
import { isFields, joinedText, fieldsIn, timeOf } from '../fields.ts';
import { type Fields, fieldsOf, wordOf } from '../../read-fields.ts';
import { filesUnder, sizeOf, tryStat } from '../history-files.ts';
import { firstLines, MAX_LINE_BYTES } from '../json-lines.ts';
import { readThreads, type ThreadFile } from '../threads.ts';
import type { HistoryForm, HistorySession, ReadOptions, SessionHead, Told } from '../told.ts';
import { GeminiReader } from './gemini-reader.ts';

/** `.json`: one document, of versions of before 2026; `.jsonl`: a line for each change. */
const CHAT = /\.jsonl?$/;
const CHATS = 'chats';
const HEAD_LINES = 40;

const timeOfRecord = (record: Fields): number | undefined =>
  timeOf(record['timestamp']) ?? timeOf(record['startTime']) ?? timeOf(fieldsOf(record['$set'])['lastUpdated']);

/** The folder that the project's chats stand in knows which project it is, from some version on. */
const projectOf = (path: string): string | undefined => {
  for (let dir = dirname(path); dirname(dir) !== dir; dir = dirname(dir)) {
    if (basename(dir) !== CHATS) continue;
    try {
      return wordOf(readFileSync(join(dirname(dir), '.project_root'), 'utf8').trim());
    } catch {
      return undefined;
    }
  }
  return undefined;
};

const readDocument = (path: string): Fields => {
  if (statSync(path).size > MAX_LINE_BYTES) throw new Error(`it has more than ${MAX_LINE_BYTES / 1024 / 1024} MiB`);
  const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
  if (!isFields(value)) throw new Error('it is no JSON object');
  return value;
};

const tryDocument = (path: string): Fields => {
  try {
    return readDocument(path);
  } catch {
    return {}; // whoever reads it is told
  }
};

function* recordsOf(path: string): Generator<Fields> {
  if (path.endsWith('.jsonl')) yield* firstLines(path, HEAD_LINES);
  else yield tryDocument(path);
}

const titleIn = (message: Fields): string | undefined => {
  const text = message['type'] === 'user' ? joinedText(message['content'])?.trim() : undefined;
  return text === undefined || text.startsWith('<session_context>') ? undefined : wordOf(text);
};

const headOf = (path: string): SessionHead | undefined => {
  let startedAtMs: number | undefined;
  let model: string | undefined;
  let title: string | undefined;
  for (const record of recordsOf(path)) {
    startedAtMs ??= timeOfRecord(record);
    for (const message of [record, ...fieldsIn(record['messages'])]) {
      title ??= titleIn(message);
      model ??= message['type'] === 'gemini' ? wordOf(message['model']) : undefined;
    }
    if (model !== undefined && title !== undefined) break;
  }
  if (startedAtMs === undefined) return undefined;
  return { startedAtMs, cwd: projectOf(path), version: undefined, model, title, kin: undefined };
};

async function* readOne(path: string, options: ReadOptions): AsyncGenerator<Told> {
  const reader = new GeminiReader(options.isOpen);
  try {
    const record = readDocument(path);
    options.onBytes(tryStat(path)?.size ?? 0);
    await setImmediate();
    yield* reader.line({ record, atMs: timeOfRecord(record) ?? 0, sub: undefined });
  } catch (thrown) {
    options.onUnreadable({ file: path, line: 0, why: errorMessage(thrown) });
  }
  yield* reader.close();
}

const sessionOf = (id: string, path: string, subPaths: readonly string[]): HistorySession => {
  const subs = subPaths.map((subPath): ThreadFile => ({ path: subPath, sub: basename(subPath).replace(CHAT, '') }));
  const files: readonly ThreadFile[] = [{ path, sub: undefined }, ...subs];
  return {
    agent: 'gemini',
    id,
    place: path,
    ...sizeOf(files.map((file) => file.path)),
    head: () => headOf(path),
    read: (options) =>
      path.endsWith('.jsonl')
        ? readThreads(files, new GeminiReader(options.isOpen), { ...options, timeOf: timeOfRecord })
        : readOne(path, options),
  };
};

const idIn = (path: string): string | undefined => {
  for (const record of recordsOf(path)) {
    const id = wordOf(record['sessionId']);
    if (id !== undefined) return id;
  }
  return undefined;
};

const find = (place: string, onUnreadable: ReadOptions['onUnreadable']): readonly HistorySession[] => {
  const chats = filesUnder(place, onUnreadable).filter(
    (path) => CHAT.test(path) && (path === place || dirname(path).split('/').includes(CHATS)),
  );
  const mains: string[] = [];
  const subs = new Map<string, string[]>();
  for (const path of chats) {
    const folder = basename(dirname(path));
    const isDouble = path.endsWith('.json') && chats.includes(`${path}l`); // it was written anew in the newer form
    if (isDouble) continue;
    if (folder === CHATS || path === place) mains.push(path);
    else subs.set(folder, [...(subs.get(folder) ?? []), path]);
  }
  return mains.flatMap((path) => {
    const id = idIn(path);
    return id === undefined ? [] : [sessionOf(id, path, subs.get(id) ?? [])];
  });
};

export const geminiHistory: HistoryForm = {
  kind: 'gemini',
  label: 'gemini',
  name: 'Gemini CLI',
  places: (env) => [join(env['GEMINI_CLI_HOME'] ?? env['HOME'] ?? homedir(), '.gemini', 'tmp')],
  find,
};
