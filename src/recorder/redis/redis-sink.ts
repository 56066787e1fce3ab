/**
 * Owns a session's way into Redis: the feed, the telemetry and the counters of it over one link, and what is told when
 * Redis is away and when it is back (G1, G3, G4, G9).
 *
 * Q1. ioredis is loaded by `start`, after the pod has begun; what is recorded before waits here.
 * Q2. The end of a session is not delayed by more than `drain` is told; a Redis that is known to be away not at all.
 */
import { type Outage, type ServiceState, ServiceWatch } from '../../failopen/service-watch.ts';
import { feedEventOf, type RecordedEvent } from '../../ipc/feed/feed-event.ts';
import { FeedPublisher } from '../../ipc/feed/feed-publisher.ts';
import { IpcCounters } from '../../ipc/ipc-counters.ts';
import { JobKeys } from '../../ipc/job-keys.ts';
import type { RedisTarget } from '../../config/redis/redis-settings.ts';
import type { EntityId, SessionId } from '../../model/id.ts';
import { BatchWriter } from '../../redis/batch-writer.ts';
import { createKeys } from '../../redis/keys.ts';
import { openWriter } from '../../redis/link.ts';
import type { SessionFacts } from '../../telemetry/session-facts.ts';
import { Telemetry } from '../../telemetry/telemetry.ts';
import type { RecordedToolCall } from '../../telemetry/tool-call-entry.ts';
import type { DayCounts } from '../../redis/day-totals.ts';
import { targetName } from '../reconcile/feed-cursor.ts';
import type { LeftCount, LeftCounts } from '../reconcile/left-counters.ts';
import type { RecordSink } from '../record-sink.ts';
import { readOwnFeedEvents } from './read-own-feed-events.ts';

export interface RedisSinkOptions {
  readonly target: RedisTarget;
  readonly session: SessionId;
  readonly busDir: string;
  /** How the session stands; texts are redacted. */
  readonly facts: () => SessionFacts | undefined;
  /** {@link Recorder.settle} */
  readonly settle: () => Promise<void>;
  /** {@link FeedPublisherOptions.isBusWhole} */
  readonly isBusWhole: () => boolean;
  readonly onOutageStart: (why: string) => void;
  readonly onOutageEnd: (outage: Outage) => void;
  /** {@link ServiceWatchOptions.onUp} */
  readonly onUp?: () => void;
}

/** The first tool call of the session goes first: loading the client takes the processor for 40 ms. */
const START_AFTER_MS = 25;

const SIGNIFICANT_ENDS: readonly string[] = ['job_completed', 'job_failed', 'job_cancelled'];

/** As the design has it: the ends of all entities, and the beginning of a root. */
const isSignificant = ({ type, entity, metaJson }: RecordedEvent): boolean =>
  SIGNIFICANT_ENDS.includes(type) || (type === 'entity_created' && metaJson.includes(`"root_id":"${entity}"`));

export class RedisSink implements RecordSink, AsyncDisposable {
  readonly target: RedisTarget;
  readonly #session: SessionId;
  readonly #feed: FeedPublisher;
  readonly #telemetry: Telemetry;
  readonly #watch: ServiceWatch;
  readonly #writer: BatchWriter;
  readonly #counters: IpcCounters;
  #replayedCount = 0;
  #resumed: EntityId | undefined;
  /** What waits now is not waiting for the next batch: there is none. */
  #isDrained = false;

  constructor(options: RedisSinkOptions) {
    const { target, session, busDir, settle, isBusWhole, facts, onOutageStart, onOutageEnd, onUp } = options;
    this.target = target;
    this.#session = session;
    const keys = createKeys(target.prefix);
    this.#feed = new FeedPublisher({
      keys,
      session,
      settle,
      isBusWhole,
      readBack: (sinceId, signal) => {
        return readOwnFeedEvents({ busDir, session, resumed: this.#resumed, sinceId, signal });
      },
    });
    this.#telemetry = new Telemetry({ keys, session, facts });
    this.#watch = new ServiceWatch({
      tally: () => ({
        offeredCount: this.#feed.offeredCount + this.#telemetry.offeredCount,
        droppedCount: this.#telemetry.droppedCount,
        waitingCount: this.#feed.waitingCount + this.#telemetry.waitingCount,
      }),
      ...(onUp === undefined ? {} : { onUp }),
      onOutageStart,
      onOutageEnd: (outage) => {
        this.#replayedCount += outage.replayed;
        onOutageEnd(outage);
      },
    });
    this.#counters = new IpcCounters(keys, session, () => ({
      published: this.#feed.publishedCount,
      events: this.#telemetry.writtenCount,
      replayed: this.#replayedCount,
      dropped: this.#telemetry.droppedCount,
      outages: this.#watch.outageCount,
    }));
    const jobKeys = new JobKeys(keys, () => facts()?.entity);
    const sources = [this.#feed, this.#telemetry, this.#counters, jobKeys];
    this.#writer = new BatchWriter({ openLink: () => openWriter(target), sources, watch: this.#watch });
  }

  get state(): ServiceState {
    return this.#watch.state;
  }

  /** Whether anything was heard of it yet. */
  get isKnown(): boolean {
    return this.#watch.isKnown;
  }

  /** The outage that is not over. */
  get ongoing(): Outage | undefined {
    return this.#watch.ongoing;
  }

  /** What was dropped, and what an outage holds back now, by name (G3). The feed's part is not lost: `nika reconcile` brings it. */
  dropped(): Readonly<Record<string, number>> {
    const isUp = this.#watch.state.kind === 'up' && !this.#isDrained;
    return {
      redis_events_dropped: this.#telemetry.droppedCount,
      redis_events_held_back: isUp ? 0 : this.#telemetry.waitingCount,
      redis_transitions_held_back: isUp ? 0 : this.#feed.waitingCount,
    };
  }

  /** Once it is closed: the counts that Redis has not confirmed. */
  leftCounts(): LeftCounts {
    const of = (hash: LeftCount['hash'], counts: readonly DayCounts[]): readonly LeftCount[] =>
      counts.map(({ day, totals }) => ({ hash, day, totals: { ...totals } }));
    return {
      session: this.#session,
      target: targetName(this.target),
      counts: [...of('metrics', this.#telemetry.unconfirmedCounts), ...of('ipcMetrics', this.#counters.unconfirmed)],
    };
  }

  /** Earlier sessions began that entity: what they could not tell of it comes first (G4). Before `start`. */
  resume(entity: EntityId): void {
    this.#resumed = entity;
    this.#feed.resume();
  }

  /** Q1 */
  start(): void {
    setTimeout(() => this.#writer.start(), START_AFTER_MS).unref();
  }

  toolCall(call: RecordedToolCall): void {
    this.#telemetry.offer(call);
    this.#writer.want(this.#telemetry.waitingCount);
  }

  message(event: RecordedEvent): void {
    const feedEvent = feedEventOf(event);
    if (feedEvent === undefined) return;
    this.#feed.offer(feedEvent, isSignificant(event));
    this.#writer.wantSoon();
  }

  /** Q2 */
  async drain(withinMs: number): Promise<void> {
    await this.#writer.drain(withinMs);
    this.#isDrained = true;
  }

  async close(): Promise<void> {
    await this.#writer.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
