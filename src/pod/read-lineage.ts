/** Owns who is above an entity, as the bus has it. */
import { channelName } from '../bus/layout.ts';
import { readFirstLine } from '../bus/read/first-line.ts';
import { type EntityId, entityIdSchema } from '../model/id.ts';

/** More above each other are a mistake (G6). */
const MAX_LINEAGE = 1_000;

/** An entity and all above it, itself first. @throws {NikaError} `NIKA_BUS_UNREADABLE` */
export const readLineage = async (busDir: string, entity: EntityId): Promise<readonly EntityId[]> => {
  const lineage: EntityId[] = [];
  for (let at: EntityId | undefined = entity; at !== undefined && lineage.length < MAX_LINEAGE;) {
    if (lineage.includes(at)) break;
    lineage.push(at);
    const line = await readFirstLine(busDir, channelName(at));
    at = entityIdSchema.safeParse(line?.meta['parent_id']).data;
  }
  return lineage;
};
