/** Owns the whole result of a pod: it stands on the bus; where it is long, the record has its beginning only. */
import { readBlobText } from '../../bus/blob.ts';
import { readEntity } from '../../bus/query/entities.ts';
import type { PodRecord } from './pod-record.ts';

/** The blob that a body too long for its line went to. */
const blobOf = (value: unknown): string | undefined => {
  const blob = typeof value === 'object' && value !== null && '$blob' in value ? value.$blob : undefined;
  return typeof blob === 'string' && blob !== '' ? blob : undefined;
};

/** A value as the bus has it, or what its blob holds. @throws a system error where the blob is gone */
export const wholeValue = (busDir: string, value: unknown): unknown => {
  const blob = blobOf(value);
  return blob === undefined ? value : (JSON.parse(readBlobText(busDir, blob)) as unknown);
};

/** What a record has of a result that is too long for it. */
export const headOf = (result: unknown): string | undefined => {
  const isCut = typeof result === 'object' && result !== null && '$cut' in result && 'head' in result;
  return isCut && typeof result.head === 'string' ? result.head : undefined;
};

/** Any JSON; null where there is none. @throws {NikaError} `NIKA_BUS_UNREADABLE`; a system error where its blob is gone */
export const wholeResult = async ({ entity, end }: PodRecord, busDir: string): Promise<unknown> => {
  const known: unknown = end?.result ?? null;
  if (known !== null && headOf(known) === undefined) return wholeValue(busDir, known); // a channel may be long
  const view = await readEntity(busDir, entity);
  return wholeValue(busDir, view?.result ?? known);
};
