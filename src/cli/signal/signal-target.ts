/** Owns which JOB is meant by a command about signals: one of this home by its short names, another one by its whole id. */
import { NikaError } from '../../model/error.ts';
import { type EntityId, entityIdSchema, entityTypeOf } from '../../model/id.ts';
import { resolveEntity } from '../bus/resolve-entity.ts';

/** @throws {NikaError} `NIKA_BUS_NO_ENTITY`, `NIKA_ENTITY_AMBIGUOUS`, `NIKA_MODEL_BAD_ID` */
export const resolveTarget = async (text: string, busDir: string): Promise<EntityId> => {
  const exact = entityIdSchema.safeParse(text);
  const id = exact.success ? exact.data : await resolveEntity(text, busDir);
  if (entityTypeOf(id) === 'JOB') return id;
  throw new NikaError('NIKA_MODEL_BAD_ID', `${id} is no JOB: signals go to JOBs`, { subject: id });
};
