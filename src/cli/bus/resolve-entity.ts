/** Owns how entities are named on the command line: id, unique prefix, `@last`, name of a job that runs (design, section 4). */
import { readdirSync } from 'node:fs';
import { channelsDir } from '../../bus/layout.ts';
import { type BusLine, tryParseLine } from '../../bus/line.ts';
import { bornAt, readEntities } from '../../bus/query/entities.ts';
import type { EntityView } from '../../bus/query/entity-view.ts';
import { readLastLines } from '../../bus/query/last-lines.ts';
import { isTerminal } from '../../model/entity.ts';
import { isImported, isOfSwarmMeta } from '../../model/envelope.ts';
import { NikaError } from '../../model/error.ts';
import { type EntityId, entityIdSchema, parseEntityId } from '../../model/id.ts';
import { shortId } from './bus-line-view.ts';

const LAST = '@last';
const MAX_CANDIDATES = 8;
/** Roots among so many of the newest JOBs made: one is nearly always the first. */
const LOOK_AT_COUNTS = [20, 2_000, Number.MAX_SAFE_INTEGER];
const LATER_COUNT = 2_000;

const noEntity = (text: string, why: string): NikaError =>
  new NikaError('NIKA_BUS_NO_ENTITY', why, { subject: text.slice(0, 120) });

const channelIds = (busDir: string): readonly string[] => {
  try {
    const names = readdirSync(channelsDir(busDir));
    return [...new Set(names.flatMap((name) => /^(.+)\.jsonl(?:\.gz)?$/.exec(name)?.[1] ?? []))];
  } catch {
    return []; // nothing has run yet
  }
};

const isRootJob = ({ entity, meta }: BusLine): boolean => entity.startsWith('JOB-') && meta['root_id'] === entity;

/** What tells of a JOB whose beginning is gone, as when `_bus/` was removed while it ran. */
const LATER_TYPES = [
  'session_start',
  'entity_started',
  'session_end_summary',
  'job_completed',
  'job_failed',
  'job_cancelled',
];

/** The root JOB heard of last, where the bus does not say when any was created. */
const readLastHeardOf = async (busDir: string): Promise<string | undefined> => {
  let last: BusLine | undefined;
  for (const type of LATER_TYPES) {
    const texts = await readLastLines({ busDir, query: { type }, count: LATER_COUNT });
    const root = texts
      .flatMap((text) => tryParseLine(text) ?? [])
      .findLast((line) => isRootJob(line) && !isImported(line.meta) && !isOfSwarmMeta(line.meta));
    if (root !== undefined && (last === undefined || root.ts >= last.ts)) last = root;
  }
  return last?.entity;
};

/** The JOB that was created last and belongs to no other JOB; one that was imported only where there is no other. */
const readLastRoot = async (busDir: string): Promise<string | undefined> => {
  let imported: BusLine | undefined;
  for (const files of ['alpha', 'all'] as const) {
    for (const count of LOOK_AT_COUNTS) {
      const texts = await readLastLines({ busDir, query: { type: 'entity_created' }, count, files });
      const roots = texts.flatMap((text) => tryParseLine(text) ?? []).filter(isRootJob);
      const root = roots.findLast(({ meta }) => !isImported(meta));
      if (root !== undefined) return root.entity;
      imported = roots.at(-1) ?? imported;
      if (texts.length < count) break;
    }
  }
  return (await readLastHeardOf(busDir)) ?? imported?.entity;
};

/** Whether a person who types `text` may mean this id. */
const mayMean = (id: string, text: string): boolean =>
  id.startsWith(text) || shortId(id).startsWith(text) || id.slice(id.indexOf('-') + 1).startsWith(text);

const ambiguous = (text: string, what: string, candidates: readonly string[]): NikaError => {
  const shown = candidates.slice(0, MAX_CANDIDATES).join(', ');
  const more = candidates.length > MAX_CANDIDATES ? ` and ${candidates.length - MAX_CANDIDATES} more` : '';
  return new NikaError('NIKA_ENTITY_AMBIGUOUS', `"${text}" ${what}: ${shown}${more}`, { subject: text });
};

const byName = (name: string, views: readonly EntityView[]): string => {
  const jobs = views.filter(({ type, job }) => type === 'JOB' && job === name);
  const running = jobs.filter(({ state }) => state !== undefined && !isTerminal(state)).map(({ id }) => id);
  const [only] = running;
  if (only !== undefined && running.length === 1) return only;
  if (running.length > 1) throw ambiguous(name, 'runs several times', running);
  const latest = jobs.toSorted((a, b) => (bornAt(a) < bornAt(b) ? 1 : -1))[0];
  const why =
    latest === undefined ? `no entity "${name}" is on the bus` : `no job "${name}" runs now; its last was ${latest.id}`;
  throw noEntity(name, why);
};

/**
 * The one entity that `text` names: its id, a prefix of the id or of its random part that no other has, `@last` (the
 * root JOB created last), or the name of a job of which exactly one runs.
 * @throws {NikaError} `NIKA_BUS_NO_ENTITY`, `NIKA_ENTITY_AMBIGUOUS`, `NIKA_BUS_UNREADABLE`
 */
export const resolveEntity = async (text: string, busDir: string): Promise<EntityId> => {
  if (text === LAST) {
    const last = await readLastRoot(busDir);
    if (last === undefined) throw noEntity(text, 'no job has run yet');
    return parseEntityId(last);
  }
  if (!/^[\w.-]{1,105}$/.test(text)) throw noEntity(text, `"${text.slice(0, 120)}" is not the name of an entity`);
  const ids = channelIds(busDir);
  if (ids.includes(text)) return parseEntityId(text);
  const meant = ids.filter((id) => mayMean(id, text));
  const [only] = meant;
  if (only !== undefined && meant.length === 1) return parseEntityId(only);
  if (meant.length > 1) throw ambiguous(text, 'may be any of these', meant);
  const entities = await readEntities({ busDir });
  const exact = entityIdSchema.safeParse(text); // a SUB has no channel, and a channel may be gone
  if (exact.success && entities.has(text)) return exact.data;
  const unseen = [...entities.keys()].filter((id) => mayMean(id, text));
  const [one] = unseen;
  if (one !== undefined && unseen.length === 1) return parseEntityId(one);
  if (unseen.length > 1) throw ambiguous(text, 'may be any of these', unseen);
  return parseEntityId(byName(text, [...entities.values()]));
};
