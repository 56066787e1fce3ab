/**
 * Owns the tool calls of an agent, from what is told of them to their lines on the bus.
 *
 * K1. A call is on the bus once, whoever tells of it and how often: the first end that is told stands.
 * K3. An id that is used again is another call, asked about and recorded as one: some providers count from 0 in each
 *     answer. Only a hook that comes behind the end of its call tells nothing new.
 * K4. No question to a person, pause or hook holds a call whose end is told, or whose agent is gone.
 */
import { isDeepStrictEqual } from 'node:util';
import type { CallFailure, CallResult } from '../../hooks/tool-call.ts';
import type { ToolCallSource } from '../../model/tool-event.ts';
import type { PodEntity } from '../entity.ts';
import { describeCall } from './describe-call.ts';
import type { PodHost } from './pod-host.ts';
import type { WantedCall } from './wanted-call.ts';

/** A tool call as an agent names it. */
export interface AgentCall {
  /** Unique in the session: the agent's own id, or one that its adapter made. */
  readonly id: string;
  readonly tool: string;
  readonly input: unknown;
  readonly source: Exclude<ToolCallSource, 'reported'>;
  readonly turn?: string | undefined;
  /** The agent's own id of the subagent that makes it; `undefined`: the agent itself. */
  readonly sub?: string | undefined;
  readonly cwd?: string | undefined;
}

export type AgentCallEnd = CallResult;

/** `input`: what the call is to be made with, where a hook changed it. */
export type AgentVerdict =
  | { readonly kind: 'go'; readonly input?: unknown }
  | { readonly kind: 'denied'; readonly reason: string };

interface OpenCall {
  readonly call: AgentCall;
  readonly wanted: WantedCall;
  readonly verdict: Promise<AgentVerdict>;
  readonly settle: (result: CallResult) => void;
  /** Aborted where nobody waits for the verdict any more (K4). */
  readonly gone: AbortController;
  readonly recorded: Promise<void>;
  /** The verdict was given: it is being made. */
  isMade: boolean;
  /** Its line was written without the host. */
  isReported: boolean;
}

export interface AgentCallsOptions {
  readonly host: PodHost;
  /** Whose call it is; `undefined`: the agent's own. */
  readonly entityOf: (sub: string) => PodEntity;
  /** Its hooks come once each: a second one of an id is of a second call. */
  readonly isHookedOnce: boolean;
}

/** More at once are a mistake (G6). */
const MAX_OPEN_CALLS = 10_000;
/** Ids that are remembered so that a second source tells nothing twice. */
const MAX_DONE_CALLS = 100_000;
const MAX_RENAMED = 10_000;
/** How much later than the end of its call a hook before it may come: one that was given up, or left a file. */
const LATE_MS = 10_000;
/** Of a call that began here: no hook of it is late. */
const NEVER_MS = -Infinity;
const GO = { kind: 'go' } as const;

const isSame = (one: AgentCall, other: AgentCall): boolean =>
  one.tool === other.tool && isDeepStrictEqual(one.input, other.input);

export class AgentCalls {
  readonly #options: AgentCallsOptions;
  readonly #open = new Map<string, OpenCall>();
  /** When they were told of, where no hook told of their beginning. */
  readonly #done = new Map<string, number>();
  /** Names of calls whose id was used before (K3). */
  readonly #renamed = new Map<string, string>();
  /** Ended while they were held: the host is still to let go of them. */
  readonly #held = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  readonly #ending: AbortSignal;

  constructor(options: AgentCallsOptions) {
    this.#options = options;
    this.#ending = options.host.signalOf(this.#closing.signal);
    this.#ending.addEventListener('abort', this.#letGo, { once: true });
  }

  /** Whether the call is under way. */
  isOpen(id: string): boolean {
    return this.#open.has(this.#nameOf(id));
  }

  /** Whether the call is on the bus, or was denied. */
  isDone(id: string): boolean {
    return this.#done.has(this.#nameOf(id));
  }

  /** Those that began and did not end, the oldest first. */
  get open(): readonly string[] {
    return [...this.#open.keys()];
  }

  /** Whether a hook before the call tells nothing new: it may go. */
  isKnown(call: AgentCall): boolean {
    const name = this.#nameOf(call.id);
    if (this.#open.size >= MAX_OPEN_CALLS) return true;
    const doneAtMs = this.#done.get(name);
    if (doneAtMs === undefined) return false;
    return !this.#options.isHookedOnce || performance.now() - doneAtMs < LATE_MS;
  }

  /** A call is to be made: what the policy and the hooks of users say. */
  begin(told: AgentCall): Promise<AgentVerdict> {
    const known = this.#open.get(this.#nameOf(told.id));
    if (known !== undefined && isSame(known.call, told)) return known.verdict;
    if (this.isKnown(told)) return Promise.resolve(GO);
    const call = known === undefined && !this.isDone(told.id) ? told : this.#rename(told);
    const verdict = Promise.withResolvers<AgentVerdict>();
    const ended = Promise.withResolvers<CallResult>();
    const recorded = Promise.withResolvers<void>();
    const gone = new AbortController();
    const wanted: WantedCall = {
      ...this.#wanted(call),
      signal: gone.signal,
      isRecorded: () => !open.isReported,
      onRecorded: () => recorded.resolve(),
    };
    const open: OpenCall = {
      call: told,
      wanted,
      verdict: verdict.promise,
      settle: ended.resolve,
      gone,
      recorded: recorded.promise,
      isMade: false,
      isReported: false,
    };
    if (this.#ending.aborted) gone.abort(this.#ending.reason);
    this.#open.set(call.id, open);
    const run = (input: unknown): Promise<CallResult> => {
      open.isMade = true;
      verdict.resolve(input === call.input ? GO : { kind: 'go', input });
      return ended.promise;
    };
    const over = (result: CallResult | CallFailure): void => {
      this.#open.delete(call.id);
      this.#remember(call.id, NEVER_MS);
      recorded.resolve();
      verdict.resolve({ kind: 'denied', reason: result.ok ? 'it is over' : result.error });
    };
    this.#options.host.call(wanted, run).then(over, () => over({ ok: false, error: 'the pod has a bug' }));
    return verdict.promise;
  }

  /** Resolves once its line is on the bus. `call`: what it is, for one whose beginning nobody told. */
  async end(id: string, end: AgentCallEnd, call: AgentCall | undefined): Promise<void> {
    const name = this.#nameOf(id);
    if (this.#done.has(name)) return;
    const open = this.#open.get(name);
    if (open === undefined) {
      if (call === undefined) return;
      this.#remember(name, performance.now());
      this.#report(this.#wanted(call), end);
      return;
    }
    this.#open.delete(name); // hooks of users that follow the call may still run
    this.#remember(name, NEVER_MS);
    open.settle(end);
    if (open.isMade) return open.recorded;
    open.isReported = true; // K4: it was made all the same
    this.#report(open.wanted, end);
    this.#held.add(open.recorded);
    open.recorded.then(() => this.#held.delete(open.recorded)).catch(() => undefined); // it does not reject
    open.gone.abort(new Error('the agent did not wait'));
  }

  /** Ends what the agent left open. */
  async close(): Promise<void> {
    const ends = [...this.#open.values()].map(({ settle, recorded }) => {
      settle({ ok: false, error: 'Interrupted', isInterrupt: true });
      return recorded;
    });
    this.#closing.abort(new Error('Interrupted')); // K4
    await Promise.all([...ends, ...this.#held]);
    this.#ending.removeEventListener('abort', this.#letGo);
  }

  readonly #letGo = (): void => {
    for (const { gone } of this.#open.values()) gone.abort(this.#ending.reason);
  };

  #report(wanted: WantedCall, result: CallResult): void {
    const { isRecorded: _isRecorded, onRecorded: _onRecorded, ...call } = wanted;
    this.#options.host.report({ ...call, result, durationMs: result.durationMs ?? 0 });
  }

  #wanted({ id, tool, input, source, turn, sub, cwd }: AgentCall): WantedCall {
    return {
      id,
      tool,
      input,
      what: describeCall(input),
      source,
      ...(turn === undefined ? {} : { turn }),
      ...(cwd === undefined ? {} : { cwd }),
      ...(sub === undefined ? {} : { entity: this.#options.entityOf(sub) }),
    };
  }

  #nameOf(id: string): string {
    return this.#renamed.get(id) ?? id;
  }

  /** K3 */
  #rename(call: AgentCall): AgentCall {
    let count = 2;
    while (this.#open.has(`${call.id}~${count}`) || this.#done.has(`${call.id}~${count}`)) count += 1;
    const name = `${call.id}~${count}`;
    if (this.#renamed.size >= MAX_RENAMED) this.#renamed.clear();
    this.#renamed.set(call.id, name);
    return { ...call, id: name };
  }

  #remember(name: string, toldAtMs: number): void {
    if (this.#done.size >= MAX_DONE_CALLS) {
      const [oldest = ''] = this.#done.keys();
      this.#done.delete(oldest);
    }
    this.#done.set(name, toldAtMs);
  }
}
