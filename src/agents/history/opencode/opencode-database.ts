/** Owns the reading of opencode's database, read-only: sessions, and the parts of their messages in order of their end. */
import { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import { errorMessage } from '../../../model/error.ts';
import { isFields } from '../fields.ts';
import { type Fields } from '../../read-fields.ts';
import type { ReadOptions, Told } from '../told.ts';
import { OpencodeReader, type OpencodeSub } from './opencode-reader.ts';

export interface OpencodeRow {
  readonly id: string;
  readonly parent: string | undefined;
  readonly cwd: string | undefined;
  readonly title: string | undefined;
  readonly version: string | undefined;
  readonly agent: string | undefined;
  readonly startedAtMs: number;
  readonly changedAtMs: number;
  readonly bytes: number;
}

/** Another process may be writing. */
const BUSY_MS = 5_000;
const BREATH_BYTES = 512 * 1024;

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
const number = (value: unknown): number => (typeof value === 'number' ? value : 0);

/** @throws what SQLite says */
const open = (path: string): DatabaseSync => new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS });

const columnsOf = (database: DatabaseSync, table: string): ReadonlySet<string> =>
  new Set(
    database
      .prepare(`select name from pragma_table_info(?)`)
      .all(table)
      .map(({ name }) => String(name)),
  );

/** @throws what SQLite says */
export const readSessionRows = (path: string): readonly OpencodeRow[] => {
  using database = open(path);
  const columns = columnsOf(database, 'session');
  const agent = columns.has('agent') ? 'agent' : 'null';
  const rows = database
    .prepare(
      `select id, parent_id, directory, title, version, ${agent} as agent, time_created, time_updated,
       (select sum(octet_length(data)) from part where part.session_id = session.id) as bytes from session`,
    )
    .all();
  return rows.flatMap((row) => {
    const id = text(row['id']);
    if (id === undefined) return [];
    return {
      id,
      parent: text(row['parent_id']),
      cwd: text(row['directory']),
      title: text(row['title']),
      version: text(row['version']),
      agent: text(row['agent']),
      startedAtMs: number(row['time_created']),
      changedAtMs: number(row['time_updated']),
      bytes: number(row['bytes']),
    };
  });
};

const tryObject = (json: unknown): Fields | string => {
  try {
    const value: unknown = JSON.parse(String(json));
    return isFields(value) ? value : 'it is no JSON object';
  } catch (thrown) {
    return errorMessage(thrown);
  }
};

const PART = `select p.message_id, p.session_id, p.data, m.data as message from part p join message m on m.id = p.message_id where p.id = ?`;

/** Ids first, so that SQLite sorts no bodies. Of a user's part the time of writing counts: it is changed later on. */
const ORDER = `select p.id, case when json_extract(m.data, '$.role') = 'user' then m.time_created
  else coalesce(json_extract(p.data, '$.state.time.end'), json_extract(p.data, '$.time.end'), p.time_created) end as at
  from part p join message m on m.id = p.message_id
  where p.session_id in (select value from json_each(?)) and json_valid(p.data) and json_valid(m.data) order by at, p.id`;

const INVALID = `select p.id from part p join message m on m.id = p.message_id
  where p.session_id in (select value from json_each(?)) and not (json_valid(p.data) and json_valid(m.data))`;

const LAST = `select data from message where session_id = ? order by time_created desc, id desc limit 1`;

interface Wanted {
  readonly path: string;
  readonly session: string;
  readonly subs: readonly OpencodeSub[];
}

/** Of one session and its subagents. What SQLite cannot read is told. */
export async function* readDatabase({ path, session, subs }: Wanted, options: ReadOptions): AsyncGenerator<Told> {
  const reader = new OpencodeReader(subs, options.isOpen);
  const sessions = JSON.stringify([session, ...subs.map(({ id }) => id)]);
  const tell = (why: string): void => options.onUnreadable({ file: path, line: 0, why });
  let lastMs = 0;
  try {
    using database = open(path);
    for (const { id } of database.prepare(INVALID).all(sessions)) tell(`part ${String(id)} is no JSON`);
    const order = database.prepare(ORDER).all(sessions);
    const one = database.prepare(PART);
    let sinceBreath = 0;
    for (const { id, at } of order) {
      const row = one.get(String(id));
      const part = row === undefined ? undefined : tryObject(row['data']);
      const message = row === undefined ? undefined : tryObject(row['message']);
      if (row === undefined || typeof part !== 'object' || typeof message !== 'object') continue;
      const atMs = number(at);
      lastMs = Math.max(lastMs, atMs);
      const bytes = String(row['data']).length;
      options.onBytes(bytes);
      const [messageId, sessionId] = [String(row['message_id']), String(row['session_id'])];
      yield* reader.part({ id: String(id), messageId, sessionId, atMs, part, message });
      sinceBreath += bytes;
      if (sinceBreath < BREATH_BYTES) continue;
      sinceBreath = 0;
      await setImmediate();
    }
    const last = tryObject(database.prepare(LAST).get(session)?.['data']);
    if (typeof last === 'object') reader.last(last);
  } catch (thrown) {
    tell(errorMessage(thrown));
  }
  yield* reader.close(lastMs);
}
