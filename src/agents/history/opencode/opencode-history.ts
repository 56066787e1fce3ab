/** Owns where opencode keeps its sessions: a database, and before 2026 a folder of files, which stays when it is taken over. */
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { errorMessage } from '../../../model/error.ts';
import { tryStat } from '../history-files.ts';
import type { HistoryForm, HistorySession, ReadOptions } from '../told.ts';
import { type OpencodeRow, readDatabase, readSessionRows } from './opencode-database.ts';
import { readFiles, readSessionFiles } from './opencode-files.ts';
import type { OpencodeSub } from './opencode-reader.ts';

type Tell = ReadOptions['onUnreadable'];
type Read = (session: string, subs: readonly OpencodeSub[], options: ReadOptions) => ReturnType<HistorySession['read']>;

const isRoot = ({ parent }: OpencodeRow, byId: ReadonlyMap<string, OpencodeRow>): boolean =>
  parent === undefined || !byId.has(parent);

/** All that stand below a session, those that are nearer first. */
const below = (root: OpencodeRow, children: ReadonlyMap<string, readonly OpencodeRow[]>): readonly OpencodeRow[] => {
  const found: OpencodeRow[] = [];
  const seen = new Set([root.id]);
  const open = [root];
  for (let row = open.shift(); row !== undefined; row = open.shift()) {
    for (const child of children.get(row.id) ?? []) {
      if (seen.has(child.id)) continue;
      seen.add(child.id);
      found.push(child);
      open.push(child);
    }
  }
  return found;
};

const sessionsOf = (rows: readonly OpencodeRow[], place: string, read: Read): readonly HistorySession[] => {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const children = new Map<string, OpencodeRow[]>();
  for (const row of rows) {
    if (row.parent !== undefined) children.set(row.parent, [...(children.get(row.parent) ?? []), row]);
  }
  return rows
    .filter((row) => isRoot(row, byId))
    .map((root) => {
      const rowsBelow = below(root, children);
      const subs = rowsBelow.map(({ id, parent = '', title, agent, startedAtMs }) => ({
        id,
        parent,
        title,
        agent,
        startedAtMs,
      }));
      const all = [root, ...rowsBelow];
      const { cwd, version, title, startedAtMs } = root;
      return {
        agent: 'opencode',
        id: root.id,
        place,
        bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
        changedAtMs: Math.max(...all.map(({ changedAtMs }) => changedAtMs)),
        head: () => ({ startedAtMs, cwd, version, model: undefined, title, kin: undefined }),
        read: (options) => read(root.id, subs, options),
      };
    });
};

const inDatabase = (path: string, onUnreadable: Tell): readonly HistorySession[] => {
  try {
    const read: Read = (session, subs, options) => readDatabase({ path, session, subs }, options);
    return sessionsOf(readSessionRows(path), path, read);
  } catch (thrown) {
    onUnreadable({ file: path, line: 0, why: errorMessage(thrown) });
    return [];
  }
};

const inFiles = (storage: string, onUnreadable: Tell): readonly HistorySession[] => {
  const read: Read = (session, subs, options) => readFiles({ storage, session, subs }, options);
  return sessionsOf(readSessionFiles(storage, onUnreadable), storage, read);
};

/** A database, a folder of files, or the folder that holds both. */
const find = (place: string, onUnreadable: Tell): readonly HistorySession[] => {
  const stat = tryStat(place);
  if (stat === undefined) return [];
  if (!stat.isDirectory()) return inDatabase(place, onUnreadable);
  if (basename(place) === 'storage') return inFiles(place, onUnreadable);
  const database = join(place, 'opencode.db');
  const newer = tryStat(database) === undefined ? [] : inDatabase(database, onUnreadable);
  const known = new Set(newer.map(({ id }) => id));
  const older = inFiles(join(place, 'storage'), onUnreadable).filter(({ id }) => !known.has(id));
  return [...newer, ...older];
};

export const opencodeHistory: HistoryForm = {
  kind: 'opencode',
  label: 'opencode',
  name: 'opencode',
  places: (env) => [join(env['XDG_DATA_HOME'] ?? join(env['HOME'] ?? homedir(), '.local', 'share'), 'opencode')],
  find,
};
