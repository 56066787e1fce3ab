/** Owns where a tool is called: the home and its settings, the pods as they stand now, and which of them the agent runs in. */
import type { Home } from '../config/home.ts';
import type { Settings } from '../config/settings.ts';
import { type EntityId, entityTypeOf } from '../model/id.ts';
import { namedParent } from '../pod/api/inherited-parent.ts';
import type { PodRecord } from '../pod/registry/pod-record.ts';
import { isOver } from '../pod/registry/pod-status.ts';
import { latestOfEach } from '../pod/registry/resolve-pod.ts';
import type { Caller } from './caller.ts';

export interface Place {
  readonly home: Home;
  readonly settings: Settings;
  /** The oldest first; those that died are closed. */
  readonly records: readonly PodRecord[];
  /** The JOB or TASK that the agent runs in; `undefined`: none of this home. */
  readonly self: EntityId | undefined;
}

/**
 * Loads what it takes when it is first called: an agent waits for the server at its start.
 * @throws {NikaError} what is wrong with home or settings
 */
export const openPlace = async ({ env, cwd, homeFlag }: Caller): Promise<Place> => {
  const [{ resolveHome }, { loadSettings }, { readCurrentRecords }] = await Promise.all([
    import('../config/home.ts'),
    import('../config/settings.ts'),
    import('../pod/registry/current-records.ts'),
  ]);
  const home = resolveHome({ flag: homeFlag, env, cwd });
  const settings = loadSettings(home, env);
  const { records } = await readCurrentRecords({ home, settings });
  return { home, settings, records, self: namedParent(home, env) };
};

/** Whether the agent started the pod, or another agent of its pod did. */
export const isOwn = ({ entity, parent }: PodRecord, { self }: Place, { started }: Caller): boolean =>
  started.has(entity) || (self !== undefined && parent === self);

/** The latest record of each pod that the agent started and that is not over. */
export const ownLiving = (place: Place, caller: Caller): readonly PodRecord[] =>
  latestOfEach(place.records).filter((record) => !isOver(record) && isOwn(record, place, caller));

/** How many pods there are in a lineage. */
export const podCount = (lineage: readonly EntityId[]): number =>
  lineage.filter((id) => entityTypeOf(id) === 'JOB').length;
