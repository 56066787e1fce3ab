/** Owns how a notification gets from a pod, or from who closes one, to the sender: into the spool, and nobody waits. */
import type { Home } from '../../config/home.ts';
import type { NotifyWay } from '../../config/notify/notify-settings.ts';
import { bestEffort, bestEffortSync } from '../../failopen/best-effort.ts';
import type { Notice } from '../../model/notice.ts';
import { countDropped, createSpooled, prepareSpool, spoolDir, trySpool } from '../../notify/spool.ts';
import { keyOf, nameOf, wants } from '../../notify/way.ts';
import { startSender } from './start-sender.ts';

export interface NotifierOptions {
  readonly home: Home;
  readonly ways: readonly NotifyWay[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What a disk that hangs costs (G1). */
const SPOOL_BUDGET_MS = 500;

/** What became of it: how many ways will tell of it, and why others will not. */
export interface Told {
  readonly ways: number;
  readonly dropped: readonly string[];
}

export class Notifier {
  readonly #options: NotifierOptions;
  readonly #dir: string;

  /** The spool is made now, while the disk has room. */
  constructor(options: NotifierOptions) {
    this.#options = options;
    this.#dir = spoolDir(options.home.runDir);
    bestEffortSync('notify.spool', () => prepareSpool(this.#dir));
  }

  /**
   * By all ways that want it. `id`: the same for the same thing, whoever tells of it and how often. Never rejects, and
   * takes half a second at most.
   */
  async tell(id: string, notice: Notice, ways: readonly NotifyWay[] = this.#options.ways): Promise<Told> {
    const wanted = new Map(
      ways.filter((way) => wants(way, notice)).map(({ target }) => [keyOf(target), nameOf(target)]),
    );
    if (wanted.size === 0) return { ways: 0, dropped: [] };
    const spooling = await bestEffort('notify.spool', { withinMs: SPOOL_BUDGET_MS }, (signal) =>
      Promise.all(
        Array.from(wanted, ([key, name]) => trySpool(this.#dir, createSpooled(notice, id, { key, name }), signal)),
      ),
    );
    const outcomes = spooling.kind === 'done' ? spooling.value : [];
    const dropped = outcomes.flatMap((outcome) => (outcome.kind === 'dropped' ? [outcome.why] : []));
    const late = spooling.kind === 'done' ? [] : Array.from(wanted, () => 'the disk of run/ hangs');
    for (const why of dropped)
      bestEffortSync('notify.dropped', () => countDropped(this.#dir, `${notice.on}:${notice.pod.id}`, why));
    if (outcomes.length > dropped.length) await startSender(this.#options.home, this.#options.env);
    return { ways: outcomes.length - dropped.length, dropped: [...dropped, ...late] };
  }
}
