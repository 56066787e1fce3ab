/**
 * Owns that a job of this home which nobody began is on the feed as long as it waits: an announcement that was trimmed, by
 * its age or because the feed was full, is put there again, with its id.
 */
import { existsSync } from 'node:fs';
import { type BusLine, tryParseLine } from '../../../bus/line.ts';
import type { BusPlace } from '../../../bus/query/bus-place.ts';
import { readEntity } from '../../../bus/query/entities.ts';
import { readTypes } from '../../../bus/query/read-types.ts';
import { feedEventOf } from '../../../ipc/feed/feed-event.ts';
import { parseEntityId } from '../../../model/id.ts';
import type { Keys } from '../../../redis/keys.ts';
import type { Link } from '../../../redis/link.ts';
import { publish } from '../../../redis/scripts/publish.lua.ts';
import { runScript } from '../../../redis/scripts/script.ts';
import { entriesOf } from '../../follow/feed-entries.ts';
import type { Chore } from '../duty.ts';

const CALL_MS = 2_000;
const DAY_MS = 24 * 60 * 60 * 1000;
/** Nobody waits for longer. */
const DAYS = 30;
export interface AnnounceTimes {
  readonly announceEveryMs: number;
  /** Younger ones are left to their dispatcher and to reconcile. */
  readonly youngMs: number;
  /** Clocks of hosts differ. */
  readonly slackMs: number;
}

interface Waiting {
  readonly line: BusLine;
  /** When it was put onto the feed last. */
  announcedAtMs: number;
}

/** When the oldest entry was put there, by Redis's clock; Infinity: the feed is empty; `undefined`: nobody knows. */
const readOldestMs = async (link: Link, { feed }: Keys, signal: AbortSignal): Promise<number | undefined> => {
  const command = { name: 'xrange', args: [feed.name, '-', '+', 'COUNT', 1] };
  const outcome = await link.call(command, { withinMs: CALL_MS }, signal);
  if (outcome.kind !== 'done') return undefined;
  const oldest = entriesOf(outcome.value)[0];
  return oldest === undefined ? Infinity : Number(oldest.streamId.split('-')[0]);
};

/** Jobs that were dispatched from a home and not begun, as far as was read. */
class WaitingJobs {
  readonly #busDir: string;
  #place: BusPlace | undefined;
  readonly jobs = new Map<string, Waiting>();

  constructor(busDir: string) {
    this.#busDir = busDir;
  }

  /** @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason */
  async readOn(signal: AbortSignal): Promise<void> {
    const busDir = this.#busDir;
    if (!existsSync(busDir)) return;
    const sinceMs = Date.now() - DAYS * DAY_MS;
    for await (const piece of readTypes({ busDir, types: ['entity_created'], sinceMs, from: this.#place, signal })) {
      if (piece === 'lost') {
        this.#place = undefined;
        return;
      }
      this.#place = piece.end;
      for (const text of piece.texts) if (text.includes('"dispatch":')) this.#note(text);
    }
  }

  /** Whether it still waits. */
  async isWaiting(id: string): Promise<boolean> {
    const view = await readEntity(this.#busDir, parseEntityId(id));
    if (view?.state === 'created') return true;
    this.jobs.delete(id);
    return false;
  }

  #note(text: string): void {
    const line = tryParseLine(text);
    if (line?.data['dispatch'] === undefined || line.data['via'] === 'feed') return;
    this.jobs.set(line.entity, { line, announcedAtMs: Date.parse(line.ts) });
  }
}

export const announceAgain = ({ announceEveryMs: everyMs, youngMs, slackMs }: AnnounceTimes): Chore => {
  let waiting: WaitingJobs | undefined;
  return {
    name: 'announcements',
    role: 'home',
    everyMs,
    run: async (context, signal) => {
      const { home, settings } = context;
      if (settings.redis.kind === 'off') return;
      waiting ??= new WaitingJobs(home.busDir);
      await waiting.readOn(signal);
      const answer = waiting.jobs.size === 0 ? undefined : await context.link(signal);
      if (answer?.kind !== 'link') return;
      const { link, keys } = answer;
      const oldestMs = await readOldestMs(link, keys, signal);
      if (oldestMs === undefined) return;
      for (const [id, job] of waiting.jobs) {
        if (signal.aborted) return;
        const isThere = job.announcedAtMs > oldestMs - slackMs || job.announcedAtMs > Date.now() - youngMs;
        if (isThere || !(await waiting.isWaiting(id))) continue;
        const { meta, data } = job.line;
        const event = feedEventOf({ ...job.line, metaJson: JSON.stringify(meta), dataJson: JSON.stringify(data) });
        if (event === undefined) continue;
        const call = publish({ key: keys.feed, events: [event], afterId: undefined, isAgain: true });
        const outcome = await runScript(link, call, { withinMs: CALL_MS }, signal);
        if (outcome.kind === 'done') job.announcedAtMs = Date.now();
      }
    },
  };
};
