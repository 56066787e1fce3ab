/**
 * Owns the session of who works on the swarm and is no pod: Alpha, a worker, a command that dispatches or reviews. It
 * writes the bus through the same recorder as pods do, and tells Redis what the feed carries.
 *
 * W1. Opening and closing never waits for Redis longer than a pod's end does (G1).
 */
import type { Home } from '../../config/home.ts';
import { ensureHome } from '../../config/home.ts';
import { readVersion } from '../../config/package-root.ts';
import type { Settings } from '../../config/settings.ts';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import { SWARM_LINEAGE } from '../../model/envelope.ts';
import { createEntityId, type EntityId, sessionIdSchema } from '../../model/id.ts';
import type { EntityStanding, PodEntity } from '../../pod/entity.ts';
import type { Lineage } from '../../pod/lineage.ts';
import type { PodListener } from '../../pod/pod-event.ts';
import { removeOpenSession, writeOpenSession } from '../../pod/registry/open-session.ts';
import { thisPodProcess } from '../../pod/registry/pod-status.ts';
import { Session } from '../../pod/session.ts';
import { resolveTrace } from '../../pod/trace.ts';
import { createBodyEncoder } from '../../recorder/body.ts';

export interface SwarmSessionOptions {
  readonly home: Home;
  readonly settings: Settings;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of whom a `session_start` and a summary stand on the bus; `command`: of none, it writes on others' channels alone. */
  readonly kind: 'alpha' | 'worker' | 'command';
  /** What runs: `nika-alpha`, `nika-worker`, `nika-dispatch` … */
  readonly job: string;
  /** Told when a service cannot be used, and when it can again. */
  readonly listener?: PodListener;
}

const HEADS_PER_LINE = 200;

export class SwarmSession implements AsyncDisposable {
  readonly #options: SwarmSessionOptions;
  readonly session: Session;
  /** Its own JOB: never begun and never ended as a job, so no reader counts it among the work. */
  readonly self: PodEntity;
  #closed: Promise<void> | undefined;

  private constructor(options: SwarmSessionOptions, session: Session, self: PodEntity) {
    this.#options = options;
    this.session = session;
    this.self = self;
  }

  /** @throws {NikaError} `NIKA_BUS_KEY` */
  static open(options: SwarmSessionOptions): SwarmSession {
    const { home, settings, env, kind, job, listener = () => undefined } = options;
    ensureHome(home);
    const { maxBodyBytes, redact } = settings.recorder;
    const session = new Session({
      home,
      settings,
      session: sessionIdSchema.parse(crypto.randomUUID()),
      trace: resolveTrace(env['TRACEPARENT']),
      attempt: 1,
      encoder: createBodyEncoder({ maxBodyBytes, patterns: redact }),
      listener,
    });
    const id = createEntityId('JOB');
    const self = session.entity(id, undefined, { job, ...SWARM_LINEAGE, root_id: id });
    const opened = new SwarmSession(options, session, self);
    if (kind !== 'command') {
      const start = { kind, version: readVersion(), cwd: process.cwd() };
      bestEffortSync('session.open', () =>
        writeOpenSession(home.runDir, {
          v: 1,
          session: session.id,
          writer: session.bus.id,
          meta: self.meta,
          process: thisPodProcess(),
          started_at: new Date().toISOString(),
        }),
      ); // first: whoever finds it without a line has nothing to close
      self.record('session_start', { ...start, ...session.weave(self) });
    }
    session.redis?.sink.start();
    return opened;
  }

  /** An entity of the swarm, as this session writes of it. `known`: how it stands on the bus. */
  entity(id: EntityId, parent: EntityId | undefined, lineage: Lineage, known?: EntityStanding): PodEntity {
    return this.session.entity(id, parent, lineage, known);
  }

  /** Ends the session with its summary (S1). `exitCode`: that of the process. */
  close(exitCode = 0): Promise<void> {
    this.#closed ??= this.#close(exitCode);
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(exitCode: number): Promise<void> {
    const { session, self } = this;
    session.bus.retryNow();
    await session.redis?.drain();
    if (this.#options.kind !== 'command') {
      self.record('session_end_summary', {
        outcome: exitCode === 0 ? 'completed' : 'failed',
        exit_code: exitCode,
        duration_ms: Math.round(session.atMs),
        calls: 0,
        errors: 0,
        dropped: session.dropped(),
        ...session.weave(self),
        heads: session.bus.heads().slice(-HEADS_PER_LINE),
      });
    }
    await session.close();
    if (this.#options.kind !== 'command')
      bestEffortSync('session.open', () => removeOpenSession(this.#options.home.runDir, session.id));
  }
}
