/**
 * Owns the copying of what other hosts did with jobs that were dispatched from this home: from the feed onto their channels
 * here, marked `via: feed`. Read plainly, so that each home has it, whoever leads the swarm.
 *
 * M1. Once: with the id and the time of the event, and not where that id stands on the channel already. Also over restarts.
 * M2. Never for what a pod of this home writes: it has written it, or will.
 * M3. It is not told to Redis again: it comes from there.
 * M4. What cannot be copied holds up nothing behind it for long; what the disk holds back is not counted as copied.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { busPath, channelName } from '../../../bus/layout.ts';
import { readFirstLine } from '../../../bus/read/first-line.ts';
import type { RedisTarget } from '../../../config/redis/redis-settings.ts';
import { bestEffort, bestEffortSync } from '../../../failopen/best-effort.ts';
import type { FeedChange } from '../../../ipc/feed/feed-change.ts';
import { FEED_CONDITIONS } from '../../../ipc/feed/feed-event.ts';
import { TRANSITIONS } from '../../../model/entity.ts';
import type { EntityId } from '../../../model/id.ts';
import type { MessageData, MessageType } from '../../../model/message.ts';
import { isLiving, statusOf } from '../../../pod/registry/pod-status.ts';
import { readRecords, recordPath } from '../../../pod/registry/record-file.ts';
import { createBodyEncoder } from '../../../recorder/body.ts';
import { Recorder } from '../../../recorder/recorder.ts';
import { targetName } from '../../../recorder/reconcile/feed-cursor.ts';
import { tailFeed } from '../../follow/feed-tail.ts';
import { alphaDir } from '../alpha-record.ts';
import type { AlphaContext, Task } from '../duty.ts';
import { ChannelIds } from './channel-ids.ts';

const placeSchema = z.object({ target: z.string(), after: z.string() });

const placePath = (runDir: string): string => join(alphaDir(runDir), 'mirror.json');

const readPlace = (runDir: string, target: RedisTarget): string | undefined => {
  try {
    const { data } = placeSchema.safeParse(JSON.parse(readFileSync(placePath(runDir), 'utf8')));
    return data?.target === targetName(target) ? data.after : undefined;
  } catch {
    return undefined; // none yet: all that the feed has
  }
};

const writePlace = (runDir: string, target: RedisTarget, after: string): void => {
  const path = placePath(runDir);
  bestEffortSync('mirror.place', () => {
    mkdirSync(alphaDir(runDir), { recursive: true, mode: 0o700 });
    writeFileSync(`${path}.tmp`, JSON.stringify({ target: targetName(target), after }), { mode: 0o600 });
    renameSync(`${path}.tmp`, path);
  });
};

/** How it stands on the bus; `undefined`: this version does not know it. */
const busTypeOf = (event: string): MessageType | undefined =>
  FEED_CONDITIONS.includes(event) ? 'condition' : TRANSITIONS.find((one) => one.event === event)?.busType;

/** The records of all pods are read to see which of them live: not for each change. */
const LIVING_FOR_MS = 1_000;
/** So many entities are remembered of which is known whether they were dispatched from here (G6). */
const MAX_KNOWN = 10_000;

class Mirror {
  readonly #context: AlphaContext;
  readonly #recorder: Recorder;
  readonly #isDispatched = new Map<EntityId, boolean>();
  readonly #ids = new ChannelIds();
  #living = { atMs: -Infinity, entities: new Set<EntityId>() };
  #stamp = { atMs: 0, id: '' };

  constructor(context: AlphaContext) {
    this.#context = context;
    const { maxBodyBytes, redact } = context.settings.recorder;
    this.#recorder = new Recorder({
      bus: context.swarm.session.bus, // M3: no sink
      encoder: createBodyEncoder({ maxBodyBytes, patterns: redact }),
      mayKeepBlobs: () => true,
      stamp: () => this.#stamp,
    });
  }

  /** @throws {NikaError} `NIKA_BUS_UNREADABLE` */
  async take(change: FeedChange): Promise<void> {
    const { runDir } = this.#context.home;
    const { entity, session } = change;
    const type = busTypeOf(change.event);
    const atMs = Date.parse(change.ts);
    if (type === undefined || Number.isNaN(atMs) || !existsSync(this.#channel(entity))) return;
    if (!(await this.#wasDispatchedHere(entity)) || existsSync(recordPath(runDir, session))) return; // M2
    if (this.#isOurs(entity)) return; // M2
    const channel = this.#channel(entity);
    await this.#ids.readOn(channel);
    if (this.#ids.has(channel, change.id)) return; // M1
    this.#ids.add(channel, change.id); // at once: a try that took too long may still come to its end
    this.#stamp = { atMs, id: change.id };
    const scope = { entity, metaJson: JSON.stringify(change.meta) };
    const data = { ...change.data, via: 'feed' } as unknown as MessageData<MessageType>; // as its writer had it
    this.#recorder.record(scope, type, data);
  }

  #channel(entity: EntityId): string {
    return busPath(this.#context.home.busDir, channelName(entity));
  }

  async #wasDispatchedHere(entity: EntityId): Promise<boolean> {
    let known = this.#isDispatched.get(entity);
    if (known === undefined) {
      const line = await readFirstLine(this.#context.home.busDir, channelName(entity));
      known = line?.type === 'entity_created' && line.data['dispatch'] !== undefined && line.data['via'] === undefined;
      if (this.#isDispatched.size >= MAX_KNOWN) this.#isDispatched.clear();
      this.#isDispatched.set(entity, known);
    }
    return known;
  }

  /** M2: whether a pod of this home works on it. */
  #isOurs(entity: EntityId): boolean {
    const nowMs = performance.now();
    if (nowMs - this.#living.atMs >= LIVING_FOR_MS) {
      const living = readRecords(this.#context.home.runDir).filter((record) => isLiving(statusOf(record)));
      this.#living = { atMs: nowMs, entities: new Set(living.map((record) => record.entity)) };
    }
    return this.#living.entities.has(entity);
  }
}

const untilAborted = (signal: AbortSignal): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  if (signal.aborted) resolve();
  return promise;
};

/** M4 */
const TRIES = 3;
const TAKE_WITHIN_MS = 10_000;
const PAUSE_MS = 1_000;
const WRITTEN_LOOK_MS = 250;

const pause = async (ms: number, signal: AbortSignal): Promise<void> => {
  await delay(ms, undefined, { signal }).catch(() => undefined);
};

/** What fails is logged and counted by its door. */
const copy = async (mirror: Mirror, change: FeedChange, signal: AbortSignal): Promise<void> => {
  for (let tries = 1; tries <= TRIES && !signal.aborted; tries += 1) {
    const taken = await bestEffort('mirror.take', { withinMs: TAKE_WITHIN_MS }, () => mirror.take(change));
    if (taken.kind === 'done') return;
    if (tries < TRIES) await pause(PAUSE_MS, signal);
  }
};

const untilWritten = async ({ swarm }: AlphaContext, signal: AbortSignal): Promise<void> => {
  while (swarm.session.bus.isFailing && !signal.aborted) await pause(WRITTEN_LOOK_MS, signal);
};

export const mirrorFeed: Task = {
  name: 'mirror',
  role: 'home',
  run: async (context, signal) => {
    const target = context.settings.redis;
    if (target.kind === 'off') return untilAborted(signal);
    const { runDir } = context.home;
    const mirror = new Mirror(context);
    for await (const entries of tailFeed(target, readPlace(runDir, target), signal)) {
      for (const { change } of entries) if (change !== undefined) await copy(mirror, change, signal);
      await untilWritten(context, signal); // M4
      const after = entries.at(-1)?.streamId;
      if (after !== undefined && !signal.aborted) writePlace(runDir, target, after);
    }
  },
};
