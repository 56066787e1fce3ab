/**
 * Owns what is on a bus: its entities, their states and who is whose parent.
 *
 * N1. The state of an entity is what its channel says (design, section 4). The alpha bus has all transitions and is read
 *     first, being short; channels are read of entities it does not know, and of those it does not know to be over.
 */
import { isTerminal } from '../../model/entity.ts';
import type { EntityId } from '../../model/id.ts';
import { ALPHA, type BusFileName } from '../layout.ts';
import { tryParseLine } from '../line.ts';
import { type BusFile, type BusFilePart, listBusFiles } from '../read/files.ts';
import { readLines } from '../read/lines.ts';
import { applyLine, createEntityView, type EntityView, subjectOf } from './entity-view.ts';
import { type LineFilter, typeFilter } from './line-filter.ts';
import { mergeLines } from './merge.ts';
import { MTIME_SLACK_MS } from './parts.ts';
import { STATE_TYPES } from './state-types.ts';

export interface EntitiesOptions {
  readonly busDir: string;
  readonly signal?: AbortSignal;
  /** Lines and files before this time do not matter: nothing that is asked for is older. As on the bus. */
  readonly sinceTs?: string;
}

/** By id, in the order in which they first appear. */
export type Entities = ReadonlyMap<string, EntityView>;

const anyOf =
  (filters: readonly LineFilter[]): LineFilter =>
  (text) =>
    filters.some((filter) => filter(text));

const tellsState = anyOf(STATE_TYPES.map(typeFilter));

const readInto = async (
  views: Map<string, EntityView>,
  part: BusFilePart,
  signal: AbortSignal | undefined,
): Promise<void> => {
  for await (const lines of readLines(part, signal === undefined ? {} : { signal })) {
    for (const { kind, text } of lines) {
      if (kind === 'torn' || !tellsState(text)) continue;
      const line = tryParseLine(text);
      if (line === undefined) continue;
      const id = subjectOf(line);
      const view = views.get(id) ?? createEntityView(id, line.ts);
      views.set(id, view);
      applyLine(view, line);
    }
  }
};

const isChannel = ({ name }: BusFile): boolean => name !== ALPHA;
const entityOfChannel = (name: BusFileName): string => name.slice('channels/'.length, -'.jsonl'.length);

/** Whether the channel must be asked, too (N1). */
const mustAsk = (view: EntityView | undefined): boolean => view === undefined || !isTerminal(view.state);

/**
 * All entities, from the alpha bus and, where that does not do, from their channels (N1).
 * @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason when it is aborted.
 */
export const readEntities = async ({ busDir, signal, sinceTs }: EntitiesOptions): Promise<Entities> => {
  const views = new Map<string, EntityView>();
  const sinceMs = sinceTs === undefined ? -Infinity : Date.parse(sinceTs) - MTIME_SLACK_MS;
  const isOfTime = ({ mtimeMs }: BusFilePart): boolean => mtimeMs >= sinceMs;
  const files = listBusFiles(busDir);
  const alpha = files.find((file) => !isChannel(file));
  for (const part of alpha?.parts.filter(isOfTime) ?? []) await readInto(views, part, signal);
  for (const { name, parts } of files.filter(isChannel)) {
    const id = entityOfChannel(name);
    if (!mustAsk(views.get(id)) || !parts.some(isOfTime)) continue;
    const fromChannel = new Map<string, EntityView>();
    for (const part of parts) await readInto(fromChannel, part, signal);
    for (const [subject, view] of fromChannel)
      if (subject === id || mustAsk(views.get(subject))) views.set(subject, view);
  }
  return views;
};

/**
 * One entity with all that its channel says, tool calls counted; `undefined`: it is not on the bus.
 * @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason when it is aborted.
 */
export const readEntity = async (
  busDir: string,
  id: EntityId,
  signal?: AbortSignal,
): Promise<EntityView | undefined> => {
  let view: EntityView | undefined;
  const options = { busDirs: [busDir], query: { entity: id }, ...(signal === undefined ? {} : { signal }) };
  for await (const found of mergeLines(options)) {
    for (const { text } of found) {
      const line = tryParseLine(text);
      if (line === undefined || subjectOf(line) !== id) continue;
      view ??= createEntityView(id, line.ts);
      applyLine(view, line);
    }
  }
  return view;
};

/** Entities by their parent, in order of creation. Those whose parent is not known are under `undefined`. */
export const childrenOf = (entities: Entities): ReadonlyMap<string | undefined, readonly EntityView[]> => {
  const byParent = new Map<string | undefined, EntityView[]>();
  for (const view of entities.values()) {
    const parent = view.parent !== undefined && entities.has(view.parent) ? view.parent : undefined;
    const siblings = byParent.get(parent) ?? [];
    siblings.push(view);
    byParent.set(parent, siblings);
  }
  for (const siblings of byParent.values())
    siblings.sort((a, b) => (bornAt(a) < bornAt(b) ? -1 : bornAt(a) > bornAt(b) ? 1 : 0));
  return byParent;
};

/** When it was created, or else first or last heard of. */
export const bornAt = ({ createdAt, startedAt, lastAt }: EntityView): string => createdAt ?? startedAt ?? lastAt;
