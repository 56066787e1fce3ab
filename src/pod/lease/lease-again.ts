/**
 * Owns the lease of a job of the queue that a person starts again: the pod before had one of its own, and a token is for one
 * holder alone. What another one holds is not taken.
 */
import { hostname } from 'node:os';
import type { Settings } from '../../config/settings.ts';
import { holderOf, jobLeaseName } from '../../ipc/lease/job-lease.ts';
import { type Acquired, tryAcquire, tryRelease } from '../../ipc/lease/lease.ts';
import { NikaError } from '../../model/error.ts';
import type { HeldLease } from '../../model/held-lease.ts';
import type { EntityId } from '../../model/id.ts';
import { createKeys, leaseKey } from '../../redis/keys.ts';

export interface LeaseAgainWish {
  readonly settings: Pick<Settings, 'redis' | 'swarm'>;
  readonly entity: EntityId;
  /** How far the entity is: each round of reviews has a lease of its own. */
  readonly rev: number;
  /** Of the pod before, which has ended. */
  readonly before: HeldLease;
  /** Of the pod that is to be started. */
  readonly session: string;
}

const CONNECT_MS = 1_000;

const whyNot = (acquired: Exclude<Acquired, { readonly kind: 'held' }>, entity: EntityId): NikaError => {
  if (acquired.kind === 'unknown') {
    return new NikaError('NIKA_QUEUE_AWAY', `whose ${entity} is cannot be known: Redis is away (${acquired.why})`, {
      subject: entity,
    });
  }
  const { holder, isSettled } = acquired;
  return new NikaError(
    'NIKA_ENTITY_EXISTS',
    isSettled ? `${entity} was ended by ${holder}` : `${entity} is run by ${holder} now`,
    { subject: entity, remedy: `See how it stands: nika queue show ${entity}` },
  );
};

/** @throws {NikaError} `NIKA_QUEUE_AWAY`; `NIKA_ENTITY_EXISTS`: another one has the job, such as a worker's pod */
export const acquireAgain = async ({
  settings,
  entity,
  rev,
  before,
  session,
}: LeaseAgainWish): Promise<HeldLease | null> => {
  const { redis, swarm } = settings;
  if (redis.kind === 'off') return null;
  const { openWriter } = await import('../../redis/link.ts');
  await using link = await openWriter(redis);
  await link.untilKnown(CONNECT_MS);
  const name = jobLeaseName(entity, rev);
  const key = leaseKey(createKeys(redis.prefix), name, swarm.leaseS);
  const wish = { key, holder: holderOf(hostname(), session), afterToken: before.token };
  let acquired = await tryAcquire(link, wish);
  if (acquired.kind === 'taken' && acquired.holder === before.holder && !acquired.isSettled) {
    await tryRelease(link, { key, holder: before.holder, token: acquired.token }); // it was killed, and let go of nothing
    acquired = await tryAcquire(link, wish);
  }
  if (acquired.kind !== 'held') throw whyNot(acquired, entity);
  return { name, holder: wish.holder, token: acquired.hold.token };
};
