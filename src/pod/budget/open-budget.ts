/** Owns which budgets hold for a pod that is to start, and that none starts under one that is used up. */
import { existsSync } from 'node:fs';
import { channelName } from '../../bus/layout.ts';
import { Ancestry } from '../../bus/query/ancestry.ts';
import { endOf } from '../../bus/query/read-types.ts';
import { readFirstLine } from '../../bus/read/first-line.ts';
import { createPriceOf } from '../../config/prices/price-of.ts';
import { PRICES_DATE } from '../../config/prices/shipped-prices.ts';
import { bestEffort, bestEffortSync } from '../../failopen/best-effort.ts';
import { type PriceOf, Spending } from '../../model/spending.ts';
import type { Stop } from '../ending.ts';
import type { PodPlan, PodWish } from '../plan.ts';
import { Account, type Work } from './account.ts';
import { Budget } from './budget.ts';
import { type KnownOptions, readKnown, writeKnown } from './budget-files.ts';
import { OthersReader } from './others-reader.ts';
import type { OthersState } from './others-use.ts';
import { type BudgetScope, hasLimits, type ScopeKind } from './scope.ts';
import { refusal } from './refusal.ts';

export interface OpenBudgetOptions {
  readonly wish: PodWish;
  readonly plan: PodPlan;
  readonly stop: Stop;
  /** The entity is on the bus already: what it used counts. */
  readonly resumes: boolean;
}

const NOTHING: Work = { toolCalls: 0, wallMs: 0 };
const LOOK_UP_BUDGET_MS = 5_000;
const DAY_CHARS = 10;

const today = (): string => new Date().toISOString().slice(0, DAY_CHARS);

class Opening {
  readonly #options: OpenBudgetOptions;
  readonly #ancestry: Ancestry;
  readonly #own = new Set<string>();
  readonly #priceOf: PriceOf;

  constructor(options: OpenBudgetOptions) {
    this.#options = options;
    this.#ancestry = new Ancestry(options.wish.home.busDir);
    this.#priceOf = createPriceOf(options.wish.settings.prices);
  }

  async open(): Promise<Budget> {
    const { wish, plan, stop } = this.#options;
    const accounts: Account[] = [];
    for (const scope of await this.#scopes()) accounts.push(await this.#account(scope, NOTHING));
    const budget = new Budget({
      home: wish.home,
      job: plan.id,
      stop,
      accounts,
      nextDay: ({ scope }, work) => this.#create({ ...scope, of: today() }, work, undefined),
      reader: new OthersReader(wish.home),
      wallMs: plan.mission.wallMs,
      onSession: (session) => this.#own.add(session),
    });
    const [usedUp] = await budget.open();
    if (usedUp !== undefined) {
      budget[Symbol.dispose]();
      throw refusal(usedUp);
    }
    for (const account of accounts) this.#keep(account);
    return budget;
  }

  async #scopes(): Promise<readonly BudgetScope[]> {
    const { wish, plan } = this.#options;
    const { limits, projects } = wish.settings;
    const { maxCostUsd: costUsd, maxTokens: tokens, maxToolCalls: toolCalls } = plan.mission;
    const scopes: BudgetScope[] = [
      { kind: 'job', of: plan.id, limits: { costUsd, tokens, toolCalls } },
      { kind: 'day', of: today(), limits: limits.perDay },
    ];
    const project = Object.keys(projects).length === 0 ? undefined : await this.#project();
    const ofProject = project === undefined ? undefined : projects[project]?.limits;
    if (project !== undefined && ofProject !== undefined)
      scopes.push({ kind: 'project', of: project, limits: ofProject });
    return scopes.filter((scope) => hasLimits(scope.limits));
  }

  async #project(): Promise<string | undefined> {
    const { parent } = this.#options.plan;
    if (parent === undefined || parent.startsWith('PROJ-')) return parent;
    const found = await bestEffort('budget.project', { withinMs: LOOK_UP_BUDGET_MS }, () =>
      this.#ancestry.projectOf(parent),
    );
    return found.kind === 'done' ? found.value : undefined;
  }

  async #account(scope: BudgetScope, before: Work): Promise<Account> {
    return this.#create(scope, before, await this.#knownOf(scope));
  }

  #create(scope: BudgetScope, before: Work, known: Known | undefined): Account {
    return new Account({
      scope,
      priceOf: this.#priceOf,
      ancestry: this.#ancestry,
      isOwn: (session) => this.#own.has(session),
      before,
      known: known?.state,
      sinceMs: known?.sinceMs ?? sinceOf(scope.kind),
    });
  }

  /** From where on others are read: not all of the bus, where that is known. */
  async #knownOf({ kind, of }: BudgetScope): Promise<Known | undefined> {
    if (kind === 'project') return { state: readKnown(this.#filesOf(of), this.#priceOf), sinceMs: 0 };
    if (kind === 'day') return undefined;
    const { wish, plan, resumes } = this.#options;
    const { busDir } = wish.home;
    const found = await bestEffort('budget.place', { withinMs: LOOK_UP_BUDGET_MS }, async (signal): Promise<Known> => {
      if (resumes) {
        const first = await readFirstLine(busDir, channelName(plan.id));
        return { state: undefined, sinceMs: first === undefined ? 0 : Date.parse(first.ts) };
      }
      const place = existsSync(busDir) ? await endOf(busDir, signal) : undefined; // nothing of it stands before
      const state = { spending: new Spending(this.#priceOf), toolCalls: 0, wallMs: 0, place };
      return { state, sinceMs: Date.now() };
    });
    return found.kind === 'done' ? found.value : undefined;
  }

  #filesOf(project: string): KnownOptions {
    const { home, settings } = this.#options.wish;
    return { runDir: home.runDir, project, prices: settings.prices, pricesDate: PRICES_DATE };
  }

  /** The next pod of the project begins there. */
  #keep({ scope, others }: Account): void {
    if (scope.kind === 'project')
      bestEffortSync('budget.keep', () => writeKnown(this.#filesOf(scope.of), others.state));
  }
}

interface Known {
  readonly state: OthersState | undefined;
  readonly sinceMs: number;
}

const sinceOf = (kind: ScopeKind): number => (kind === 'day' ? Date.parse(today()) : 0);

/**
 * The budgets of a pod, with what others used of them until now. A bus that cannot be read refuses no pod (B2).
 * @throws {NikaError} `NIKA_BUDGET_USED_UP`; nothing was written
 */
export const openBudget = (options: OpenBudgetOptions): Promise<Budget> => new Opening(options).open();
