/** Owns a link whose client a library uses too, which brings commands of its own (BullMQ). */
import type { RedisTarget } from '../config/redis/redis-settings.ts';
import type { Client } from './client.ts';
import { Link, secretsOf } from './link.ts';
import { resolveClientOptions } from './link-options.ts';

export interface SharedLink {
  /** A writer; its `close` ends the client. */
  readonly link: Link;
  /** Only to be called while the link is ready, with a deadline of one's own: ioredis has none that a caller can rely on. */
  readonly client: Client;
}

/** Comes back at once, connecting. @throws a system error where a certificate of the settings cannot be read any more. */
export const openShared = async (target: RedisTarget): Promise<SharedLink> => {
  const { createClient } = await import('./client.ts');
  const client = createClient(resolveClientOptions(target, 'writer'));
  return { link: new Link(client, 'writer', secretsOf(target)), client };
};
