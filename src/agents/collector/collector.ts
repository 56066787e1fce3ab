/**
 * Owns the collector: one small process per home that takes the hooks of agents which nika did not start. Each session
 * of such an agent is a pod of its own. It leaves when nothing has been heard for a while.
 *
 * B1. One works per home: it holds a lock that the kernel frees.
 */
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolder } from '../../failopen/make-folder.ts';
import type { Home } from '../../config/home.ts';
import type { Settings } from '../../config/settings.ts';
import { bestEffort, bestEffortSync } from '../../failopen/best-effort.ts';
import { HookEndpoint } from '../endpoint/hook-endpoint.ts';
import { HookSpool } from '../endpoint/hook-spool.ts';
import { type Fields, wordOf } from '../read-fields.ts';
import { agentProcessOf } from './agent-process-of.ts';
import { CollectedSession, speaksOwnForm } from './collected-session.ts';
import { collectorPlace } from './collector-place.ts';
import { readForeignPayload } from './foreign-payload.ts';

export interface CollectorOptions {
  readonly home: Home;
  readonly settings: Settings;
  readonly idleMs: number;
}

/** More at once are told of as one that cannot be taken (G6). */
const MAX_SESSIONS = 500;
const END_BUDGET_MS = 10_000;
const SPOOL_BUDGET_MS = 30_000;

interface Origin {
  readonly agent: string;
  /** Of the process above the hook. */
  readonly pid: number | undefined;
}

/** `claude-code.12345`, as the hook in shell says it. */
const parseOrigin = (from: string): Origin => {
  const [, agent = from, pid] = /^(.+)\.(\d{1,10})$/.exec(from) ?? [];
  return { agent, pid: pid === undefined ? undefined : Number(pid) };
};

export class Collector {
  readonly #options: CollectorOptions;
  readonly #sessions = new Map<string, CollectedSession>();
  /** Those too whose pod is ending, while the agent goes on with the session in another one. */
  readonly #open = new Set<CollectedSession>();
  readonly #idle = Promise.withResolvers<void>();
  #timer: NodeJS.Timeout | undefined;
  #refused = 0;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  /** Takes what comes until it is idle, or `signal` is aborted; then ends what is open. */
  async run(signal: AbortSignal): Promise<void> {
    const place = collectorPlace(this.#options.home);
    bestEffortSync('collector.folder', () => makeFolder(dirname(place.socket), 0o700));
    bestEffortSync('collector.socket', () => rmSync(place.socket, { force: true })); // of one that was killed
    using spool = HookSpool.open(place.spool, (_event, payload, name) =>
      this.#take(name.replace(/^\d+-/, ''), payload),
    );
    await bestEffort('hooks.spool', { withinMs: SPOOL_BUDGET_MS }, () => spool.take()); // they came first
    const handle = async (from: string, payload: Fields): Promise<string> => {
      await spool.take(); // what found nobody came before
      return this.#take(from, payload);
    };
    await using _endpoint = await HookEndpoint.open({ handle, socket: place.socket, hasTcp: false });
    bestEffortSync('collector.starting', () => rmSync(place.starting, { recursive: true, force: true }));
    signal.addEventListener('abort', () => this.#idle.resolve(), { once: true });
    this.#waitForMore();
    await this.#idle.promise;
    await bestEffort('hooks.spool', { withinMs: SPOOL_BUDGET_MS }, () => spool.take());
    const open = [...this.#open];
    for (const session of open) session.end();
    await bestEffort('collector.end', { withinMs: END_BUDGET_MS }, () => Promise.all(open.map(({ ended }) => ended)));
  }

  /** Sessions that could not be taken. */
  get refused(): number {
    return this.#refused;
  }

  /** Answered with nothing: nika did not start the agent, and does not steer it. */
  async #take(from: string, given: Fields): Promise<string> {
    const { agent, pid } = parseOrigin(from);
    const read = readForeignPayload(given);
    const { session: id, agent: itself, named } = read;
    if (id === undefined) return '';
    const kind = itself ?? agent;
    const { event, payload } = speaksOwnForm(kind) ? { event: named, payload: given } : read;
    const key = `${kind} ${id}`;
    const known = this.#sessions.get(key);
    const session = known?.isOver === false ? known : this.#begin({ key, agent: kind, pid }, payload);
    if (session === undefined) this.#refused += 1;
    else await session.take(event, payload);
    return '';
  }

  #begin({ key, agent, pid }: Origin & { key: string }, payload: Fields): CollectedSession | undefined {
    if (payload['hook_event_name'] === 'SessionEnd' || this.#open.size >= MAX_SESSIONS) return undefined;
    clearTimeout(this.#timer);
    const { home, settings } = this.#options;
    const session = CollectedSession.start({
      home,
      settings,
      agent,
      cwd: wordOf(payload['cwd']) ?? home.dir,
      process: pid === undefined ? undefined : agentProcessOf(pid, agent),
    });
    this.#sessions.set(key, session);
    this.#open.add(session);
    const over = (): void => {
      this.#open.delete(session);
      if (this.#sessions.get(key) === session) this.#sessions.delete(key);
      if (this.#open.size === 0) this.#waitForMore();
    };
    session.ended.then(over, over);
    return session;
  }

  #waitForMore(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#idle.resolve(), this.#options.idleMs);
  }
}
