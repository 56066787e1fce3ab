/** Owns what a new job takes over from the parent it was given: whether it exists, and which root it belongs to. */
import { channelName } from '../bus/layout.ts';
import { readFirstLine } from '../bus/read/first-line.ts';
import { NikaError } from '../model/error.ts';
import { type EntityId, entityIdSchema, entityTypeOf } from '../model/id.ts';

/**
 * The root that a child of `parent` belongs to: the topmost JOB. Below a PROJ the child is itself a root (`undefined`).
 * @throws {NikaError} `NIKA_ENTITY_NO_PARENT`
 */
export const readParentRoot = async (busDir: string, parent: EntityId): Promise<EntityId | undefined> => {
  const line = await readFirstLine(busDir, channelName(parent));
  if (line === undefined) {
    throw new NikaError('NIKA_ENTITY_NO_PARENT', `the parent ${parent} is not on the bus`, { subject: parent });
  }
  if (entityTypeOf(parent) === 'PROJ') return undefined;
  const root = entityIdSchema.safeParse(line.meta['root_id']);
  return root.success ? root.data : parent;
};
