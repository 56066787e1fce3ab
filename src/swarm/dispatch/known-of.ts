/**
 * Owns what is known of an entity besides the queue: whether a `created` that is told, perhaps again and late, is still to
 * be worked on. A queue that was emptied, and a feed that was made whole, tell old work as if it were new.
 */
import { readEntity } from '../../bus/query/entities.ts';
import { type EntityState, TRANSITIONS } from '../../model/entity.ts';
import { type EntityId, entityIdSchema } from '../../model/id.ts';
import { jobLeaseName } from '../../ipc/lease/job-lease.ts';
import { type Keys, leaseKey } from '../../redis/keys.ts';
import type { Link } from '../../redis/link.ts';

export interface RedisPlace {
  readonly link: Link;
  readonly keys: Keys;
}

const ASK_WITHIN_MS = 1_000;
/** Entries of the feed, the newest first, that are looked at for what came after. */
const PAGE = 1_000;
const MAX_PAGES = 10;

/** As the bus of this home has it; `undefined`: it has not the entity, or cannot be read. */
export const stateHere = async (busDir: string, entity: EntityId): Promise<EntityState | undefined> => {
  const view = await readEntity(busDir, entity).catch(() => undefined);
  return view?.state;
};

/** `free` also where Redis does not say: then the queue does not either. `rev`: how far the job is; each round of reviews has a lease of its own. */
export const leaseOf = async (
  { link, keys }: RedisPlace,
  entity: EntityId,
  rev = 1,
): Promise<'free' | 'held' | 'settled'> => {
  const { name } = leaseKey(keys, jobLeaseName(entity, rev), 1);
  const outcome = await link.call({ name: 'get', args: [name] }, { withinMs: ASK_WITHIN_MS });
  if (outcome.kind !== 'done' || typeof outcome.value !== 'string') return 'free';
  return / settled /.test(outcome.value) ? 'settled' : 'held';
};

const fieldsOf = (flat: unknown): ReadonlyMap<string, string> => {
  const list = Array.isArray(flat) ? flat.map(String) : [];
  return new Map(list.flatMap((name, at) => (at % 2 === 0 ? [[name, list[at + 1] ?? ''] as const] : [])));
};

/** What the feed tells of the entity, the newest first. */
async function* entriesBack(
  { link, keys }: RedisPlace,
  entity: EntityId,
): AsyncGenerator<{ readonly event: string; readonly ts: string }> {
  let before = '+';
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const command = { name: 'xrevrange', args: [keys.feed.name, before, '-', 'COUNT', PAGE] };
    const outcome = await link.call(command, { withinMs: ASK_WITHIN_MS });
    if (outcome.kind !== 'done' || !Array.isArray(outcome.value) || outcome.value.length === 0) return;
    for (const [id, flat] of outcome.value as [string, unknown][]) {
      before = `(${id}`;
      const fields = fieldsOf(flat);
      const isOfEntity = entityIdSchema.safeParse(fields.get('entity_id')).data === entity;
      if (isOfEntity) yield { event: fields.get('event') ?? '', ts: fields.get('ts') ?? '' };
    }
    if (outcome.value.length < PAGE) return;
  }
}

/** Whether the feed tells of anything that happened to the entity after `ts`: that it began, or was closed. */
export const hasGoneOn = async (
  redis: RedisPlace,
  { entity, ts: after }: { readonly entity: EntityId; readonly ts: string },
): Promise<boolean> => {
  for await (const { event, ts } of entriesBack(redis, entity)) if (event !== 'created' && ts >= after) return true;
  return false;
};

/** How it stands by the newest that the feed tells of it; `undefined`: nothing. */
export const stateOnFeed = async (redis: RedisPlace, entity: EntityId): Promise<EntityState | undefined> => {
  for await (const { event } of entriesBack(redis, entity)) {
    const told = TRANSITIONS.find((transition) => transition.event === event);
    if (told !== undefined) return told.to;
  }
  return undefined;
};
