/**
 * Owns what lines of usage come to: tokens, and what they cost as far as anybody says. Pure.
 *
 * C1. A cost that nobody told is never zero: its tokens are priced by the table, apart from what was told, or counted as
 *     tokens without a price.
 * C2. What an agent tells at the end of its run covers the lines of its session before it whose cost was to come later:
 *     nothing counts twice.
 */
import { z } from 'zod';
import { totalTokens, type Usage } from './usage.ts';

/** In US dollars; `undefined`: the model has no price. */
export type PriceOf = (usage: Usage) => number | undefined;

const NANO = 1e9;

/** Money as it is written and compared: without digits that only the adding up made. */
export const roundedUsd = (usd: number): number => Math.round(usd * NANO) / NANO;

export interface TokenCounts {
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly output: number;
  /** Of the output. */
  readonly reasoning: number;
}

export interface Spent {
  /** All that went through the models. */
  readonly tokens: number;
  /** Told by agents, or priced when it was written, or estimated. */
  readonly costUsd: number;
  /** Of it: by the price table, since nobody told it, or has not yet. */
  readonly estimatedUsd: number;
  /** Not in `costUsd`. */
  readonly unpricedTokens: number;
}

const openSchema = z.object({ usd: z.number(), unpricedTokens: z.number() });
/** What the table says of tokens whose cost is not told. */
type Open = z.infer<typeof openSchema>;

export const spendingStateSchema = z.object({
  counts: z.object({
    input: z.number(),
    cacheRead: z.number(),
    cacheWrite: z.number(),
    output: z.number(),
    reasoning: z.number(),
  }),
  toldUsd: z.number(),
  closed: openSchema,
  lineCount: z.int(),
  open: z.array(openSchema.extend({ session: z.string(), model: z.string() })),
});

/** JSON. */
export type SpendingState = z.infer<typeof spendingStateSchema>;

/** Whether the line says what lines before it cost (C2): of all models, or of its own. */
export const settledBy = ({ scope, model, cost_usd: cost, cost_from: from, ...tokens }: Usage): Settled | undefined => {
  if (scope !== 'run' || cost === null) return undefined;
  if (from === 'agent') return {};
  return from === 'prices' && totalTokens(tokens) === 0 ? { model } : undefined;
};

/** `model` missing: all of them. */
export interface Settled {
  readonly model?: string;
}

export class Spending {
  readonly #priceOf: PriceOf;
  /** What is told later, by session and model. */
  readonly #open = new Map<string, Map<string, Open>>();
  readonly #counts = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0, reasoning: 0 };
  #toldUsd = 0;
  /** Nobody tells it. */
  readonly #closed: Open = { usd: 0, unpricedTokens: 0 };
  /** How many lines. */
  #lineCount = 0;

  constructor(priceOf: PriceOf, state?: SpendingState) {
    this.#priceOf = priceOf;
    if (state === undefined) return;
    Object.assign(this.#counts, state.counts);
    Object.assign(this.#closed, state.closed);
    this.#toldUsd = state.toldUsd;
    this.#lineCount = state.lineCount;
    for (const { session, model, ...open } of state.open) Object.assign(this.#openFor(session, model), open);
  }

  /** What another one can go on from. */
  get state(): SpendingState {
    const open = [...this.#open].flatMap(([session, models]) =>
      Array.from(models, ([model, of]) => ({ session, model, ...of })),
    );
    const counts = { ...this.#counts };
    return { counts, toldUsd: this.#toldUsd, closed: { ...this.#closed }, lineCount: this.#lineCount, open };
  }

  get counts(): TokenCounts {
    return this.#counts;
  }

  get lineCount(): number {
    return this.#lineCount;
  }

  get spent(): Spent {
    const { input, cacheRead, cacheWrite, output } = this.#counts;
    let { usd: estimatedUsd, unpricedTokens } = this.#closed;
    for (const models of this.#open.values()) {
      for (const open of models.values()) {
        estimatedUsd += open.usd;
        unpricedTokens += open.unpricedTokens;
      }
    }
    const tokens = input + cacheRead + cacheWrite + output;
    return { tokens, costUsd: this.#toldUsd + estimatedUsd, estimatedUsd, unpricedTokens };
  }

  /** Whether the session has lines whose cost is told later. */
  isOpen(session: string): boolean {
    return this.#open.has(session);
  }

  /** Takes in a line; what it settles is settled by {@link settle}, since that may stand elsewhere too. */
  add(session: string, usage: Usage): void {
    this.#lineCount += 1;
    this.#counts.input += usage.input_tokens;
    this.#counts.cacheRead += usage.cache_read_tokens;
    this.#counts.cacheWrite += usage.cache_write_tokens;
    this.#counts.output += usage.output_tokens;
    this.#counts.reasoning += usage.reasoning_tokens ?? 0;
    if (usage.cost_usd === null) this.#addOpen(session, usage);
    else this.#toldUsd += usage.cost_usd;
  }

  /** Somebody told what they cost, in a line of its own (C2). */
  settle(session: string, { model }: Settled): void {
    const models = this.#open.get(session);
    if (model !== undefined) models?.delete(model);
    if (model === undefined || models?.size === 0) this.#open.delete(session);
  }

  /** The session is over: what it has not told, nobody tells. */
  close(session: string): void {
    for (const open of this.#open.get(session)?.values() ?? []) {
      this.#closed.usd += open.usd;
      this.#closed.unpricedTokens += open.unpricedTokens;
    }
    this.#open.delete(session);
  }

  /** What of a session is estimated, by model. */
  openOf(
    session: string,
  ): readonly { readonly model: string; readonly usd: number; readonly unpricedTokens: number }[] {
    return Array.from(this.#open.get(session) ?? [], ([model, open]) => ({ model, ...open }));
  }

  #addOpen(session: string, usage: Usage): void {
    const tokens = totalTokens(usage);
    if (tokens === 0) return;
    const open = usage.cost_from === 'later' ? this.#openFor(session, usage.model) : this.#closed;
    const usd = this.#priceOf(usage);
    if (usd === undefined) open.unpricedTokens += tokens;
    else open.usd += usd;
  }

  #openFor(session: string, model: string): Open {
    const models = this.#open.get(session) ?? new Map<string, Open>();
    const open = models.get(model) ?? { usd: 0, unpricedTokens: 0 };
    this.#open.set(session, models.set(model, open));
    return open;
  }
}
