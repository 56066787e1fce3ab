/**
 * Owns contracts as their users see them: in Redis where it is there, in the home where it is not, and brought afterwards.
 *
 * C1. A step is completed once: the first stands, in Redis by one script, in a home under one lock. While Redis is away two
 *     homes know nothing of each other; of what both completed then, the first that is brought stands.
 * C2. What stands in Redis takes the place of what a home has: else a copy that is behind would be brought again where
 *     Redis lost its data, and stand there before what is newer.
 */
import { bestEffort } from '../../failopen/best-effort.ts';
import { errorMessage } from '../../model/error.ts';
import type { EntityId } from '../../model/id.ts';
import type { StepAnswer, StepChange } from '../../redis/scripts/contract.lua.ts';
import type { Place, RedisWay } from '../working-memory/working-memory.ts';
import { type Contract, hashOf, type StandingContract, type StepStanding } from './contract.ts';
import type { HomeContracts } from './home-contracts.ts';
import { RedisContracts } from './redis-contracts.ts';
import { isBehind, judgeStep, merged, standsOf, withStep } from './step-rules.ts';

export interface ContractsOptions {
  /** Never rejects. */
  readonly way: () => Promise<RedisWay>;
  readonly home: HomeContracts;
}

export type Unavailable = { readonly kind: 'unavailable'; readonly why: string };
export type ContractPut =
  | ({ readonly kind: 'put'; readonly sha256: string } & Place)
  | { readonly kind: 'taken' }
  | Unavailable;
export type StepChanged = (StepAnswer & Place) | Unavailable;

/** What a step comes to, without what the contract says of it. */
export interface StepWish {
  readonly what: 'start' | 'complete' | 'fail';
  readonly step: string;
  readonly standing: StepStanding;
  readonly isTaking: boolean;
  /** Why Redis did not answer a moment ago: it is not asked again. */
  readonly whyAway?: string | undefined;
}

const HOME_WITHIN_MS = 2_500;

const changeOf = (
  { contract, sha256 }: StandingContract,
  { what, step, standing, isTaking }: StepWish,
): StepChange => ({
  what,
  sha256,
  step,
  state: standing.state,
  ts: standing.ts,
  entity: standing.entity,
  session: standing.session,
  isTaking,
  told: JSON.stringify(standing),
  needs: contract.steps.find(({ name }) => name === step)?.needs ?? [],
});

export class Contracts {
  readonly #options: ContractsOptions;
  readonly #written = new Set<EntityId>();

  constructor(options: ContractsOptions) {
    this.#options = options;
  }

  get written(): ReadonlySet<EntityId> {
    return this.#written;
  }

  /** The contract is one that was parsed. Never rejects. */
  async put(job: EntityId, contract: Contract, session: string): Promise<ContractPut> {
    this.#written.add(job);
    const { found, why: whyAway } = await this.get(job);
    const ts = Math.max(Date.now(), (found?.ts ?? 0) + 1); // later than what it replaces
    const next: StandingContract = { contract, sha256: hashOf(contract), ts, session, steps: new Map() };
    const way = await this.#way(whyAway);
    let why = way.kind === 'away' ? way.why : undefined;
    if (way.kind === 'link') {
      const redis = new RedisContracts(way.link, way.keys);
      why = await this.#bring(redis, job);
      const put = why === undefined ? await redis.put(job, next) : undefined;
      if (put?.kind === 'taken') return { kind: 'taken' };
      if (put?.kind === 'away') ({ why } = put);
    }
    const isThere = way.kind === 'link' && why === undefined;
    let isTaken = false;
    const done = await this.#inHome('put', () =>
      this.#options.home.change(job, (there) => {
        if (there?.sha256 === next.sha256) return undefined;
        isTaken = !isThere && there !== undefined && there.steps.size > 0;
        return isTaken ? undefined : next;
      }),
    );
    if (isTaken) return { kind: 'taken' };
    const { sha256 } = next;
    if (isThere) return { kind: 'put', sha256, where: 'redis' };
    return done.kind === 'done' ? { kind: 'put', sha256, where: 'home', why } : { kind: 'unavailable', why: done.why };
  }

  /** As it stands, wherever that is known. Never rejects. */
  async get(
    job: EntityId,
  ): Promise<{ readonly found: StandingContract | undefined; readonly why: string | undefined }> {
    const [way, here] = await Promise.all([this.#options.way(), this.#atHome(job)]);
    if (way.kind !== 'link') return { found: here, why: way.kind === 'away' ? way.why : undefined };
    const there = await new RedisContracts(way.link, way.keys).get(job);
    if (there.kind === 'away') return { found: here, why: there.why };
    const { found } = there;
    const isBoth = found !== undefined && here !== undefined;
    return { found: isBoth ? merged(found, here) : (found ?? here), why: undefined };
  }

  /** `known`: the contract that the caller looked at. Never rejects. */
  async change(job: EntityId, known: StandingContract, wish: StepWish): Promise<StepChanged> {
    this.#written.add(job);
    const change = changeOf(known, wish);
    const way = await this.#way(wish.whyAway);
    let why = way.kind === 'away' ? way.why : undefined;
    if (way.kind === 'link') {
      const redis = new RedisContracts(way.link, way.keys);
      why = await this.#bring(redis, job);
      const answer = why === undefined ? await redis.change(job, change) : undefined;
      if (answer?.kind === 'away') ({ why } = answer);
      else if (answer !== undefined) {
        if (answer.kind === 'done') await this.#copy(job, known, wish);
        return { ...answer, where: 'redis' };
      }
    }
    let answer: StepAnswer = { kind: 'changed', by: '' };
    const done = await this.#inHome('step', () =>
      this.#options.home.change(job, (here = known) => {
        const there = here.sha256 === known.sha256 ? merged(known, here) : here; // others' steps, as far as they were seen
        answer = judgeStep(there, change);
        return answer.kind === 'done' ? withStep(there, wish.step, wish.standing) : undefined;
      }),
    );
    return done.kind === 'done' ? { ...answer, where: 'home', why } : { kind: 'unavailable', why: done.why };
  }

  /** Brings what the home has and Redis has not. Never rejects; whether all of it is there now. */
  async bring(job: EntityId): Promise<boolean> {
    const way = await this.#options.way();
    return way.kind === 'link' && (await this.#bring(new RedisContracts(way.link, way.keys), job)) === undefined;
  }

  #way(whyAway: string | undefined): Promise<RedisWay> {
    return whyAway === undefined ? this.#options.way() : Promise.resolve({ kind: 'away', why: whyAway });
  }

  /** Why not all of it is there. */
  async #bring(redis: RedisContracts, job: EntityId): Promise<string | undefined> {
    const here = await this.#atHome(job);
    if (here === undefined) return undefined;
    const there = await redis.get(job);
    if (there.kind === 'away') return there.why;
    const { found } = there;
    if (found?.sha256 !== here.sha256) {
      const put = await redis.put(job, here);
      if (put.kind === 'away') return put.why;
      if (put.kind === 'taken') {
        if (found !== undefined) await this.#adopt(job, here.sha256, () => found);
        return undefined; // another one stands there
      }
    }
    const known = found?.sha256 === here.sha256 ? found : undefined;
    for (const [step, standing] of here.steps) {
      if (standsOf(known?.steps.get(step), standing) !== standing) continue;
      const change = { ...changeOf(here, { what: 'start', step, standing, isTaking: false }), what: 'bring' as const };
      const brought = await redis.change(job, change);
      if (brought.kind === 'away') return brought.why;
    }
    if (known !== undefined && isBehind(here, known)) {
      await this.#adopt(job, here.sha256, (now) => merged(known, now));
    }
    return undefined;
  }

  /** C2, where the home has no other one by now. */
  async #adopt(job: EntityId, sha256: string, take: (now: StandingContract) => StandingContract): Promise<void> {
    await this.#inHome('adopt', () =>
      this.#options.home.change(job, (now) => (now?.sha256 === sha256 ? take(now) : undefined)),
    );
  }

  async #copy(job: EntityId, known: StandingContract, { step, standing }: StepWish): Promise<void> {
    await this.#inHome('copy', () =>
      this.#options.home.change(job, (there) => {
        return withStep(there?.sha256 === known.sha256 ? there : known, step, standing);
      }),
    );
  }

  async #atHome(job: EntityId): Promise<StandingContract | undefined> {
    const got = await this.#inHome('get', () => this.#options.home.get(job));
    return got.kind === 'done' ? got.value : undefined;
  }

  async #inHome<T>(what: string, work: () => Promise<T>): Promise<{ kind: 'done'; value: T } | Unavailable> {
    const outcome = await bestEffort(`contract.${what}`, { withinMs: HOME_WITHIN_MS }, work);
    if (outcome.kind === 'done') return outcome;
    return { kind: 'unavailable', why: outcome.kind === 'failed' ? outcome.why : 'the disk of the home hangs' };
  }
}

/** All contracts of the home whose time is not over. Never rejects; why not all are there. */
export const bringAllContracts = async (options: ContractsOptions, keptMs: number): Promise<string | undefined> => {
  const contracts = new Contracts(options);
  try {
    for (const job of await options.home.jobs()) {
      const atMs = await options.home.seenAtMs(job);
      if (atMs === undefined || Date.now() - atMs > keptMs) continue;
      if (!(await contracts.bring(job))) return 'Redis does not take it';
    }
    return undefined;
  } catch (thrown) {
    return errorMessage(thrown);
  }
};
