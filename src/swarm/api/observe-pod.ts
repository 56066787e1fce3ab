/** Owns recall over one pod's tool calls for programs, commands and agents: which pod is meant, and what is answered. */
import { resolveHome, type Home } from '../../config/home.ts';
import { loadSettings } from '../../config/settings.ts';
import { findBusFile } from '../../bus/read/files.ts';
import { channelName } from '../../bus/layout.ts';
import { observeCalls, type Observed } from '../../memory/observe/observe-calls.ts';
import { NikaError } from '../../model/error.ts';
import { type EntityId, entityIdSchema, parseEntityId } from '../../model/id.ts';
import { readCurrentRecords } from '../../pod/registry/current-records.ts';
import type { PodRecord } from '../../pod/registry/pod-record.ts';
import { resolvePod } from '../../pod/registry/resolve-pod.ts';

export interface ObserveQuestion {
  readonly words: string;
  /** Default: 5; at most 100. */
  readonly limit?: number;
  /** Only calls that failed. */
  readonly isFailedOnly?: boolean;
}

export interface ObservePodOptions extends ObserveQuestion {
  /** Default: as the command line finds it. */
  readonly home?: string;
  /** Id of a pod, or an unambiguous part of it; `@last`; also of one whose record was pruned, its whole id. */
  readonly id: string;
  /** What is thrown then is its reason. */
  readonly signal?: AbortSignal;
}

export type ObservedPod = Observed & { readonly id: EntityId };

export interface ObservedPlace {
  readonly home: Home;
  readonly records: readonly PodRecord[];
}

export const OBSERVED_BY_DEFAULT = 5;

/** Its entity. @throws {NikaError} `NIKA_POD_UNKNOWN`, `NIKA_ENTITY_AMBIGUOUS` */
const entityOf = (id: string, { home, records }: ObservedPlace): EntityId => {
  try {
    return parseEntityId(resolvePod(id, records).entity);
  } catch (thrown) {
    const known = entityIdSchema.safeParse(id).data;
    const isUnknown = thrown instanceof NikaError && thrown.code === 'NIKA_POD_UNKNOWN';
    if (isUnknown && known !== undefined && findBusFile(home.busDir, channelName(known)) !== undefined) return known;
    throw thrown;
  }
};

/** @throws {NikaError} `NIKA_POD_UNKNOWN`, `NIKA_ENTITY_AMBIGUOUS`, `NIKA_CLI_USAGE`, `NIKA_BUS_UNREADABLE` */
export const observeNamed = async (
  id: string,
  { words, limit = OBSERVED_BY_DEFAULT, isFailedOnly = false }: ObserveQuestion,
  place: ObservedPlace,
  signal: AbortSignal,
): Promise<ObservedPod> => {
  if (words.trim() === '') {
    throw new NikaError('NIKA_CLI_USAGE', 'there are no words to look for', {
      remedy: 'Give some that may stand in the call, its error or what it answered.',
    });
  }
  const entity = entityOf(id, place);
  const options = { busDir: place.home.busDir, entity };
  return { id: entity, ...(await observeCalls(options, { words, limit, isFailedOnly }, signal)) };
};

/**
 * The tool calls of a pod that match some words best. Read from the bus: neither Redis nor Qdrant is asked.
 * @throws {NikaError} `NIKA_POD_UNKNOWN`, `NIKA_ENTITY_AMBIGUOUS`, `NIKA_CLI_USAGE`, `NIKA_BUS_UNREADABLE`, what is wrong
 * with home or settings
 */
export const observePod = async (options: ObservePodOptions): Promise<ObservedPod> => {
  const { id, signal = new AbortController().signal } = options;
  const home = resolveHome({ flag: options.home, env: process.env, cwd: process.cwd() });
  const settings = loadSettings(home, process.env);
  const { records } = await readCurrentRecords({ home, settings });
  return observeNamed(id, options, { home, records }, signal);
};
