/**
 * Owns what a tombstone keeps of a message: what readers count, order and prove by, none of which people or agents write.
 *
 * F1. Numbers, truth values, names of states and of tools, ids and hashes. No text, no body, no path, however short.
 */
import { isMessageType } from '../../model/message.ts';

type Fields = Readonly<Record<string, unknown>>;

/** May hold any JSON, a number too. */
const BODIES: readonly string[] = ['result', 'inputs', 'body', 'prompt', 'answer', 'tool_input', 'tool_response'];

/** Texts that are words of nika's, or ids by which a reader knows that it has seen the thing already. */
const TEXTS: Readonly<Record<string, RegExp>> = {
  ...Object.fromEntries(
    [
      'from',
      'to',
      'via',
      'outcome',
      'kind',
      'source',
      'decision',
      'condition',
      'service',
      'level',
      'how',
      'memory',
      'scope',
      'cost_from',
    ].map((key) => [key, /^[a-z][a-z_ ]{0,31}$/]),
  ),
  tool_name: /^[A-Za-z][\w.:-]{0,63}$/,
  tool_use_id: /^[\w.:-]{1,128}$/,
  turn: /^[\w.:-]{1,64}$/,
  agent: /^[a-z][a-z0-9-]{0,31}$/,
  agent_session_id: /^[\w.:-]{1,128}$/,
  model: /^[A-Za-z][\w.:@/-]{0,63}$/,
  sub_id: /^SUB-[\w.-]{1,100}$/,
  file: /^(alpha_bus|channels\/[\w.-]{1,110})\.jsonl$/,
  writer: /^[a-z0-9]{1,64}$/,
  h: /^[0-9a-f]{64}$/,
  since: /^\d{4}-\d\d-\d\dT[\d:.]{8,12}Z$/,
  until: /^\d{4}-\d\d-\d\dT[\d:.]{8,12}Z$/,
};

/** Lists and objects of which the same is kept. */
const CONTAINERS: readonly string[] = ['work', 'usage', 'calls_by_tool', 'dropped', 'heads', 'seen', 'alpha_head'];

const isPlain = (value: unknown): value is number | boolean | null =>
  typeof value === 'number' || typeof value === 'boolean' || value === null;

const keptOf = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(keptOf).filter((one) => one !== undefined);
  if (typeof value === 'object' && value !== null) return keptFields(value as Fields, true);
  return undefined;
};

const isKeptText = (key: string, value: unknown): boolean =>
  typeof value === 'string' && Object.hasOwn(TEXTS, key) && TEXTS[key]?.test(value) === true;

/** Names of tools are keys of `calls_by_tool`. */
const mayBeKey = (key: string): boolean => /^[A-Za-z][\w.:-]{0,63}$/.test(key);

const keptFields = (fields: Fields, isInner: boolean): Fields => {
  const kept: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    if (BODIES.includes(key) || !mayBeKey(key)) continue;
    if (isPlain(value) || isKeptText(key, value)) kept[key] = value;
    else if (!isInner && CONTAINERS.includes(key)) kept[key] = keptOf(value);
  }
  return kept;
};

/** Of the data of a message; nothing of a type that is not known. */
export const keptData = (type: string, data: Fields): Fields => (isMessageType(type) ? keptFields(data, false) : {});

/** Written by people, in a job or on the command line. */
const WORDS: readonly string[] = ['job', 'domain', 'intent', 'role', 'agent', 'tags'];

/** Of the envelope; `dropsWords`: without what people write. */
export const keptMeta = (meta: Fields, dropsWords: boolean): Fields =>
  dropsWords ? Object.fromEntries(Object.entries(meta).filter(([key]) => !WORDS.includes(key))) : meta;

/** What of an envelope stays and was written by people, for whoever decides whether it may. */
export const wordsOf = (meta: Fields): Fields =>
  Object.fromEntries(Object.entries(meta).filter(([key]) => WORDS.includes(key)));
