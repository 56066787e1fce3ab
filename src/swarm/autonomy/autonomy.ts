/**
 * Owns the autonomy engine: at the completion of a root entity it draws whether a follow-up is dispatched, from a list of
 * the settings. It is off where nothing is listed.
 *
 * Y1. For one event nothing is dispatched twice: draw and id of what follows come of the event, and an entity of that id is
 *     there once. What was dispatched stands on the bus, where whoever comes next reads it.
 * Y2. First the dispatch, then its line: killed in between, the same event finds the entity there, and writes the line,
 *     whatever the limits say by then: it counts against them itself.
 * Y3. Limits go by the times of the events, not by when they are heard of.
 */
import { existsSync } from 'node:fs';
import { busPath, channelName } from '../../bus/layout.ts';
import type { AutonomySettings, FollowUpWish } from '../../config/alpha/alpha-settings.ts';
import type { Home } from '../../config/home.ts';
import type { JobInputs } from '../../model/dispatch.ts';
import { type EntityState, isTerminal } from '../../model/entity.ts';
import { isImported } from '../../model/envelope.ts';
import { errorMessage, NikaError } from '../../model/error.ts';
import type { EntityId } from '../../model/id.ts';
import type { FeedChange } from '../../ipc/feed/feed-change.ts';
import type { Settings } from '../../config/settings.ts';
import { matches } from '../../notify/way.ts';
import type { SwarmSession } from '../session/swarm-session.ts';
import { DispatchHistory, readCostUsd } from './dispatch-history.ts';
import { type Draw, drawFor } from './draw.ts';

/** What it needs of Alpha. */
export interface AutonomyContext {
  readonly home: Home;
  readonly settings: Settings;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Through it the bus is written. */
  readonly swarm: SwarmSession;
  /** The swarm as changes told it. */
  readonly view: {
    entity(id: string): unknown;
    entities(): Iterable<{ readonly id: string; readonly state: EntityState | undefined }>;
  };
  /** Whether it may still act: asked before something is done that must not be done twice. */
  mayAct(): Promise<boolean>;
}

export interface FollowUpOrder {
  readonly job: string;
  readonly inputs: JobInputs;
  readonly capability: string;
  readonly id: EntityId;
  /** The root that it follows. */
  readonly after: EntityId;
}

/** `there`: an entity of that id is. @throws {NikaError} the job is not there, or does not take these inputs */
export type DispatchFollowUp = (order: FollowUpOrder, context: AutonomyContext) => Promise<'dispatched' | 'there'>;

/** Why a hit came to nothing. */
type Refusal = 'cooldown' | 'perDay' | 'maxRunning' | 'costPerDayUsd' | 'refused';

/** Since this process began. */
export interface AutonomyCounts {
  draws: number;
  misses: number;
  hits: number;
  dispatched: number;
  /** Roots that were completed and for which nothing is listed, or that followed another one themselves. */
  unmatched: number;
  chained: number;
  /** Told again, after it had come to something. */
  repeated: number;
  refused: Record<Refusal, number>;
}

/** By an input of this name a follow-up is told whom it follows. */
export const AFTER_INPUT = 'after';

const labelOf = (meta: FeedChange['meta'], name: string): string => {
  const label = meta[name];
  return typeof label === 'string' ? label : '';
};

/** One without a time, whoever wrote it, fits no limit (Y3). */
const isRootEnd = ({ event, entity, meta, ts }: FeedChange): boolean =>
  event === 'completed' &&
  (entity.startsWith('PROJ-') || meta['root_id'] === entity) &&
  !isImported(meta) &&
  !Number.isNaN(Date.parse(ts));

/** As far as the feed or this home knows. */
const isThere = ({ view, home }: AutonomyContext, id: EntityId): boolean =>
  view.entity(id) !== undefined || existsSync(busPath(home.busDir, channelName(id)));

export class Autonomy {
  readonly #dispatch: DispatchFollowUp;
  #history: DispatchHistory | undefined;
  readonly counts: AutonomyCounts = {
    draws: 0,
    misses: 0,
    hits: 0,
    dispatched: 0,
    unmatched: 0,
    chained: 0,
    repeated: 0,
    refused: { cooldown: 0, perDay: 0, maxRunning: 0, costPerDayUsd: 0, refused: 0 },
  };

  constructor(dispatch: DispatchFollowUp) {
    this.#dispatch = dispatch;
  }

  /** Rejects where it could not be done now: then it is to be told again (Y1). */
  async onChange(change: FeedChange, context: AutonomyContext, signal: AbortSignal): Promise<void> {
    const { autonomy } = context.settings.alpha;
    if (autonomy.jobs.length === 0 || !isRootEnd(change)) return;
    const wishes = this.#wishesFor(change, autonomy);
    if (wishes.length === 0) {
      this.counts.unmatched += 1;
      return;
    }
    this.#history ??= await DispatchHistory.read(context.home.busDir, signal);
    if (this.#history.after(change.entity) !== undefined) {
      this.counts.repeated += 1;
      return;
    }
    const depth = this.#history.depthOf(change.entity) + 1;
    if (depth > autonomy.chain + 1) {
      this.counts.chained += 1;
      return;
    }
    const draw = drawFor(change, autonomy.seed);
    this.counts.draws += 1;
    if (draw.value >= autonomy.probability) {
      this.counts.misses += 1;
      this.#log(context, change, { came: 'miss', draw: draw.value });
      return;
    }
    this.counts.hits += 1;
    const wish = wishes[draw.choose(wishes.length)];
    if (wish !== undefined) await this.#follow({ change, context, draw, wish, depth, history: this.#history }, signal);
  }

  #wishesFor({ meta }: FeedChange, { jobs }: AutonomySettings): readonly FollowUpWish[] {
    const [domain, intent] = [labelOf(meta, 'domain'), labelOf(meta, 'intent')];
    return jobs.filter((wish) => matches(wish.domain, domain) && matches(wish.intent, intent));
  }

  async #follow(hit: Hit, signal: AbortSignal): Promise<void> {
    const { change, context, draw, wish, depth, history } = hit;
    const { entity: id } = draw;
    const wasThere = isThere(context, id); // Y2
    const refusal = wasThere ? undefined : await refusalOf(hit, signal);
    if (refusal !== undefined) return this.#refuse(hit, refusal);
    if (!(await context.mayAct())) throw new Error('another Alpha leads the swarm by now');
    const order = { job: wish.job, inputs: wish.inputs, capability: wish.capability, id, after: change.entity };
    let came: 'dispatched' | 'there';
    try {
      came = wasThere ? 'there' : await this.#dispatch(order, context); // Y1
    } catch (thrown) {
      if (!(thrown instanceof NikaError)) throw thrown;
      return this.#refuse(hit, 'refused', errorMessage(thrown)); // of its job: it would be refused again
    }
    history.add({ entity: id, after: change.entity, atMs: Date.parse(change.ts), depth });
    const { probability } = context.settings.alpha.autonomy;
    context.swarm.self.record('autonomous_dispatch', {
      job: wish.job,
      draw: draw.value,
      probability,
      reason: reasonOf(change),
      entity: id,
      after: change.entity,
      depth,
      at: change.ts,
    }); // Y2
    this.counts.dispatched += 1;
    this.#log(context, change, { came, draw: draw.value, job: wish.job, entity: id });
  }

  #refuse({ change, context, draw, wish }: Hit, refusal: Refusal, why?: string): void {
    this.counts.refused[refusal] += 1;
    const more = why === undefined ? {} : { why };
    this.#log(context, change, { came: 'refused', by: refusal, draw: draw.value, job: wish.job, ...more });
  }

  #log({ swarm }: AutonomyContext, { entity }: FeedChange, fields: Readonly<Record<string, unknown>>): void {
    const { refused, ...counts } = this.counts;
    swarm.session.log.write('info', 'autonomy', { after: entity, ...fields, counts: { ...counts, ...refused } });
  }
}

const reasonOf = ({ entity, meta }: FeedChange): string =>
  `${entity} was completed: job ${labelOf(meta, 'job')}, domain ${labelOf(meta, 'domain')}, intent ${labelOf(meta, 'intent')}`;

interface Hit {
  readonly change: FeedChange;
  readonly context: AutonomyContext;
  readonly draw: Draw;
  readonly wish: FollowUpWish;
  readonly depth: number;
  readonly history: DispatchHistory;
}

/** Jobs that run, or wait for a worker; not those that wait for people. */
const runningCount = ({ view }: AutonomyContext): number => {
  let count = 0;
  for (const { id, state } of view.entities()) {
    if (id.startsWith('JOB-') && state !== undefined && state !== 'awaiting_review' && !isTerminal(state)) count += 1;
  }
  return count;
};

/** Y3; `undefined`: it may be dispatched. */
const refusalOf = async (
  { change, context, history }: Hit,
  signal: AbortSignal,
): Promise<Exclude<Refusal, 'refused'> | undefined> => {
  const { cooldownMs, perDay, maxRunning, costPerDayUsd } = context.settings.alpha.autonomy;
  const atMs = Date.parse(change.ts);
  if (history.hasWithin(atMs, cooldownMs)) return 'cooldown';
  const ofDay = history.ofDay(atMs);
  if (ofDay.length >= perDay) return 'perDay';
  if (runningCount(context) >= maxRunning) return 'maxRunning';
  if (costPerDayUsd === undefined) return undefined;
  const place = { busDir: context.home.busDir, settings: context.settings };
  const roots = new Set(ofDay.map(({ entity }) => entity));
  return (await readCostUsd(place, roots, atMs, signal)) >= costPerDayUsd ? 'costPerDayUsd' : undefined;
};
