/**
 * Owns the orchestrator (Alpha): a process that follows the swarm, watches over it, and does the duties of this home.
 *
 * A1. One works in a home: it holds a lock that the kernel frees. Others of the home stand by, and take over at once.
 * A2. One leads all homes that share a Redis, by a lease for each role; others do the duties of their own home alone.
 * A3. It ends within a second when it is told to, its leases released.
 */
import { createHash } from 'node:crypto';
import { readlinkSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { tryLock } from '../../bus/segments.ts';
import type { Home } from '../../config/home.ts';
import type { Settings } from '../../config/settings.ts';
import { bestEffort, bestEffortSync } from '../../failopen/best-effort.ts';
import { thisProcess } from '../../failopen/process-identity.ts';
import type { StartFeedReader } from '../../ipc/feed/reader/feed-reader.ts';
import type { PodListener } from '../../pod/pod-event.ts';
import { thisPodProcess } from '../../pod/registry/pod-status.ts';
import { SwarmSession } from '../session/swarm-session.ts';
import { alphaDir, type AlphaRecord, removeAlphaRecord, type RoleRecord, writeAlphaRecord } from './alpha-record.ts';
import type { AlphaContext, Duties, DutyRole } from './duty.ts';
import { fillView } from './fill-view.ts';
import { Role, ROLE_TIMES, type RoleTimes } from './role.ts';
import { RoleWork } from './role-work.ts';
import { SwarmView } from './swarm-view.ts';

export interface AlphaOptions {
  readonly home: Home;
  readonly settings: Settings;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly duties: Duties;
  readonly startReader: StartFeedReader;
  readonly times?: RoleTimes;
  readonly listener?: PodListener;
  /** Told of each change of how it stands. */
  readonly onRecord?: (record: AlphaRecord) => void;
}

type LeasedRole = Exclude<DutyRole, 'home'>;
const LEASES = { orchestrator: 'alpha', monitor: 'monitor' } as const satisfies Record<LeasedRole, string>;
const LEASED = ['orchestrator', 'monitor'] as const;

const LOCK_EVERY_MS = 500;
const RECORD_EVERY_MS = 1_000;
const FILL_MS = 30_000;

interface Held {
  readonly role: Role;
  work: RoleWork | undefined;
  /** Ends what a change of the standing ended, in order. */
  changing: Promise<void>;
}

const networkNamespace = (): string => {
  try {
    return readlinkSync('/proc/self/ns/net'); // as far as the lock of A1 reaches
  } catch {
    return '';
  }
};

/** Of this home on this host: who takes over by A1 holds what the one before held. */
const namesOf = ({ dir, busDir }: Home): { readonly holder: string; readonly consumer: string } => {
  const { dev, ino } = statSync(busDir);
  const hash = (...parts: readonly string[]): string =>
    createHash('sha256').update(parts.join(' ')).digest('hex').slice(0, 12);
  const place = [hostname(), networkNamespace(), `${dev}-${ino}`];
  const { bootId } = thisProcess();
  return { holder: `${hostname()}:${dir}#${hash(...place, bootId)}`, consumer: `${hostname()}-${hash(...place)}` };
};

export class Alpha {
  readonly #options: AlphaOptions;
  readonly #swarm: SwarmSession;
  readonly #view = new SwarmView();
  readonly #held = new Map<LeasedRole, Held>();
  readonly #startedAt = new Date().toISOString();
  readonly #failures: Record<string, { count: number; why: string; at: string }> = {};
  #home: RoleWork | undefined;
  #shown = '';

  private constructor(options: AlphaOptions) {
    this.#options = options;
    const { home, settings, env, listener } = options;
    const more = listener === undefined ? {} : { listener };
    this.#swarm = SwarmSession.open({ home, settings, env, kind: 'alpha', job: 'nika-alpha', ...more });
  }

  /** Works until the signal is aborted, then ends (A3). @throws {NikaError} `NIKA_BUS_KEY` */
  static async run(options: AlphaOptions, signal: AbortSignal): Promise<void> {
    const alpha = new Alpha(options);
    const recording = setInterval(() => alpha.#tell(), RECORD_EVERY_MS);
    try {
      alpha.#tell();
      await using _lock = await alpha.#lockHome(signal);
      if (!signal.aborted) await alpha.#work(signal);
    } finally {
      clearInterval(recording);
      await alpha.#swarm.close();
      removeAlphaRecord(options.home.runDir, alpha.#swarm.session.id);
    }
  }

  /** A1 */
  async #lockHome(signal: AbortSignal): Promise<AsyncDisposable> {
    const { busDir } = this.#options.home;
    while (!signal.aborted) {
      const lock = await tryLock(busDir, 'alpha').catch(() => undefined); // `_bus/` was removed: it comes back with the next line
      if (lock !== undefined) return lock;
      await delay(LOCK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
    return { [Symbol.asyncDispose]: () => Promise.resolve() };
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { home, times = ROLE_TIMES, duties } = this.#options;
    const { holder } = namesOf(home);
    this.#home = new RoleWork({
      role: 'home',
      duties,
      context: this.#contextOf(() => Promise.resolve(true)),
      ready: Promise.resolve(),
      follow: undefined,
      onFailure: (name, why) => this.#fail(name, why),
    });
    for (const name of LEASED) {
      const role: Role = new Role({
        lease: LEASES[name],
        holder,
        link: this.#swarm.session.link,
        times,
        onStanding: ({ kind }) => this.#change(name, kind === 'active'),
      });
      this.#held.set(name, { role, work: undefined, changing: Promise.resolve() });
    }
    this.#tell();
    await this.#until(signal);
    const ending = [...this.#held.values()].map(async (held) => {
      const ended = held.role.end();
      await held.changing;
      await ended;
    });
    await Promise.all([...ending, this.#home.end()]);
  }

  #until(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (signal.aborted) resolve();
    return promise;
  }

  #contextOf(mayAct: () => Promise<boolean>): AlphaContext {
    const { home, settings, env } = this.#options;
    const swarm = this.#swarm;
    const link = (until?: AbortSignal) => swarm.session.link.get(until);
    return { home, settings, env, swarm, view: this.#view, link, mayAct };
  }

  #change(name: LeasedRole, isActive: boolean): void {
    const held = this.#held.get(name);
    if (held === undefined) return;
    if (isActive && held.work !== undefined) return;
    const { work } = held;
    held.work = undefined;
    const ended = Promise.all([held.changing, work?.end()]);
    held.changing = ended.then(() => {
      if (isActive && held.role.standing.kind === 'active') held.work ??= this.#startWork(name, held.role);
      this.#tell();
    });
    held.changing.catch((thrown: unknown) => this.#fail(name, String(thrown)));
    this.#swarm.session.log.write('info', 'role', { role: name, ...held.role.standing });
    this.#tell();
  }

  #startWork(name: LeasedRole, role: Role): RoleWork {
    const { home, settings, duties, startReader, times = ROLE_TIMES } = this.#options;
    const log = this.#swarm.session.log;
    const context = this.#contextOf(() => role.isHeldNow());
    return new RoleWork({
      role: name,
      duties,
      context,
      ready: this.#fill(context),
      follow: {
        busDir: home.busDir,
        stateDir: alphaDir(home.runDir),
        target: settings.redis.kind === 'on' ? settings.redis : undefined,
        startReader,
        isAlone: role.standing.kind === 'active' && role.standing.by === 'lease',
        group: name,
        consumer: namesOf(home).consumer,
        minIdleMs: times.leaseS * 1000,
        onStatus: (status) => {
          log.write('info', 'follows', { role: name, ...status });
          this.#tell();
        },
        onGivenUp: ({ id, entity, event }, why) =>
          log.write('error', 'a change was given up', { id, entity, event, why }),
      },
      onFailure: (duty, why) => this.#fail(duty, why),
    });
  }

  /** One role is told of it while the other follows already: the view does not go by the order. */
  async #fill(context: AlphaContext): Promise<void> {
    const filled = await bestEffort('alpha.fill', { withinMs: FILL_MS }, (signal) => fillView(context, signal));
    if (filled.kind !== 'done') this.#fail('history', filled.kind === 'failed' ? filled.why : 'it took too long');
    this.#tell();
  }

  #fail(name: string, why: string): void {
    const clean = this.#swarm.session.clean(why);
    const known = this.#failures[name];
    if (known?.why !== clean) this.#swarm.session.log.write('warn', 'a duty failed', { name, why: clean });
    this.#failures[name] = { count: (known?.count ?? 0) + 1, why: clean, at: new Date().toISOString() };
  }

  /** Into its record, where something changed but the time. */
  #tell(): void {
    const record = this.#record();
    const shown = JSON.stringify({ ...record, at: '' });
    if (shown === this.#shown) return;
    this.#shown = shown;
    const { runDir } = this.#options.home;
    bestEffortSync('alpha.record', () => writeAlphaRecord(runDir, record));
    bestEffortSync('alpha.listener', () => this.#options.onRecord?.(record));
  }

  #record(): AlphaRecord {
    const { session, self } = this.#swarm;
    return {
      v: 1,
      session: session.id,
      entity: self.id,
      process: thisPodProcess(),
      started_at: this.#startedAt,
      at: new Date().toISOString(),
      has_home: this.#home !== undefined,
      roles: { orchestrator: this.#roleRecord('orchestrator'), monitor: this.#roleRecord('monitor') },
      entities: { ...this.#view.counts() },
      stale_pods: this.#view.staleSessions().length,
      failures: { ...this.#failures },
      log: `${this.#options.home.logsDir}/${session.id}.jsonl`,
    };
  }

  #roleRecord(name: LeasedRole): RoleRecord {
    const held = this.#held.get(name);
    const standing = held?.role.standing ?? { kind: 'starting' as const };
    const status = held?.work?.follower?.status;
    const { fromFeed = 0, fromBus = 0, repeated = 0, givenUp = 0 } = held?.work?.follower?.counts ?? {};
    return {
      standing: standing.kind,
      by: standing.kind === 'active' ? standing.by : null,
      holder: standing.kind === 'standby' ? standing.holder : null,
      since: 'sinceAtMs' in standing ? new Date(standing.sinceAtMs).toISOString() : null,
      follows: status?.kind ?? null,
      is_caught_up: status?.kind === 'feed' && status.isCaughtUp,
      why: status?.kind === 'bus' ? this.#swarm.session.clean(status.why) : null,
      from_feed: fromFeed,
      from_bus: fromBus,
      repeated,
      given_up: givenUp,
    };
  }
}
