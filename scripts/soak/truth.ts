/** Owns what the soak compares: what the bus says, and what Redis says. */
import { ALPHA } from '../../src/bus/layout.ts';
import { tryParseLine } from '../../src/bus/line.ts';
import { listBusFiles } from '../../src/bus/read/files.ts';
import { readLines } from '../../src/bus/read/lines.ts';
import { feedEventOf } from '../../src/ipc/feed/feed-event.ts';
import { isSessionField } from '../../src/redis/scripts/add-counters.lua.ts';
import type { RedisServer } from '../../test/servers/redis.ts';

export interface Told {
  readonly id: string;
  readonly entity: string;
}

export interface BusTruth {
  /** All that belongs on the feed, in the order of the alpha bus. */
  readonly transitions: readonly Told[];
  /** Ids of tool calls by session, in their order. */
  readonly calls: ReadonlyMap<string, readonly string[]>;
}

export const readBusTruth = async (busDir: string): Promise<BusTruth> => {
  const transitions: Told[] = [];
  const calls = new Map<string, string[]>();
  for (const { name, parts } of listBusFiles(busDir)) {
    for (const part of parts) {
      for await (const lines of readLines(part)) {
        for (const { text } of lines) {
          const line = tryParseLine(text);
          if (line === undefined) continue;
          const { id, ts, type, entity, meta, data } = line;
          const session = String(meta['session_id']);
          if (type === 'tool_call') calls.set(session, [...(calls.get(session) ?? []), id]);
          if (name !== ALPHA) continue;
          const [metaJson, dataJson] = [JSON.stringify(meta), JSON.stringify(data)];
          if (feedEventOf({ id, ts, type, entity, metaJson, dataJson }) !== undefined) transitions.push({ id, entity });
        }
      }
    }
  }
  return { transitions, calls };
};

const PAGE = 1_000;

/** All entries of a stream, oldest first. */
const readStream = async (
  { admin }: RedisServer,
  key: string,
): Promise<readonly Readonly<Record<string, string>>[]> => {
  const entries: Readonly<Record<string, string>>[] = [];
  for (let from = '-'; ;) {
    const page = await admin.xrange(key, from, '+', 'COUNT', PAGE);
    for (const [, list] of page)
      entries.push(Object.fromEntries(list.flatMap((name, at) => (at % 2 === 0 ? [[name, list[at + 1] ?? '']] : []))));
    const last = page.at(-1);
    if (page.length < PAGE || last === undefined) return entries;
    from = `(${last[0]}`;
  }
};

/** The first occurrence of each event, in order; and how many entries there are in all. */
export const readFeed = async (
  server: RedisServer,
): Promise<{ readonly first: readonly Told[]; readonly entries: number }> => {
  const first = new Map<string, Told>();
  const entries = await readStream(server, 'nika:feed:entities');
  for (const { id = '', entity_id: entity = '' } of entries) if (!first.has(id)) first.set(id, { id, entity });
  return { first: [...first.values()], entries: entries.length };
};

/** Ids on the bus of what stands in a session's stream. */
export const readEvents = async (server: RedisServer, session: string): Promise<readonly string[]> =>
  (await readStream(server, `agent:events:${session}`)).map(({ event_id: id = '' }) => id);

export interface DayCounts {
  /** Of all sessions, by field. */
  readonly sums: Readonly<Record<string, number>>;
  /** By session, what it has added so far. */
  readonly bySession: ReadonlyMap<string, Readonly<Record<string, number>>>;
}

/** `kind`: `agent:metrics`, `nika:ipc:metrics`; of all days. */
export const readCounts = async ({ admin }: RedisServer, kind: string): Promise<DayCounts> => {
  const sums: Record<string, number> = {};
  const bySession = new Map<string, Record<string, number>>();
  for (const key of await admin.keys(`${kind}:*`)) {
    for (const [field, value] of Object.entries(await admin.hgetall(key))) {
      if (!isSessionField(field)) {
        sums[field] = (sums[field] ?? 0) + Number(value);
        continue;
      }
      const session = field.slice(field.indexOf(':') + 1);
      const counts = bySession.get(session) ?? {};
      for (const [name, count] of Object.entries(JSON.parse(value) as Record<string, number>))
        counts[name] = (counts[name] ?? 0) + count;
      bySession.set(session, counts);
    }
  }
  return { sums, bySession };
};
