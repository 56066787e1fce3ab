/**
 * Owns what is asked of a line: time, type, entity, domain, intent, status, a regular expression.
 *
 * Q1. What can be decided on the raw text is, in the fixed order of its keys (L1); only what is left is parsed.
 * Q2. A raw search may let too much through, never too little: what it finds is confirmed on the parsed line.
 */
import { ENTITY_STATES, transitionOfBusType } from '../../model/entity.ts';
import type { EntityId } from '../../model/id.ts';
import { MESSAGE_SCHEMAS } from '../../model/message.ts';
import { type BusLine, tryParseLine } from '../line.ts';

/** All that is given must hold. */
export interface LineQuery {
  /** Not before; a time as it stands on the bus. */
  readonly sinceTs?: string;
  /** Before, not at. */
  readonly untilTs?: string;
  readonly entity?: EntityId;
  readonly type?: string;
  readonly domain?: string;
  readonly intent?: string;
  /** State that a transition leads to, outcome of a session, or `ok` and `failed` of a tool call. */
  readonly status?: string;
  /** Of the whole raw line. Without the flags g and y. */
  readonly regex?: RegExp;
}

/** Whether a whole line, without its line feed, is one of those asked for. */
export type LineFilter = (text: string) => boolean;

/** Every status that some line may have. */
export const STATUSES: readonly string[] = [
  ...new Set([...ENTITY_STATES, 'ok', ...MESSAGE_SCHEMAS.session_end_summary.shape.outcome.options]),
];

const TS_AT = '{"ts":"'.length;
const TS_CHARS = '2026-11-20T11:27:03.123Z'.length;
const ZERO = '0'.charCodeAt(0);
const TYPE_KEY = '","type":"';
const TYPE_AT = TS_AT + TS_CHARS + TYPE_KEY.length;
const ENTITY_KEY = '","entity":"';
const WRITER_KEY = '","writer":"';
const ID_KEY = ',"id":"';
const ID_CHARS = 36;

/** Whether the text begins as every line of this version does (L1). */
const isInOrder = (text: string): boolean => text.startsWith(TYPE_KEY, TS_AT + TS_CHARS);

/** The time of a whole line; empty: it has none. */
export const tsOf = (text: string): string =>
  isInOrder(text) ? text.slice(TS_AT, TS_AT + TS_CHARS) : (tryParseLine(text)?.ts ?? '');

/** A number that orders as the time beginning at `at` does, and is compared much faster; -1: there is none. */
const timeKeyAt = (text: string, at: number): number => {
  const two = (from: number): number => 10 * text.charCodeAt(at + from) + text.charCodeAt(at + from + 1) - 11 * ZERO;
  const days = (100 * two(0) + two(2)) * 416 + two(5) * 32 + two(8); // 13 months of 32 days: none is carried
  const minutes = (days * 24 + two(11)) * 60 + two(14);
  const key = (minutes * 61 + two(17)) * 1000 + 10 * two(20) + text.charCodeAt(at + 22) - ZERO;
  return key >= 0 ? key : -1;
};

/** A time as it stands on the bus as such a number. */
export const timeKey = (ts: string): number => timeKeyAt(ts, 0);

/** The time of a whole line as a number that orders as times do; -1: it has none. */
export const timeKeyOf = (text: string): number =>
  isInOrder(text) ? timeKeyAt(text, TS_AT) : timeKey(tryParseLine(text)?.ts ?? '');

/** The type of a whole line; `undefined`: it has none. */
export const typeOf = (text: string): string | undefined =>
  isInOrder(text) ? text.slice(TYPE_AT, text.indexOf('"', TYPE_AT)) : tryParseLine(text)?.type;

/** The entity of a whole line; `undefined`: it has none. */
export const entityOf = (text: string): string | undefined => {
  if (!isInOrder(text)) return tryParseLine(text)?.entity;
  const start = text.indexOf(ENTITY_KEY, TYPE_AT) + ENTITY_KEY.length;
  return text.slice(start, text.indexOf('"', start));
};

/** The id of a whole line; `undefined`: it has none. */
export const idOf = (text: string): string | undefined => {
  if (!isInOrder(text)) return tryParseLine(text)?.id;
  const start = text.indexOf(ID_KEY, TYPE_AT) + ID_KEY.length;
  const end = text.indexOf('"', start);
  return end - start === ID_CHARS ? text.slice(start, end) : tryParseLine(text)?.id;
};

const inJson = (value: string): string => JSON.stringify(value).slice(1, -1);

/** Whether the line is of this type; asked of every line of a bus, so on the text alone. */
export const typeFilter = (type: string): LineFilter => {
  const rest = inJson(type) + ENTITY_KEY;
  return (text) => (isInOrder(text) ? text.startsWith(rest, TYPE_AT) : tryParseLine(text)?.type === type);
};

/** A SUB has no channel: its lines stand in that of its TASK or JOB and name it in their envelope. */
const entityFilter = (entity: EntityId): LineFilter => {
  if (entity.startsWith('SUB-')) {
    const named = `"entity_id":${JSON.stringify(entity)}`;
    return (text) => text.includes(named) && tryParseLine(text)?.meta['entity_id'] === entity;
  }
  const rest = ENTITY_KEY + entity + WRITER_KEY;
  return (text) =>
    isInOrder(text) ? text.startsWith(rest, text.indexOf(ENTITY_KEY, TYPE_AT)) : tryParseLine(text)?.entity === entity;
};

const hasStatus = ({ type, data }: BusLine, status: string): boolean => {
  if (type === 'tool_call') return data['ok'] === true ? status === 'ok' : data['ok'] === false && status === 'failed';
  if (type === 'session_end_summary') return data['outcome'] === status;
  return transitionOfBusType(type) !== undefined && data['to'] === status;
};

const statusTraces = (status: string): readonly string[] => {
  const text = JSON.stringify(status);
  const ofCalls = status === 'ok' ? ['"ok":true'] : status === 'failed' ? ['"ok":false'] : [];
  return [`"to":${text}`, `"outcome":${text}`, ...ofCalls];
};

/** Domain, intent, status: looked for in the text, then confirmed (Q2). */
const parsedFilter = ({ domain, intent, status }: LineQuery): LineFilter | undefined => {
  const traces: (readonly string[])[] = [];
  if (domain !== undefined) traces.push([`"domain":${JSON.stringify(domain)}`]);
  if (intent !== undefined) traces.push([`"intent":${JSON.stringify(intent)}`]);
  if (status !== undefined) traces.push(statusTraces(status));
  if (traces.length === 0) return undefined;
  return (text) => {
    if (!traces.every((any) => any.some((trace) => text.includes(trace)))) return false;
    const line = tryParseLine(text);
    if (line === undefined) return false;
    if (domain !== undefined && line.meta['domain'] !== domain) return false;
    if (intent !== undefined && line.meta['intent'] !== intent) return false;
    return status === undefined || hasStatus(line, status);
  };
};

/** What is asked as one function, cheapest question first (Q1). */
export const createLineFilter = (query: LineQuery): LineFilter => {
  const { sinceTs, untilTs, type, entity, regex } = query;
  const filters: LineFilter[] = [];
  if (sinceTs !== undefined) filters.push((text) => tsOf(text) >= sinceTs);
  if (untilTs !== undefined) filters.push((text) => tsOf(text) < untilTs);
  if (type !== undefined) filters.push(typeFilter(type));
  if (entity !== undefined) filters.push(entityFilter(entity));
  if (regex !== undefined) filters.push((text) => regex.test(text));
  const parsed = parsedFilter(query);
  if (parsed !== undefined) filters.push(parsed);
  const [only] = filters;
  if (only !== undefined && filters.length === 1) return only;
  return (text) => filters.every((filter) => filter(text));
};
