/**
 * Owns taking out of Redis what it has of redacted lines: entries of the feed, of the tool calls of a session, of the
 * signals of a job, and of what could not be handled. They are found by the id of the event.
 *
 * R1. What is not there is done: entries go by themselves after a day at most, and keys that are gone hold nothing.
 * R2. Pods and "nika reconcile" bring to the feed again what it lacks, from the bus: the tombstone.
 */
import type { RedisTarget } from '../../config/redis/redis-settings.ts';
import { errorMessage } from '../../model/error.ts';
import { entityIdSchema, sessionIdSchema } from '../../model/id.ts';
import { mayBeOnFeed } from '../../ipc/feed/feed-event.ts';
import { entriesIn, fieldsIn } from '../../ipc/feed/log/feed-log.ts';
import { createKeys, type Key, type Keys } from '../../redis/keys.ts';
import { type Link, openWriter } from '../../redis/link.ts';
import type { RedactCopies, StepOutcome } from './carry-out.ts';
import type { Redaction } from '../../bus/redact/redaction.ts';

const KNOWN_MS = 3_000;
const CALL_MS = 5_000;
const PAGE_COUNT = 1_000;

/** A stream, and by which field and values the entries are known that go. */
interface Place {
  readonly key: Key;
  readonly field: string;
  readonly values: ReadonlySet<string>;
}

const placesOf = ({ lines }: Redaction, keys: Keys): readonly Place[] => {
  const places: Place[] = [];
  const onFeed = new Set(lines.filter(({ type }) => mayBeOnFeed(type)).map(({ id }) => id));
  if (onFeed.size > 0)
    places.push(...[keys.feed, keys.deadFeed].map((key): Place => ({ key, field: 'id', values: onFeed })));
  const calls = lines.filter(({ type }) => type === 'tool_call');
  for (const [session, some] of Map.groupBy(calls, (line) => line.session)) {
    const parsed = sessionIdSchema.safeParse(session);
    const values = new Set(some.map(({ id }) => id));
    if (parsed.success) places.push({ key: keys.events(parsed.data), field: 'event_id', values });
  }
  const signals = lines.flatMap(({ signal }) => signal ?? []);
  for (const [to, some] of Map.groupBy(signals, (signal) => signal.to)) {
    const parsed = entityIdSchema.safeParse(to);
    const values = new Set(some.map(({ id }) => id));
    if (parsed.success) places.push({ key: keys.signals(parsed.data), field: 'id', values });
  }
  return places;
};

/** After that one. */
const behind = (entryId: string): string => `(${entryId}`;

class Away extends Error {}

const call = async (
  link: Link,
  name: string,
  args: readonly (string | number)[],
  signal: AbortSignal,
): Promise<unknown> => {
  const outcome = await link.call({ name, args }, { withinMs: CALL_MS }, signal);
  if (outcome.kind === 'done') return outcome.value;
  throw new Away(outcome.why);
};

const entriesToGo = async (
  link: Link,
  { key, field, values }: Place,
  signal: AbortSignal,
): Promise<readonly string[]> => {
  const found: string[] = [];
  for (let from = '-'; ;) {
    const entries = entriesIn(await call(link, 'xrange', [key.name, from, '+', 'COUNT', PAGE_COUNT], signal));
    for (const [id, list] of entries) if (values.has(fieldsIn(list)[field] ?? '')) found.push(id);
    const last = entries.at(-1)?.[0];
    if (last === undefined || entries.length < PAGE_COUNT) return found;
    from = behind(last);
  }
};

const takeOut = async (link: Link, places: readonly Place[], signal: AbortSignal): Promise<number> => {
  let count = 0;
  for (const place of places) {
    const ids = await entriesToGo(link, place, signal);
    for (let from = 0; from < ids.length; from += PAGE_COUNT)
      count += Number(await call(link, 'xdel', [place.key.name, ...ids.slice(from, from + PAGE_COUNT)], signal));
  }
  return count;
};

/** What heartbeats show of the last call: the pod that lives says it anew within seconds. How many fields went. */
const takeOutBeats = async (link: Link, keys: Keys, { lines }: Redaction, signal: AbortSignal): Promise<number> => {
  let count = 0;
  const calls = lines.filter(({ type }) => type === 'tool_call');
  for (const session of new Set(calls.map((line) => line.session))) {
    const parsed = sessionIdSchema.safeParse(session);
    if (!parsed.success) continue;
    count += Number(await call(link, 'hdel', [keys.state(parsed.data).name, 'last_tool'], signal));
    count += Number(await call(link, 'hdel', [keys.fleet.name, parsed.data], signal));
  }
  return count;
};

/** Of that Redis. */
export const redactRedis =
  (target: RedisTarget): RedactCopies =>
  async (redaction, signal): Promise<StepOutcome> => {
    try {
      const keys = createKeys(target.prefix);
      const places = placesOf(redaction, keys);
      if (places.length === 0) return { kind: 'done', told: '0 entries' };
      await using link = await openWriter(target);
      if (!(await link.untilKnown(KNOWN_MS, signal))) {
        const why = link.status.kind === 'down' ? link.status.why : 'it does not answer';
        return { kind: 'open', why: `it cannot be reached: ${why}` };
      }
      const count = (await takeOut(link, places, signal)) + (await takeOutBeats(link, keys, redaction, signal));
      return { kind: 'done', told: `${count} ${count === 1 ? 'entry' : 'entries'}` };
    } catch (thrown) {
      return { kind: 'open', why: errorMessage(thrown) }; // a certificate that cannot be read, a server that went away
    }
  };
