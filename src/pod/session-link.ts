/**
 * Owns a session's own connection to Redis for what is asked and answered: signals, working memory, contracts, leases.
 * What is only told goes over the sink of the recorder. Opened when it is first wanted.
 */
import type { Settings } from '../config/settings.ts';
import { createKeys, type Keys } from '../redis/keys.ts';
import type { Link } from '../redis/link.ts';

export type LinkAnswer =
  | { readonly kind: 'link'; readonly link: Link; readonly keys: Keys }
  /** No Redis is configured. */
  | { readonly kind: 'none' }
  | { readonly kind: 'away'; readonly why: string };

/** A first connection may take this long; later an answer is there at once. */
const CONNECT_MS = 1_000;

export class SessionLink implements AsyncDisposable {
  readonly #redis: Settings['redis'];
  #opening: Promise<Link> | undefined;

  constructor({ redis }: Pick<Settings, 'redis'>) {
    this.#redis = redis;
  }

  /** Never rejects. */
  async get(signal?: AbortSignal): Promise<LinkAnswer> {
    const redis = this.#redis;
    if (redis.kind === 'off') return { kind: 'none' };
    this.#opening ??= import('../redis/link.ts').then(({ openWriter }) => openWriter(redis));
    try {
      const link = await this.#opening;
      if (await link.untilKnown(CONNECT_MS, signal)) return { kind: 'link', link, keys: createKeys(redis.prefix) };
      return { kind: 'away', why: link.status.kind === 'down' ? link.status.why : 'it does not take the connection' };
    } catch (thrown) {
      this.#opening = undefined; // a certificate that cannot be read …
      return { kind: 'away', why: thrown instanceof Error ? thrown.message : String(thrown) };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const link = await this.#opening?.catch(() => undefined);
    await link?.close();
  }
}
