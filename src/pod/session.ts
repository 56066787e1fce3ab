/**
 * Owns one session: the bus it writes to, its log, its entities, what it counts, and how it says good-bye.
 *
 * S1. The first lines are `entity_created`, `session_start`, `entity_started`; the last is `session_end_summary`.
 * S2. Whatever fails of bus, disk or log is told (listener, log, summary) and changes nothing for the work (G1, G3, G9).
 */
import { createChain } from '../bus/chain.ts';
import type { FileOutage } from '../bus/file-outage.ts';
import { BusWriter } from '../bus/writer.ts';
import type { Home } from '../config/home.ts';
import type { Settings } from '../config/settings.ts';
import { bestEffort, bestEffortSync, setFailureListener } from '../failopen/best-effort.ts';
import { Log } from '../log/log.ts';
import { errorMessage } from '../model/error.ts';
import { ENVELOPE_VERSION } from '../model/envelope.ts';
import { type EntityId, entityTypeOf, type SessionId } from '../model/id.ts';
import { createPriceOf } from '../config/prices/price-of.ts';
import { thisProcess } from '../failopen/process-identity.ts';
import type { BodyEncoder } from '../recorder/body.ts';
import type { DiskWatch } from '../recorder/disk-watch.ts';
import { Recorder } from '../recorder/recorder.ts';
import { SessionUsage } from './budget/session-usage.ts';
import { type EntityStanding, PodEntity } from './entity.ts';
import type { Lineage } from './lineage.ts';
import type { Degradation, PodEvent, PodListener } from './pod-event.ts';
import { SessionMemory } from './remember/session-memory.ts';
import { watchSessionDisk } from './session-disk.ts';
import { SessionLink } from './session-link.ts';
import { openSessionRedis, type SessionRedis } from './session-redis.ts';
import type { TraceIds } from './trace.ts';
import { weave } from './weave.ts';

export interface SessionOptions {
  readonly home: Home;
  readonly settings: Settings;
  readonly session: SessionId;
  readonly trace: TraceIds;
  /** Which try of the job it is, from 1. */
  readonly attempt: number;
  readonly encoder: BodyEncoder;
  readonly listener: PodListener;
}

const LOG_BUDGET_MS = 300;

export class Session implements AsyncDisposable {
  readonly #options: SessionOptions;
  readonly #startedAtMs = performance.now();
  readonly settings: Settings;
  readonly bus: BusWriter;
  readonly recorder: Recorder;
  readonly log: Log;
  readonly #disk: DiskWatch;
  readonly #memory: SessionMemory;
  readonly #delayed = { count: 0, dropped: 0, removed: 0 };
  readonly #process = thisProcess();
  readonly #degraded = new Map<string, Degradation>();
  readonly usage: SessionUsage;
  /** Nothing where none is configured. */
  readonly redis: SessionRedis | undefined;
  /** To Redis, for what is asked and answered. */
  readonly link: SessionLink;
  readonly #dropSources: (() => Readonly<Record<string, number>>)[] = [];
  readonly #observers: ((event: PodEvent) => void)[] = [];
  #main: PodEntity | undefined;

  /** @throws {NikaError} `NIKA_BUS_KEY`: a key that is configured and cannot be used is a misconfiguration. */
  constructor(options: SessionOptions) {
    this.#options = options;
    const { home, settings, session } = options;
    this.settings = settings;
    this.usage = new SessionUsage(createPriceOf(settings.prices));
    this.log = new Log({
      logsDir: home.logsDir,
      name: session,
      ...settings.logs,
      fields: { session_id: session },
      clean: (text) => this.clean(text),
    });
    const told = new Set<string>();
    setFailureListener((name, why) => {
      if (told.has(name)) return; // logged once; each is counted
      told.add(name);
      this.log.write('warn', 'best-effort work failed', { name, why });
    });
    this.#disk = watchSessionDisk({
      home,
      settings,
      onEnough: (why) => this.recover('disk', why),
      onLow: (why) => this.degrade('disk', why),
    });
    this.#memory = new SessionMemory(home, settings);
    const { segmentBytes, backlog } = settings.bus;
    this.bus = BusWriter.open({
      busDir: home.busDir,
      runDir: home.runDir,
      chain: createChain(settings.bus.keyFile),
      segmentBytes,
      backlog,
      onOutageStart: (file, why) => this.degrade('bus', `${file} cannot be written: ${why}`),
      onOutageEnd: (outage, how) => this.#endOutage(outage, how),
      onFileFailing: (file, detail) => this.#main?.record('condition', { condition: 'bus_file_failing', file, detail }),
      onFileRemoved: (file, lineCount) => this.#tellRemoved(file, lineCount),
      onSyncFailure: (path, why) => this.#tellSyncFailure(path, why),
    });
    this.redis = this.#openRedis();
    this.link = new SessionLink(settings);
    this.recorder = new Recorder({
      bus: this.bus,
      ...(this.redis === undefined ? {} : { sink: this.redis.sink }),
      encoder: options.encoder,
      mayKeepBlobs: () => this.#disk.room !== 'very low',
      onBlobFailure: (thrown) => this.log.write('warn', 'a blob could not be kept', { why: errorMessage(thrown) }),
    });
  }

  get id(): SessionId {
    return this.#options.session;
  }

  get attempt(): number {
    return this.#options.attempt;
  }

  /** Services that cannot be used now, and why (G9). */
  get degraded(): readonly Degradation[] {
    const redis = this.redis?.standing;
    const others = [...this.#degraded.values()];
    const isAway = redis !== undefined && redis.why !== null && this.redis?.sink.state.kind !== 'up';
    return isAway ? [...others, { ...redis, why: redis.why ?? '' }] : others;
  }

  get atMs(): number {
    return performance.now() - this.#startedAtMs;
  }

  /** Text without secrets, for the files beside the bus (G7). */
  clean(text: string): string {
    return this.#options.encoder.encodeText(text).text;
  }

  /**
   * An entity of this session. The first JOB made is the pod's own: it carries notes and outages. `known`: how it stands
   * already, where an earlier session began it.
   */
  entity(id: EntityId, parent: EntityId | undefined, lineage: Lineage, known?: EntityStanding): PodEntity {
    const { session, trace, attempt } = this.#options;
    const { host, pid } = this.#process;
    const entity = new PodEntity(
      {
        v: ENVELOPE_VERSION,
        session_id: session,
        entity_id: id,
        entity_type: entityTypeOf(id),
        ...(parent === undefined ? {} : { parent_id: parent }),
        attempt,
        host,
        pid,
        trace_id: trace.traceId,
        span_id: trace.spanId,
        ...lineage,
      },
      this.recorder,
      known,
    );
    if (entity.meta.entity_type === 'JOB') this.#main ??= entity;
    return entity;
  }

  /** One more who is told of every event, before the listener. */
  watch(observer: (event: PodEvent) => void): void {
    this.#observers.push(observer);
  }

  /** One more place where something may be dropped, by name (G3). */
  countDrops(source: () => Readonly<Record<string, number>>): void {
    this.#dropSources.push(source);
  }

  tell(event: PodEvent): void {
    for (const observer of this.#observers) bestEffortSync('pod.observer', () => observer(event));
    bestEffortSync('pod.listener', () => this.#options.listener(event, Math.round(this.atMs)));
  }

  /** What weaves the writers together (G8): for a line that `entity` writes next. */
  weave(entity: PodEntity): ReturnType<typeof weave> {
    return weave(this.#options.home.busDir, this.bus.id, entity);
  }

  /** What was dropped, cut or delayed so far, by name; only what is not zero (G3). */
  dropped(): Readonly<Record<string, number>> {
    const { lostBlobs, cutBodies } = this.recorder.counts;
    const all: Record<string, number> = {
      bus_lines_dropped: this.#delayed.dropped + this.bus.refusedCount,
      bus_lines_delayed: this.#delayed.count + this.bus.heldCount,
      bus_lines_removed: this.#delayed.removed,
      bodies_cut: cutBodies,
      blobs_lost: lostBlobs,
      log_entries_dropped: this.log.dropped,
      syncs_failed: this.bus.syncFailureCount,
      ...this.redis?.sink.dropped(),
      ...Object.assign({}, ...this.#dropSources.map((source) => source())),
    };
    // A hook without a name goes by its command line, which may hold a secret (G7).
    return Object.fromEntries(Object.entries(all).flatMap(([name, n]) => (n > 0 ? [[this.clean(name), n]] : [])));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Writes what is held back, syncs, closes; never later than {@link Recorder.settle} and the log's budget say (G1). */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** Once closed: a disk that hangs still has a file operation of ours, for which Node would wait at its end. */
  get isHeldUp(): boolean {
    return this.#isHeldUp;
  }

  #closed: Promise<void> | undefined;
  #isHeldUp = false;

  async #close(): Promise<void> {
    this.bus.retryNow();
    await this.redis?.close();
    await this.link[Symbol.asyncDispose]();
    await this.recorder.settle();
    this.bus[Symbol.dispose]();
    await this.#memory[Symbol.asyncDispose]();
    this.#disk[Symbol.dispose]();
    setFailureListener(undefined);
    const flushed = await bestEffort('log.flush', { withinMs: LOG_BUDGET_MS }, () => this.log.flush());
    this.#isHeldUp = flushed.kind === 'late';
    this.log[Symbol.dispose]();
  }

  #openRedis(): SessionRedis | undefined {
    return openSessionRedis({
      ...this.#options,
      clean: (text) => this.clean(text),
      settle: () => this.recorder.settle(),
      isBusWhole: () => !this.bus.isFailing,
      onOutageStart: (why) => this.#tellDegraded('redis', why),
      onOutageEnd: (outage, told) => {
        this.#main?.record('outage', outage);
        this.log.write('info', 'recovered', { ...outage });
        this.tell({ event: 'recovered', service: 'redis', why: told });
      },
      onOutageLeft: (outage) => this.log.write('warn', 'not back before the end', { ...outage }),
    });
  }

  /** A service, or the hooks of an agent, cannot be used, or only in part (G9). */
  degrade(service: string, why: string): void {
    this.#degraded.set(service, { service, why, state: 'degraded', since: new Date().toISOString() });
    this.#tellDegraded(service, why);
  }

  #tellDegraded(service: string, why: string): void {
    this.log.write('warn', 'degraded', { service, why });
    this.tell({ event: 'degraded', service, why });
  }

  #tellRemoved(file: string, lineCount: number): void {
    const detail = `it was removed or moved away while it was written to, and ${lineCount} lines of this writer with it`;
    if (this.#delayed.removed === 0) this.degrade('bus', `${file}: ${detail}`);
    this.#delayed.removed += lineCount;
    this.#main?.record('condition', { condition: 'bus_file_removed', file, detail });
  }

  #tellSyncFailure(path: string, why: string): void {
    if (this.bus.syncFailureCount > 1) return; // logged once; each is counted
    this.log.write('warn', 'not on stable storage: a power cut may lose what it holds', { path, why });
  }

  recover(service: string, why: string): void {
    this.#degraded.delete(service);
    this.log.write('info', 'recovered', { service, why });
    this.tell({ event: 'recovered', service, why });
  }

  #endOutage(outage: FileOutage, how: 'over' | 'given-up'): void {
    const { sinceMs, cause, buffered, replayed, dropped } = outage;
    this.#delayed.count += replayed;
    this.#delayed.dropped += dropped;
    if (how === 'given-up') {
      this.log.write('error', 'the bus could not be written to the end', { ...outage });
      return;
    }
    const span = { since: new Date(sinceMs).toISOString(), until: new Date().toISOString() };
    this.#main?.record('outage', { service: 'bus', ...span, cause, buffered, replayed, dropped });
    this.recover('bus', `${replayed} lines written late, ${dropped} dropped`);
  }
}
