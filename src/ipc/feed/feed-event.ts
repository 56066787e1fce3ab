/**
 * Owns what an event of the bus looks like on the feed (design, sections 4 and 6): one way from the line to the entry,
 * whoever goes it: the pod itself, or the one who makes up for a pod that is gone. Pure.
 */
import { transitionOfBusType } from '../../model/entity.ts';
import { IMPORTED_TAG, isImported } from '../../model/envelope.ts';
import { KEY_KINDS } from '../../redis/keys.ts';
import type { FeedEvent } from '../../redis/scripts/publish.lua.ts';

/** A line of the bus, with envelope and data as the JSON texts that stand there. */
export interface RecordedEvent {
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly ts: string;
  readonly type: string;
  readonly entity: string;
  readonly metaJson: string;
  readonly dataJson: string;
}

/** Conditions of a pod that the feed carries; they change no state. */
export const FEED_CONDITIONS: readonly string[] = [
  'pod_waiting',
  'pod_stale',
  'pod_lost',
  'pod_back',
  'job_overdue',
  'budget_warning',
];

/** An entry is at most this long: names and values together. */
const ENTRY_BYTES = KEY_KINDS.feed.cap.maxBytes;

/** To what a value of `data` is cut, the loosest first. */
const TEXT_LIMITS = [600, 200, 60] as const;
/** `dispatch` is whole, or without inputs: a worker must not be given others than were meant. */
const KEPT_ALWAYS: readonly string[] = ['from', 'to', 'rev', 'condition', 'dispatch'];

type Data = Readonly<Record<string, unknown>>;

/** Of a condition the reason is one word; of an end it may be long. */
const isKept = (key: string, data: Data): boolean =>
  KEPT_ALWAYS.includes(key) || (key === 'reason' && 'condition' in data);

const parseObject = (json: string): Data => {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? (value as Data) : {};
  } catch {
    return {};
  }
};

const isOnFeed = (entity: string): boolean => !entity.startsWith('SUB-');

/** The name on the feed; `undefined`: the feed does not carry it. */
export const feedNameOf = (type: string, data: Data): string | undefined => {
  if (type === 'condition') {
    const { condition } = data;
    return typeof condition === 'string' && FEED_CONDITIONS.includes(condition) ? condition : undefined;
  }
  const transition = transitionOfBusType(type);
  if (transition === undefined) return undefined;
  return type === 'review_decision' && data['to'] !== transition.to ? undefined : transition.event;
};

/** Whether a line of this type may be on the feed at all: what need not be looked at more closely. */
export const mayBeOnFeed = (type: string): boolean => type === 'condition' || transitionOfBusType(type) !== undefined;

/** Read from an agent's history: those who follow the feed do not hear of it as if it happened now. */
const isOfThePast = (metaJson: string): boolean => metaJson.includes(IMPORTED_TAG) && isImported(parseObject(metaJson));

const bytesOf = (fields: Readonly<Record<string, string>>): number =>
  Object.entries(fields).reduce((sum, [name, value]) => sum + name.length + Buffer.byteLength(value), 0);

/** A value that is too long: the beginning of a text, or of what it is as JSON. */
const cut = (value: unknown, limit: number): unknown => {
  const json = JSON.stringify(value);
  if (json.length <= limit) return value;
  if (typeof value === 'string') return `${value.slice(0, limit).replace(/[\uD800-\uDBFF]$/, '')}…`;
  return { $cut: true, bytes: Buffer.byteLength(json), head: json.slice(0, limit).replace(/[\uD800-\uDBFF]$/, '') };
};

/** Of what was done the numbers stay, and the names that come first. */
const cutWork = (work: Data, limit: number): Data => {
  if (JSON.stringify(work).length <= limit) return work;
  const { tools, models } = work;
  const first = (names: unknown, count: number): unknown => (Array.isArray(names) ? names.slice(0, count) : []);
  const few = { ...work, tools: first(tools, 5), models: first(models, 2) };
  return JSON.stringify(few).length <= limit ? few : { ...work, tools: [], models: [] };
};

const isWork = (key: string, value: unknown): value is Data =>
  key === 'work' && typeof value === 'object' && value !== null;

const trimmed = (data: Data, limit: number): Data =>
  Object.fromEntries(
    Object.entries(data).map(([key, value]) => {
      if (isKept(key, data)) return [key, value];
      return [key, isWork(key, value) ? cutWork(value, limit) : cut(value, limit)];
    }),
  );

/** Then only the queue has them. `undefined`: there is none to leave out. */
const withoutInputs = (data: Data): Data | undefined => {
  const { dispatch } = data;
  if (typeof dispatch !== 'object' || dispatch === null || !('inputs' in dispatch)) return undefined;
  const { inputs: _, ...rest } = dispatch;
  return { ...data, dispatch: rest };
};

const keptAlways = (data: Data): Data => Object.fromEntries(Object.entries(data).filter(([key]) => isKept(key, data)));

/** The data of an entry, each text shorter than the one before. */
function* shorterAndShorter(dataJson: string, data: Data, least: Data): Generator<string> {
  yield dataJson;
  for (const some of data === least ? [data] : [data, least]) {
    for (const limit of TEXT_LIMITS) yield JSON.stringify(trimmed(some, limit));
    yield JSON.stringify(keptAlways(some));
  }
}

/** The entry of the feed for a line of the bus; `undefined`: the feed does not carry it. */
export const feedEventOf = ({ id, ts, type, entity, metaJson, dataJson }: RecordedEvent): FeedEvent | undefined => {
  if (!mayBeOnFeed(type) || !isOnFeed(entity) || isOfThePast(metaJson)) return undefined;
  const data = parseObject(dataJson);
  const event = feedNameOf(type, data);
  if (event === undefined) return undefined;
  const { session_id: session, ...meta } = parseObject(metaJson);
  const subject = meta['entity_id'];
  if (typeof subject === 'string' && !isOnFeed(subject)) return undefined; // a SUB's line, in another one's channel
  const of = typeof subject === 'string' ? subject : entity; // Alpha tells in its own channel of what has none here
  const common = { ts, event, entity_id: of, entity_type: of.slice(0, of.indexOf('-')) };
  const withData = (text: string, metaText = metaJson): Readonly<Record<string, string>> => ({
    ...common,
    session_id: String(session),
    meta: metaText,
    data: text,
  });
  const roomBytes = ENTRY_BYTES - 'id'.length - id.length;
  const least = withoutInputs(data) ?? data;
  for (const text of shorterAndShorter(dataJson, data, least)) {
    const fields = withData(text);
    if (bytesOf(fields) <= roomBytes) return { id, fields };
  }
  // Only tags have no bound of their own that is below an entry's.
  const { tags: _, ...untagged } = { session_id: session, ...meta } as Data;
  return { id, fields: withData(JSON.stringify(keptAlways(least)), JSON.stringify(trimmed(untagged, 200))) };
};
