/** Owns how one collection takes the place of another: by an alias of its name. */
import { z } from 'zod';
import type { LinkOutcome } from './link-failure.ts';
import type { QdrantLink } from './qdrant-link.ts';

const CALL_MS = 60_000;
const aliasesSchema = z.object({
  aliases: z.array(z.object({ alias_name: z.string(), collection_name: z.string() })),
});

/** What the name of the link stands for; `undefined`: itself. */
export const resolveAlias = async (link: QdrantLink, signal: AbortSignal): Promise<LinkOutcome<string | undefined>> => {
  const terms = { schema: aliasesSchema, withinMs: CALL_MS };
  const outcome = await link.call((api, init) => api.getCollectionsAliases({}, init), terms, signal);
  if (outcome.kind !== 'done') return outcome;
  const alias = outcome.value.aliases.find((one) => one.alias_name === link.collection);
  return { kind: 'done', value: alias?.collection_name };
};

export interface Replacement {
  /** Is removed. */
  readonly old: string;
  readonly by: string;
  /** The name is an alias already: then there is no moment in which it stands for nothing. */
  readonly isAlias: boolean;
}

export const replaceCollection = async (
  link: QdrantLink,
  { old, by, isAlias }: Replacement,
  signal: AbortSignal,
): Promise<LinkOutcome<boolean>> => {
  const terms = { schema: z.boolean(), withinMs: CALL_MS };
  const remove = () => link.call((api, init) => api.deleteCollection({ collection_name: old }, init), terms, signal);
  const create = { create_alias: { alias_name: link.collection, collection_name: by } };
  const actions = isAlias ? [{ delete_alias: { alias_name: link.collection } }, create] : [create];
  const rename = () => link.call((api, init) => api.updateAliases({ actions }, init), terms, signal);
  const [first, second] = isAlias ? [rename, remove] : [remove, rename];
  const done = await first();
  return done.kind === 'done' ? second() : done;
};
