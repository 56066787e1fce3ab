/**
 * Owns that no result's `next_capabilities` is forgotten: whoever finished or accepted the job may have died before the next
 * one was dispatched. Whoever of the home runs (worker, Alpha) reads what was completed, and dispatches what is missing.
 */
import { type BusLine, tryParseLine } from '../../bus/line.ts';
import { channelName } from '../../bus/layout.ts';
import type { BusPlace } from '../../bus/query/bus-place.ts';
import { readTypes } from '../../bus/query/read-types.ts';
import { findBusFile } from '../../bus/read/files.ts';
import { isImported } from '../../model/envelope.ts';
import { parseEntityId } from '../../model/id.ts';
import { wholeValue } from '../../pod/registry/pod-result.ts';
import { isDispatched } from '../review/requeue.ts';
import { dispatchNext, namedIn, nextJobId } from './dispatch-next.ts';
import { latestPod } from './job-standing.ts';
import type { StartPlace } from './start-job.ts';

/** What was completed before is not looked at by who begins. */
const KNOWN_MS = 24 * 60 * 60 * 1000;
/** Of those that could not be looked at, and are again (G6). */
const MAX_LEFT = 1_000;

/** A long result is in a blob. */
const mayNameNext = (text: string): boolean => text.includes('next_capabilities') || text.includes('"$blob":');

export class NextJobs {
  readonly #place: StartPlace;
  #from: BusPlace | undefined;
  /** Completed, and not looked at yet. */
  readonly #left = new Map<string, BusLine>();

  constructor(place: StartPlace) {
    this.#place = place;
  }

  /** Lines for people. @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason: it goes on the next time. */
  async dispatchMissing(signal: AbortSignal): Promise<readonly string[]> {
    await this.#readOn(signal);
    const told: string[] = [];
    for (const [entity, line] of this.#left) {
      signal.throwIfAborted();
      const id = parseEntityId(entity);
      const said = (await this.#isMissing(line)) ? await dispatchNext(id, this.#place) : [];
      told.push(...said.map((text) => `${entity}: next ${text}`));
      this.#left.delete(entity);
    }
    return told;
  }

  async #readOn(signal: AbortSignal): Promise<void> {
    const { busDir } = this.#place.home;
    const [from, sinceMs] = [this.#from, Date.now() - KNOWN_MS];
    for await (const piece of readTypes({ busDir, types: ['job_completed'], sinceMs, from, signal })) {
      if (piece === 'lost') {
        this.#from = undefined;
        return;
      }
      for (const text of piece.texts) if (mayNameNext(text)) this.#note(text, sinceMs);
      this.#from = piece.end;
    }
  }

  #note(text: string, sinceMs: number): void {
    const line = tryParseLine(text);
    if (line === undefined || this.#left.size >= MAX_LEFT || Date.parse(line.ts) < sinceMs) return;
    if (line.data['via'] !== 'feed' && !isImported(line.meta)) this.#left.set(line.entity, line);
  }

  async #isMissing({ entity, data }: BusLine): Promise<boolean> {
    const { home, settings } = this.#place;
    const after = parseEntityId(entity);
    const isThere = (capability: string): boolean =>
      findBusFile(home.busDir, channelName(nextJobId(after, capability))) !== undefined;
    const routed = namedIn(tryWhole(home.busDir, data['result'])).filter((name) =>
      Object.hasOwn(settings.swarm.capabilities, name),
    );
    if (routed.every(isThere)) return false;
    return (await isDispatched(home, after)) || (latestPod(home.runDir, entity)?.lease ?? null) !== null;
  }
}

const tryWhole = (busDir: string, result: unknown): unknown => {
  try {
    return wholeValue(busDir, result);
  } catch {
    return undefined; // its blob is gone: nobody knows what it named
  }
};
