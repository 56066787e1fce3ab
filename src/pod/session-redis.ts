/** Owns a session's dealings with Redis: what it tells of itself there, how Redis stands with it, what an outage came to. */
import type { Home } from '../config/home.ts';
import type { Settings } from '../config/settings.ts';
import type { Outage } from '../failopen/service-watch.ts';
import type { SessionId } from '../model/id.ts';
import type { MessageData } from '../model/message.ts';
import { keepLeftCounts } from '../recorder/reconcile/left-counters.ts';
import { RedisSink } from '../recorder/redis/redis-sink.ts';
import type { SessionFacts } from '../telemetry/session-facts.ts';
import { type PlannedReconcile, startReconcileSoon } from './reconcile/start-reconcile.ts';
import type { ServiceStanding } from './pod-event.ts';

export interface SessionRedisOptions {
  readonly settings: Settings;
  readonly session: SessionId;
  readonly home: Home;
  /** Text without secrets. */
  readonly clean: (text: string) => string;
  /** Resolves once what was recorded is on stable storage, or had its time for that. */
  readonly settle: () => Promise<void>;
  /** Whether all that was recorded stands on the bus. */
  readonly isBusWhole: () => boolean;
  readonly onOutageStart: (why: string) => void;
  /** With the line for the bus, and what to say of it. */
  readonly onOutageEnd: (outage: MessageData<'outage'>, told: string) => void;
  /** The session ends, and the outage does not. */
  readonly onOutageLeft: (outage: MessageData<'outage'>) => void;
}

/** With the closing of the link, less than a second (G1). */
const DRAIN_BUDGET_MS = 800;

/** One pod in so many milliseconds looks whether others have left something. */
const RECONCILE_EVERY_MS = 60_000;

export class SessionRedis {
  readonly sink: RedisSink;
  readonly #options: SessionRedisOptions;
  #facts: (() => SessionFacts) | undefined;
  #lastOutageEndMs: number | undefined;
  #reconcile: PlannedReconcile | undefined;

  constructor(target: RedisSink['target'], options: SessionRedisOptions) {
    const { session, home, settle, isBusWhole, clean, onOutageStart, onOutageEnd } = options;
    this.#options = options;
    this.sink = new RedisSink({
      target,
      session,
      busDir: home.busDir,
      settle,
      isBusWhole,
      facts: () => this.#facts?.(),
      onOutageStart: (why) => onOutageStart(clean(why)),
      onOutageEnd: (outage) => {
        this.#lastOutageEndMs = Date.now();
        onOutageEnd(this.#lineOf(outage), `${outage.replayed} entries delivered late, ${outage.dropped} dropped`);
      },
      onUp: () => {
        const sinceAtMs = this.#lastOutageEndMs ?? Date.now() - RECONCILE_EVERY_MS;
        this.#reconcile = startReconcileSoon(home, process.env, sinceAtMs);
      },
    });
  }

  get standing(): ServiceStanding {
    const { state, isKnown } = this.sink;
    if (!isKnown && state.kind === 'up') {
      return { service: 'redis', state: 'degraded', since: new Date(state.sinceAtMs).toISOString(), why: 'connecting' };
    }
    const why = state.kind === 'up' ? null : this.#options.clean(state.why);
    return { service: 'redis', state: state.kind, since: new Date(state.sinceAtMs).toISOString(), why };
  }

  /** How the session stands, whenever Redis is told. */
  setFacts(facts: () => SessionFacts): void {
    this.#facts = facts;
  }

  /** A last try to bring what Redis does not have yet. */
  async drain(): Promise<void> {
    await this.sink.drain(DRAIN_BUDGET_MS);
    await this.#reconcile?.atOnce(); // where all pods are short nobody else would
    const { ongoing } = this.sink;
    if (ongoing !== undefined) this.#options.onOutageLeft(this.#lineOf(ongoing));
  }

  /** What Redis has not counted is kept for the next reconcile. */
  async close(): Promise<void> {
    await this.sink.close();
    keepLeftCounts(this.#options.home.runDir, this.sink.leftCounts());
  }

  /** As it stands on the bus. */
  #lineOf({ sinceAtMs, cause, ...counts }: Outage): MessageData<'outage'> {
    const span = { since: new Date(sinceAtMs).toISOString(), until: new Date().toISOString() };
    return { service: 'redis', ...span, cause: this.#options.clean(cause), ...counts };
  }
}

/** `undefined`: no Redis is configured. */
export const openSessionRedis = (options: SessionRedisOptions): SessionRedis | undefined => {
  const { redis } = options.settings;
  return redis.kind === 'off' ? undefined : new SessionRedis(redis, options);
};
