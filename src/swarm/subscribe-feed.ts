/** Owns `subscribeFeed` of the library: the changes of the swarm as an async iterable, so that any program can be the Alpha. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { ensureHome, resolveHome } from '../config/home.ts';
import { loadSettings } from '../config/settings.ts';
import type { FeedChange } from '../ipc/feed/feed-change.ts';
import type { Handled } from '../ipc/feed/reader/feed-reader.ts';
import { parseKeyPart } from '../redis/keys.ts';
import { targetOf } from '../redis/link.ts';
import type { ChangeOrigin } from './subscribe/change-source.ts';
import { takeConsumerName } from './subscribe/consumer-name.ts';
import { type HomeSourceOptions, type SourceStatus, startHomeSource } from './subscribe/home-source.ts';

export interface SubscribeOptions {
  /**
   * Subscriptions of one group share the changes; each group gets all. nika's own are `orchestrator`, `worker` and
   * `monitor`: another name beside a running Alpha, `orchestrator` in its place.
   */
  readonly group: string;
  /** `significant`: `completed`, `failed`, `cancelled`, and `created` of a root. Default: all. */
  readonly only?: 'significant' | 'all';
  /** Who reads, the same after a restart. Default: one is found that no other program of this home uses. */
  readonly consumer?: string;
  /** Default: as the command line finds it. */
  readonly home?: string;
  /** Told where the changes come from now. */
  readonly onStatus?: (status: SourceStatus) => void;
  /** Ends the loop within a second. */
  readonly signal?: AbortSignal;
}

export interface SubscribedChange extends FeedChange {
  /** `bus`: Redis is away, or none is configured, and this is of this home alone. */
  readonly source: ChangeOrigin;
  /** It is done: it is not given again. Without, it is, after a restart. May be called later. */
  ack(): void;
}

interface Given {
  readonly change: FeedChange;
  readonly origin: ChangeOrigin;
  readonly settle: (handled: Handled) => void;
}

/** One change at a time, from who gives to who takes. */
class Handover {
  #waiting = Promise.withResolvers<Given | undefined>();
  /** Of one that nobody has taken yet. */
  #refuse: (() => void) | undefined;
  #isOver = false;

  async give(change: FeedChange, origin: ChangeOrigin): Promise<Handled> {
    const { promise, resolve, reject } = Promise.withResolvers<Handled>();
    this.#refuse = () => reject(new Error('the subscription has ended'));
    if (this.#isOver) this.#refuse();
    this.#waiting.resolve({ change, origin, settle: resolve });
    return promise;
  }

  /** `undefined`: it is over. */
  async take(): Promise<Given | undefined> {
    const given = await this.#waiting.promise;
    this.#refuse = undefined;
    if (given !== undefined) this.#waiting = Promise.withResolvers();
    return this.#isOver ? undefined : given;
  }

  end(): void {
    this.#isOver = true;
    this.#refuse?.();
    this.#waiting.resolve(undefined);
  }
}

const settlerOf =
  ({ settle }: Given, state: { readonly isAcked: boolean; isLeft: boolean }) =>
  (): void => {
    state.isLeft = true;
    settle(state.isAcked ? undefined : 'held');
  };

const seenFileOf = (runDir: string, group: string, target: HomeSourceOptions['target'], only: string): string => {
  const where = target === undefined ? 'local' : createHash('sha256').update(target.prefix).digest('hex').slice(0, 8);
  return join(runDir, 'feed', `${group}-${where}${only === 'all' ? '' : '-significant'}.seen`);
};

/**
 * The changes of the swarm, in order per entity, each once as far as one can tell (at least once where a program is killed
 * before its `ack` is noted). Leaving the loop, or the signal, closes all that was opened.
 * @throws {NikaError} at the first change: what is wrong with the home, its settings or the name of the group
 */
export async function* subscribeFeed(options: SubscribeOptions): AsyncGenerator<SubscribedChange, void, undefined> {
  const group = parseKeyPart(options.group);
  const { env } = process;
  const home = resolveHome({ flag: options.home, env, cwd: process.cwd() });
  const target = targetOf(loadSettings(home, env).redis);
  ensureHome(home);
  const { only = 'all', onStatus } = options;
  const end = new AbortController();
  const signal = AbortSignal.any([end.signal, ...(options.signal === undefined ? [] : [options.signal])]);
  await using taken = await takeConsumerName(home.busDir, group);
  const handover = new Handover();
  const source = startHomeSource({
    busDir: home.busDir,
    target,
    group,
    consumer: options.consumer ?? taken.name,
    seenFile: seenFileOf(home.runDir, group, target, only),
    only,
    ...(onStatus === undefined ? {} : { onStatus }),
    handle: async (change, origin) => handover.give(change, origin),
    signal,
  });
  signal.addEventListener('abort', () => handover.end(), { once: true });
  if (signal.aborted) handover.end();
  let settle: (() => void) | undefined;
  try {
    for (let given = await handover.take(); given !== undefined; given = await handover.take()) {
      const { change, origin } = given;
      const state = { isAcked: false, isLeft: false };
      settle = settlerOf(given, state);
      const ack = (): void => {
        if (state.isLeft && !state.isAcked) source.acknowledge(change.id);
        state.isAcked = true;
      };
      yield { ...change, source: origin, ack };
      settle();
      settle = undefined;
    }
  } finally {
    settle?.();
    await new Promise(setImmediate); // what was acknowledged last is noted by then
    end.abort();
    await source.ended;
  }
}
