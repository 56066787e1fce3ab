/** Owns how pods are named on the command line: id, unique prefix, session, name of a job that runs once, `@last`. */
import { NikaError } from '../../model/error.ts';
import { isLiving, statusOf } from './pod-status.ts';
import type { PodRecord } from './pod-record.ts';

const MAX_CANDIDATES = 8;

/** The random part of an id that nika made, else all behind the type. */
export const shortPodId = (entity: string): string => /^JOB-\d{8}-(.+)$/.exec(entity)?.[1] ?? entity.slice(4);

/** The newest record of each entity, in order of start. Records come with the oldest first. */
export const latestOfEach = (records: readonly PodRecord[]): readonly PodRecord[] => {
  const latest = new Map<string, PodRecord>();
  for (const record of records) {
    latest.delete(record.entity);
    latest.set(record.entity, record);
  }
  return [...latest.values()];
};

const mayMean = ({ entity, session }: PodRecord, text: string): boolean =>
  entity.startsWith(text) ||
  entity.slice(4).startsWith(text) ||
  shortPodId(entity).startsWith(text) ||
  (text.length >= 4 && session.startsWith(text));

const ambiguous = (text: string, records: readonly PodRecord[]): NikaError => {
  const shown = records.slice(0, MAX_CANDIDATES).map(({ entity }) => entity);
  const more = records.length > MAX_CANDIDATES ? ` and ${records.length - MAX_CANDIDATES} more` : '';
  return new NikaError('NIKA_ENTITY_AMBIGUOUS', `"${text}" may be any of these: ${shown.join(', ')}${more}`, {
    subject: text,
    remedy: 'Give more of the id; "nika pod ls --all" shows them.',
  });
};

const unknown = (text: string): NikaError =>
  new NikaError('NIKA_POD_UNKNOWN', `no pod "${text.slice(0, 120)}" is known in this home`, { subject: text });

/**
 * The one pod that `text` names: the latest session of its entity.
 * @throws {NikaError} `NIKA_POD_UNKNOWN`, `NIKA_ENTITY_AMBIGUOUS`
 */
export const resolvePod = (text: string, records: readonly PodRecord[]): PodRecord => {
  const pods = latestOfEach(records);
  if (text === '@last') {
    const last = pods.at(-1);
    if (last === undefined) throw unknown(text);
    return last;
  }
  // Also as a list shows it: what somebody chose may be the beginning of another's id.
  const exact = pods.find(({ entity }) => entity === text || entity === `JOB-${text}`);
  if (exact !== undefined) return exact;
  const meant = text === '' ? [] : pods.filter((record) => mayMean(record, text));
  const [only, second] = meant;
  if (only !== undefined && second === undefined) return only;
  if (second !== undefined) throw ambiguous(text, meant);
  const ofJob = pods.filter(({ job }) => job === text);
  const living = ofJob.filter((record) => isLiving(statusOf(record)));
  const [one] = living;
  if (one !== undefined && living.length === 1) return one;
  if (living.length > 1) throw ambiguous(text, living);
  const last = ofJob.at(-1);
  if (last === undefined) throw unknown(text);
  return last;
};
