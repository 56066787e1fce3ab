/**
 * Owns the waiting for the end of a job that was dispatched, wherever it runs: by the bus of this home, and by the feed
 * where a worker of another home or host has it.
 */
import { statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { busPath, channelName } from '../../bus/layout.ts';
import { readEntity } from '../../bus/query/entities.ts';
import type { Home } from '../../config/home.ts';
import type { Settings } from '../../config/settings.ts';
import { parseFeedChange } from '../../ipc/feed/feed-change.ts';
import { type EntityState, isTerminal, TRANSITIONS } from '../../model/entity.ts';
import type { EntityId } from '../../model/id.ts';
import { readRecords } from '../../pod/registry/record-file.ts';
import { SessionLink } from '../../pod/session-link.ts';

export interface DispatchEnd {
  readonly state: EntityState;
  /** That of its pod where that ran in this home; else 0 completed, 4 awaits review, 1 all else. */
  readonly exitCode: number;
  /** Declared outputs or the last message; cut where the feed alone tells of it. */
  readonly result: unknown;
  readonly error: string | undefined;
}

export interface WaitOptions {
  readonly home: Home;
  readonly settings: Settings;
  readonly id: EntityId;
  /** ISO 8601: older entries of the feed do not matter. */
  readonly since: string;
}

const LOOK_EVERY_MS = 250;
/** A channel is read whole: after that it is left alone for so many times as long. */
const RESTS_PER_READ = 4;
const EXIT_OF_STATE: Partial<Record<EntityState, number>> = { completed: 0, awaiting_review: 4 };
/** Clocks of hosts differ. */
const SLACK_MS = 60_000;
const PAGE = 500;

const isEnd = (state: EntityState | undefined): state is EntityState =>
  isTerminal(state) || state === 'awaiting_review';

class BusEye {
  readonly #options: WaitOptions;
  #stamp = '';
  #restsUntilMs = -Infinity;

  constructor(options: WaitOptions) {
    this.#options = options;
  }

  /** Reads the channel where it has grown. */
  async look(): Promise<DispatchEnd | undefined> {
    const { home, id } = this.#options;
    const startMs = performance.now();
    if (startMs < this.#restsUntilMs) return undefined;
    const stat = statSync(busPath(home.busDir, channelName(id)), { throwIfNoEntry: false });
    const stamp = `${stat?.ino} ${stat?.size}`;
    if (stamp === this.#stamp) return undefined;
    const view = await readEntity(home.busDir, id).catch(() => null);
    const tookMs = performance.now() - startMs;
    this.#restsUntilMs = performance.now() + RESTS_PER_READ * tookMs;
    if (view === null) return undefined; // it is looked at again, also where it does not grow any more
    this.#stamp = stamp;
    if (!isEnd(view?.state)) return undefined;
    const { state, result, error } = view;
    return { state, result, error, exitCode: this.#exitCode(state) };
  }

  #exitCode(state: EntityState): number {
    const ofPod = readRecords(this.#options.home.runDir).findLast(({ entity }) => entity === this.#options.id);
    return ofPod?.end?.exit_code ?? EXIT_OF_STATE[state] ?? 1;
  }
}

/** Reads on from where it was; a feed that cannot be read says nothing. */
class FeedEye implements AsyncDisposable {
  readonly #id: EntityId;
  readonly #link: SessionLink;
  #after: string;

  constructor({ settings, id, since }: WaitOptions) {
    this.#id = id;
    this.#link = new SessionLink(settings);
    this.#after = `${Date.parse(since) - SLACK_MS}-0`;
  }

  async look(signal: AbortSignal): Promise<DispatchEnd | undefined> {
    const answer = await this.#link.get(signal);
    if (answer.kind !== 'link') return undefined;
    const args = ['COUNT', PAGE, 'STREAMS', answer.keys.feed.name, this.#after];
    const outcome = await answer.link.call({ name: 'xread', args }, {}, signal);
    if (outcome.kind !== 'done') return undefined;
    for (const [id, flat] of entriesOf(outcome.value)) {
      this.#after = id;
      const change = parseFeedChange(fieldsOf(flat));
      const state = TRANSITIONS.find(({ event }) => event === change?.event)?.to;
      if (change?.entity !== this.#id || !isEnd(state)) continue;
      const { result, error, reason } = change.data;
      const why = error ?? reason;
      return { state, result, error: typeof why === 'string' ? why : undefined, exitCode: EXIT_OF_STATE[state] ?? 1 };
    }
    return undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#link[Symbol.asyncDispose]();
  }
}

/** An array of pairs, or with the newer protocol a map: of streams. */
const entriesOf = (reply: unknown): readonly [string, unknown][] => {
  if (typeof reply !== 'object' || reply === null) return [];
  const streams = Array.isArray(reply)
    ? reply.map((pair: unknown) => (pair as [unknown, unknown])[1])
    : Object.values(reply);
  return streams.flatMap((entries) => (Array.isArray(entries) ? (entries as [string, unknown][]) : []));
};

const fieldsOf = (flat: unknown): Readonly<Record<string, string>> => {
  const list = Array.isArray(flat) ? flat.map(String) : [];
  return Object.fromEntries(list.flatMap((name, at) => (at % 2 === 0 ? [[name, list[at + 1] ?? '']] : [])));
};

/** `undefined`: it was given up. Never rejects. */
export const waitForDispatched = async (
  options: WaitOptions,
  signal: AbortSignal,
): Promise<DispatchEnd | undefined> => {
  const bus = new BusEye(options);
  await using feed = new FeedEye(options);
  while (!signal.aborted) {
    const end = (await bus.look()) ?? (await feed.look(signal));
    if (end !== undefined) return end;
    try {
      await delay(LOOK_EVERY_MS, undefined, { signal });
    } catch {
      return undefined;
    }
  }
  return undefined;
};
