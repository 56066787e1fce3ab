/** Owns how a change of the swarm is told to people: one line, safe for a terminal. */
import type { FeedChange } from '../../ipc/feed/feed-change.ts';
import { bodyText, oneLine, shortEntity } from '../bus/bus-line-view.ts';
import { clip, padTo } from '../format.ts';
import type { Terminal } from '../terminal.ts';

const ENTITY_COLUMNS = 14;
const EVENT_COLUMNS = 16;
const WIDE_COLUMNS = 100;

const textIn = (fields: Readonly<Record<string, unknown>>, key: string): string => {
  const value = fields[key];
  return typeof value === 'string' ? oneLine(value) : '';
};

const resultText = (result: unknown): string => {
  const text = typeof result === 'object' && result !== null ? (result as { readonly text?: unknown }).text : undefined;
  return bodyText(text ?? result);
};

/** Why, or what came of it, in a clause. */
export const changeGist = ({ data, meta }: FeedChange): string => {
  const job = textIn(meta, 'job');
  const why =
    textIn(data, 'error') ||
    textIn(data, 'reason') ||
    textIn(data, 'detail') ||
    textIn(data, 'summary') ||
    resultText(data['result']);
  return [job, why].filter((part) => part !== '').join(': ');
};

const STYLES: Readonly<Record<string, Parameters<Terminal['paint']>[0]>> = {
  completed: 'green',
  failed: 'red',
  pod_lost: 'red',
  cancelled: 'yellow',
  review_requested: 'yellow',
  pod_waiting: 'yellow',
  pod_stale: 'yellow',
};

/** `2026-11-20T11:27:03.123Z  JOB k3f9xq2m    failed            bisect: no such commit  (local only)` */
export const changeRow = (change: FeedChange, isLocal: boolean, terminal: Terminal, columns: number): string => {
  const isWide = columns >= WIDE_COLUMNS;
  const time = isWide ? oneLine(change.ts) : oneLine(change.ts.slice(11, 19));
  const entity = padTo(clip(shortEntity(change.entity), 30), ENTITY_COLUMNS);
  const event = padTo(oneLine(change.event), EVENT_COLUMNS);
  const style = STYLES[change.event];
  const head = `${time}  ${entity}  `;
  const room = Math.max(10, columns - head.length - EVENT_COLUMNS - 2);
  const gist = clip(`${changeGist(change)}${isLocal ? '  (local only)' : ''}`, room);
  return `${head}${style === undefined ? event : terminal.paint(style, event)}  ${gist}`.trimEnd();
};

/** As scripts get it: the form of an entry on the feed, with its envelope and data as objects. */
export const changeJson = (change: FeedChange, isLocal: boolean): string => {
  const { id, ts, event, entity, entityType, session, meta, data } = change;
  const fields = { id, ts, event, entity_id: entity, entity_type: entityType, session_id: session, meta, data };
  return JSON.stringify({ ...fields, local_only: isLocal });
};
