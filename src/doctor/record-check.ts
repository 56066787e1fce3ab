/** Owns the check of what was dropped, cut or delayed since yesterday: what sessions said at their end, and outages. */
import { existsSync } from 'node:fs';
import { type BusLine, tryParseLine } from '../bus/line.ts';
import { toTs } from '../bus/query/time-span.ts';
import { tsOf, typeOf } from '../bus/query/line-filter.ts';
import { MTIME_SLACK_MS, partsFor } from '../bus/query/parts.ts';
import { linesBackward } from '../bus/read/backward-lines.ts';
import { readLines } from '../bus/read/lines.ts';
import type { BusFilePart } from '../bus/read/files.ts';
import type { Home } from '../config/home.ts';
import { MESSAGE_SCHEMAS, type MessageData } from '../model/message.ts';
import { totalTokens } from '../model/usage.ts';
import { readCursor } from '../recorder/reconcile/feed-cursor.ts';
import { counted, degraded, type Finding, info, ok, someOf, type Tell, wrong } from './finding.ts';
import { type Check, homeOf } from './place.ts';

const DAY_MS = 24 * 3_600_000;
/** Of the time the check has: what is older then is not looked at, and that is said. */
const READ_MS = 1000;
/** As many lines are read between two looks at the clock. */
const LINES_AT_ONCE = 500;

export interface Losses {
  /** Of all sessions, by name. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Entities whose sessions told of any, the newest first. */
  readonly entities: readonly string[];
  readonly outages: readonly MessageData<'outage'>[];
  /** Tokens that nobody knows the cost of, by model. */
  readonly unpriced: Readonly<Record<string, number>>;
  readonly sessionCount: number;
  /** How far back was read: later than asked where the time ran out. */
  readonly sinceTs: string;
}

/** Made good by "nika reconcile", or by a pod. */
const HELD_BACK = 'redis_transitions_held_back';

class Tally {
  /** What sessions held back that ended before, is on the feed. */
  readonly #feedSinceTs: string;
  readonly #dropped = new Map<string, number>();
  readonly #entities = new Set<string>();
  readonly #outages: MessageData<'outage'>[] = [];
  readonly #unpriced = new Map<string, number>();
  #sessionCount = 0;

  constructor(feedSinceTs: string) {
    this.#feedSinceTs = feedSinceTs;
  }

  /** `text`: a line, the bytes of which are its characters. */
  add(text: string): void {
    const type = typeOf(text);
    if (type !== 'session_end_summary' && type !== 'outage') return;
    const line = tryParseLine(Buffer.from(text, 'latin1').toString('utf8'));
    if (line === undefined) return;
    if (type === 'outage') this.#addOutage(line);
    else this.#addEnd(line);
  }

  #addOutage({ data }: BusLine): void {
    const outage = MESSAGE_SCHEMAS.outage.safeParse(data);
    if (outage.success) this.#outages.push(outage.data);
  }

  #addEnd({ ts, data, entity }: BusLine): void {
    const dropped = MESSAGE_SCHEMAS.session_end_summary.shape.dropped.safeParse(data['dropped']);
    this.#sessionCount += 1;
    for (const usage of MESSAGE_SCHEMAS.session_end_summary.shape.usage.safeParse(data['usage']).data ?? []) {
      if (usage.cost_usd !== null || totalTokens(usage) === 0) continue;
      this.#unpriced.set(usage.model, (this.#unpriced.get(usage.model) ?? 0) + totalTokens(usage));
    }
    for (const [name, count] of Object.entries(dropped.data ?? {})) {
      if (count <= 0 || (name === HELD_BACK && ts < this.#feedSinceTs)) continue;
      this.#dropped.set(name, (this.#dropped.get(name) ?? 0) + count);
      this.#entities.add(entity);
    }
  }

  result(sinceTs: string): Losses {
    return {
      dropped: Object.fromEntries(this.#dropped),
      entities: [...this.#entities],
      outages: this.#outages,
      unpriced: Object.fromEntries(this.#unpriced),
      sessionCount: this.#sessionCount,
      sinceTs,
    };
  }
}

/** The lines of a part, the newest first where it is not compressed. */
async function* linesOf(part: BusFilePart): AsyncGenerator<string> {
  if (!part.compressed) {
    yield* linesBackward(part.path, part.sizeBytes);
    return;
  }
  for await (const batch of readLines(part)) {
    for (const { text, kind } of batch) if (kind !== 'torn') yield Buffer.from(text, 'utf8').toString('latin1');
  }
}

/** Clocks of writers are not the same: so much older a line must be before those before it are not looked at. */
const OLDER_MS = MTIME_SLACK_MS;

/** Reads the alpha bus from its end. @throws {NikaError} `NIKA_BUS_UNREADABLE` */
export const readLosses = async (
  { busDir, runDir }: Pick<Home, 'busDir' | 'runDir'>,
  sinceMs: number,
  withinMs: number,
): Promise<Losses> => {
  // A session that ended before is wholly before its place: what a session that lives has not told yet lowers this time.
  const tally = new Tally(toTs(readCursor(runDir)?.sinceMs ?? 0));
  const sinceTs = toTs(sinceMs);
  const stopTs = toTs(sinceMs - OLDER_MS);
  const endMs = performance.now() + withinMs;
  let [count, lastTs] = [0, toTs(Date.now())];
  for (const part of partsFor(busDir, { sinceTs }, 'alpha').toReversed()) {
    for await (const text of linesOf(part)) {
      const ts = tsOf(text);
      if (!part.compressed && ts < stopTs) break;
      if (ts >= sinceTs) tally.add(text);
      lastTs = ts;
      count += 1;
      if (count % LINES_AT_ONCE === 0 && performance.now() > endMs) return tally.result(lastTs);
    }
  }
  return tally.result(sinceTs);
};

/** Proof that is gone is wrong; the rest was meant to give way. */
const LOST = ['bus_lines_dropped', 'bus_lines_removed'];
/** By a limit of the settings, and marked on their lines. */
const BY_CHOICE = ['bodies_cut', 'module_notes_cut'];

const droppedFinding = ({ dropped, entities }: Losses): Finding | undefined => {
  const names = Object.keys(dropped);
  if (names.length === 0) return undefined;
  const says = `since yesterday, in ${someOf(entities)}`;
  const cure = names.includes(HELD_BACK) ? 'What is not in Redis yet: nika reconcile. ' : '';
  const remedy = `${cure}See "nika pod show ${entities[0] ?? 'ID'}" for its dropped, and its log for why.`;
  const finding = names.some((name) => LOST.includes(name))
    ? wrong('record.dropped', says, `What the bus lost is not coming back. ${remedy}`)
    : names.every((name) => BY_CHOICE.includes(name))
      ? info('record.dropped', says, remedy)
      : degraded('record.dropped', says, remedy);
  return { ...finding, counts: dropped };
};

const AT_SERVICE: Readonly<Record<string, string>> = {
  bus: 'See whether the disk under _bus/ is full or read-only.',
  logs: 'See whether the disk under logs/ is full or hangs.',
  redis: 'Nothing: pods made it good, and what one of them could not, "nika reconcile" or the next pod does.',
};

const outageFinding = (service: string, outages: readonly MessageData<'outage'>[]): Finding => {
  const sum = (name: 'buffered' | 'replayed' | 'dropped'): number => outages.reduce((all, one) => all + one[name], 0);
  const spanS = outages.reduce((all, { since, until }) => all + (Date.parse(until) - Date.parse(since)) / 1000, 0);
  const [newest] = outages;
  const says =
    `${service} could not be used ${outages.length === 1 ? 'once' : `${outages.length} times`} since yesterday, ` +
    `${spanS.toFixed(spanS < 10 ? 1 : 0)} s in all, last until ${newest?.until ?? '?'} (${newest?.cause ?? '?'}): ` +
    `${sum('buffered')} held back, ${sum('replayed')} written afterwards, ${sum('dropped')} dropped`;
  const remedy = AT_SERVICE[service] ?? `See above whether ${service} is well now; what was held back was made good.`;
  const isLost = service === 'bus' && sum('dropped') > 0;
  return isLost ? wrong(`record.outage-${service}`, says, remedy) : degraded(`record.outage-${service}`, says, remedy);
};

/** What it cost is not zero, and nobody knows it. */
const unpricedFinding = ({ unpriced }: Losses): Finding | undefined => {
  const models = Object.keys(unpriced).map((model) => model || 'a model without a name');
  if (models.length === 0) return undefined;
  const tokens = Object.values(unpriced).reduce((sum, count) => sum + count, 0);
  const says = `${counted(tokens, 'token')} since yesterday of models without a price: ${someOf(models)}`;
  const remedy =
    'They count in no cost and no budget in dollars: set "prices" in config/nika.yaml. See nika costs --by model.';
  return info('record.prices', says, remedy);
};

const tellLosses = (losses: Losses, wantedTs: string, tell: Tell): void => {
  const dropped = droppedFinding(losses);
  const unpriced = unpricedFinding(losses);
  if (unpriced !== undefined) tell(unpriced);
  const outages = Map.groupBy(losses.outages, ({ service }) => service);
  if (dropped !== undefined) tell(dropped);
  for (const [service, list] of outages) tell(outageFinding(service, list));
  const isWell = dropped === undefined && outages.size === 0;
  if (losses.sinceTs > wantedTs) {
    tell(
      info(
        'record.bounded',
        `there was time to look back to ${losses.sinceTs} only`,
        'nika bus grep --type session_end_summary --since 1d',
      ),
    );
  } else if (isWell)
    tell(
      ok(
        'record.dropped',
        `nothing dropped or delayed since yesterday (${counted(losses.sessionCount, 'session')} ended)`,
      ),
    );
};

export const checkRecord: Check = async (place) => {
  const home = homeOf(place);
  if (home === undefined || !existsSync(home.busDir)) return;
  const sinceMs = Date.now() - DAY_MS;
  tellLosses(await readLosses(home, sinceMs, READ_MS), toTs(sinceMs), place.tell);
};
