/** Owns the reading of opencode's sessions of before 2026, which are a file for each session, message and part. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { errnoOf, errorMessage } from '../../../model/error.ts';
import { isFields, timeOf } from '../fields.ts';
import { type Fields, fieldsOf, wordOf } from '../../read-fields.ts';
import { filesUnder, sizeOf } from '../history-files.ts';
import type { ReadOptions, Told } from '../told.ts';
import type { OpencodeRow } from './opencode-database.ts';
import { type OpencodePart, OpencodeReader, type OpencodeSub } from './opencode-reader.ts';

type Tell = ReadOptions['onUnreadable'];

const BREATH_FILES = 200;

const readJson = (path: string, onUnreadable: Tell): { readonly value: Fields; readonly bytes: number } | undefined => {
  try {
    const text = readFileSync(path, 'utf8');
    const value: unknown = JSON.parse(text);
    if (isFields(value)) return { value, bytes: text.length };
    onUnreadable({ file: path, line: 0, why: 'it is no JSON object' });
  } catch (thrown) {
    onUnreadable({ file: path, line: 0, why: errorMessage(thrown) });
  }
  return undefined;
};

const namesIn = (dir: string, onUnreadable: Tell): readonly string[] => {
  try {
    return readdirSync(dir).filter((name) => name.endsWith('.json'));
  } catch (thrown) {
    if (errnoOf(thrown) !== 'ENOENT') onUnreadable({ file: dir, line: 0, why: errorMessage(thrown) });
    return [];
  }
};

const messagesOf = (storage: string, session: string): string => join(storage, 'message', session);
const partsOf = (storage: string, message: string): string => join(storage, 'part', message);

/** All sessions in a folder `storage`. */
export const readSessionFiles = (storage: string, onUnreadable: Tell): readonly OpencodeRow[] =>
  filesUnder(join(storage, 'session'), onUnreadable).flatMap((path) => {
    const session = path.endsWith('.json') ? readJson(path, onUnreadable)?.value : undefined;
    if (session === undefined) return [];
    const id = wordOf(session['id']) ?? basename(path, '.json');
    const time = fieldsOf(session['time']);
    const messages = namesIn(messagesOf(storage, id), onUnreadable);
    const parts = messages.flatMap((name) => {
      const dir = partsOf(storage, name.replace(/\.json$/, ''));
      return namesIn(dir, onUnreadable).map((part) => join(dir, part));
    });
    const { bytes, changedAtMs } = sizeOf([path, ...parts]);
    return {
      id,
      parent: wordOf(session['parentID']),
      cwd: wordOf(session['directory']),
      title: wordOf(session['title']),
      version: wordOf(session['version']),
      agent: wordOf(session['agent']),
      startedAtMs: timeOf(time['created']) ?? changedAtMs,
      changedAtMs: Math.max(timeOf(time['updated']) ?? 0, changedAtMs),
      bytes,
    };
  });

interface Wanted {
  readonly storage: string;
  readonly session: string;
  readonly subs: readonly OpencodeSub[];
}

interface MessageFile {
  readonly id: string;
  readonly sessionId: string;
  readonly message: Fields;
  readonly createdAtMs: number;
}

const readMessages = (storage: string, sessionId: string, { onUnreadable }: ReadOptions): readonly MessageFile[] => {
  const dir = messagesOf(storage, sessionId);
  return namesIn(dir, onUnreadable).flatMap((name) => {
    const message = readJson(join(dir, name), onUnreadable)?.value;
    if (message === undefined) return [];
    const createdAtMs = timeOf(fieldsOf(message['time'])['created']) ?? 0;
    return { id: wordOf(message['id']) ?? name.replace(/\.json$/, ''), sessionId, message, createdAtMs };
  });
};

const readParts = (storage: string, file: MessageFile, options: ReadOptions): readonly OpencodePart[] => {
  const { id: messageId, sessionId, message, createdAtMs } = file;
  const dir = partsOf(storage, messageId);
  let atMs = createdAtMs;
  return namesIn(dir, options.onUnreadable)
    .toSorted() // ids rise with time
    .flatMap((name) => {
      const read = readJson(join(dir, name), options.onUnreadable);
      if (read === undefined) return [];
      const { value: part, bytes } = read;
      options.onBytes(bytes);
      const ended = timeOf(fieldsOf(fieldsOf(part['state'])['time'])['end']) ?? timeOf(fieldsOf(part['time'])['end']);
      atMs = message['role'] === 'user' ? createdAtMs : Math.max(atMs, ended ?? atMs);
      return { id: wordOf(part['id']) ?? name.replace(/\.json$/, ''), messageId, sessionId, atMs, part, message };
    });
};

/** Of one session and its subagents. */
export async function* readFiles({ storage, session, subs }: Wanted, options: ReadOptions): AsyncGenerator<Told> {
  const reader = new OpencodeReader(subs, options.isOpen);
  const sessions = [session, ...subs.map(({ id }) => id)];
  const files = sessions.flatMap((id) => readMessages(storage, id, options));
  const inOrder = files.toSorted((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
  let lastMs = 0;
  for (const [nth, file] of inOrder.entries()) {
    for (const told of readParts(storage, file, options)) {
      lastMs = Math.max(lastMs, told.atMs);
      yield* reader.part(told);
    }
    if (nth % BREATH_FILES === BREATH_FILES - 1) await setImmediate();
  }
  const last = inOrder.findLast(({ sessionId }) => sessionId === session);
  if (last !== undefined) reader.last(last.message);
  yield* reader.close(lastMs);
}
