/**
 * Owns what became of a job whose lease was settled by a pod that this home knows nothing of: the feed tells, or nobody does.
 *
 * E1. Settled is not over: between the lease and the line of the end its holder may die, with its host. A job is taken for
 *     done only by a line that says so, here or on the feed.
 */
import { TRANSITIONS, type EntityState } from '../../model/entity.ts';
import type { EntityId } from '../../model/id.ts';
import { entriesOf } from '../follow/feed-entries.ts';
import type { RedisPlace } from '../dispatch/known-of.ts';

export type SettledBy =
  | { readonly kind: 'told'; readonly state: EntityState; readonly why: string | undefined }
  /** So long since this was first asked. */
  | { readonly kind: 'silent'; readonly ms: number }
  | { readonly kind: 'unknown'; readonly why: string };

const PAGE = 1_000;
const ASK_WITHIN_MS = 2_000;
const MICROS_PER_MS = 1_000;

const isEndOf = (state: EntityState | undefined): state is EntityState =>
  state !== undefined && state !== 'created' && state !== 'in_progress';

/** Of one lease: what the feed told since it was acquired. */
export class SettledElsewhere {
  readonly token: number;
  readonly #entity: EntityId;
  readonly #sinceMs = performance.now();
  #after: string;

  /** `token`: of the lease, in microseconds of Redis's clock. */
  constructor(entity: EntityId, token: number) {
    this.#entity = entity;
    this.token = token;
    this.#after = `${Math.floor(token / MICROS_PER_MS)}-0`;
  }

  /** Reads on in the feed. Never rejects. */
  async look({ link, keys }: RedisPlace): Promise<SettledBy> {
    for (;;) {
      const command = { name: 'xrange', args: [keys.feed.name, this.#after, '+', 'COUNT', PAGE] };
      const outcome = await link.call(command, { withinMs: ASK_WITHIN_MS });
      if (outcome.kind !== 'done') return { kind: 'unknown', why: outcome.why };
      const entries = entriesOf(outcome.value);
      for (const { streamId, change } of entries) {
        this.#after = `(${streamId}`;
        const state = TRANSITIONS.find(({ event }) => event === change?.event)?.to;
        if (change?.entity !== this.#entity || !isEndOf(state)) continue;
        const { error, reason } = change.data;
        const why = error ?? reason;
        return { kind: 'told', state, why: typeof why === 'string' ? why : undefined };
      }
      if (entries.length < PAGE) return { kind: 'silent', ms: performance.now() - this.#sinceMs };
    }
  }
}
