/** Owns which parent a library pod has that names none: the pod that started its program, where that is of the same home. */
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { channelName } from '../../bus/layout.ts';
import { readFirstLine } from '../../bus/read/first-line.ts';
import type { Home } from '../../config/home.ts';
import { type EntityId, entityIdSchema, entityTypeOf } from '../../model/id.ts';

const realPath = (path: string): string => {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
};

/** The JOB or TASK of this home that the environment says this program runs in; whether it is on the bus is not looked at. */
export const namedParent = (home: Home, env: Readonly<Record<string, string | undefined>>): EntityId | undefined => {
  const { NIKA_HOME: outerHome, NIKA_ENTITY_ID: text } = env;
  if (outerHome === undefined || realPath(outerHome) !== realPath(home.dir)) return undefined;
  const id = entityIdSchema.safeParse(text);
  return id.success && ['JOB', 'TASK'].includes(entityTypeOf(id.data)) ? id.data : undefined;
};

/** `NIKA_ENTITY_ID`, if it is a JOB or TASK on the bus of the home. What else stands there is no error: nobody gave it. */
export const inheritedParent = async (home: Home, env: NodeJS.ProcessEnv): Promise<EntityId | undefined> => {
  const id = namedParent(home, env);
  if (id === undefined) return undefined;
  try {
    const line = await readFirstLine(home.busDir, channelName(id));
    return line === undefined ? undefined : id;
  } catch {
    return undefined; // a bus that cannot be read is told by the pod itself
  }
};
