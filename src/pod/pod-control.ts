/**
 * Owns what a person or a program can do with a pod that runs: pause it, answer for it, send it a word, stop it; and how
 * it stands meanwhile.
 */
import { NikaError } from '../model/error.ts';
import { WAIT_REASONS, type WaitReason } from '../model/message.ts';
import { bestEffortSync } from '../failopen/best-effort.ts';
import { explain, isPersonsWish, type Stop } from './ending.ts';
import type { PauseGate } from './host/pause-gate.ts';
import type { LivingStatus } from './registry/pod-record.ts';
import type { PodMessage, Push } from './socket/protocol.ts';
import type { PodTree } from './tree/pod-tree.ts';

export interface PodControlOptions {
  readonly stop: Stop;
  /** Whose times stand still in a pause besides. */
  readonly outerStop: Stop;
  readonly gate: PauseGate;
  readonly tree: PodTree;
  /** A pause stops the processes too, not only the next tool call. */
  readonly stopsPrograms: boolean;
  /** Something changed that others want to see. */
  readonly onChange: () => void;
}

export interface Question {
  readonly call: string;
  readonly tool: string;
  readonly what: string;
  readonly reason: string;
}

export interface PersonsAnswer {
  readonly allow: boolean;
  readonly reason?: string;
}

/** What the `run` of a module came to. */
export type RunEnd = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: string };

/** What a pod does not go on for. */
export interface Waiting {
  readonly reason: WaitReason;
  /** As a person would say it. */
  readonly why: string;
  /** ISO 8601. */
  readonly since: string;
}

export interface StopWish {
  readonly graceMs?: number | undefined;
  readonly why?: string | undefined;
  /** The job goes on with another attempt. */
  readonly keepsOpen?: boolean | undefined;
}

type Phase = { readonly kind: 'starting'; readonly why: string | null } | { readonly kind: 'running' };

/** What a program that is told to end gets for it. */
const DEFAULT_GRACE_MS = 10_000;
/** Another pod does the same work already. */
const SUPERSEDED_GRACE_MS = 200;
const MAX_WAITING_MESSAGES = 100;

export class PodControl {
  readonly #options: PodControlOptions;
  readonly #questions = new Map<
    string,
    Question & { readonly since: string; settle: (answer: PersonsAnswer) => void }
  >();
  readonly #listeners = new Set<(push: Push) => void>();
  readonly #waiting: PodMessage[] = [];
  /** What the agent does not go on for. */
  readonly #waits = new Map<WaitReason, Waiting>();
  #phase: Phase = { kind: 'starting', why: null };
  #graceMs = DEFAULT_GRACE_MS;
  readonly #told = new AbortController();
  readonly #runEnd = Promise.withResolvers<RunEnd>();
  #result: { readonly value: unknown } | undefined;

  constructor(options: PodControlOptions) {
    this.#options = options;
    options.stop.signal.addEventListener('abort', () => this.#onStop(), { once: true });
    const hear = (): void => {
      if (isPersonsWish(options.outerStop.reason)) this.#told.abort();
    };
    hear();
    options.outerStop.signal.addEventListener('abort', hear, { once: true });
  }

  get status(): LivingStatus {
    const { stop, gate } = this.#options;
    if (stop.signal.aborted) return 'stopping';
    if (gate.isShut) return 'paused';
    return this.#firstWait === undefined ? this.#phase.kind : 'waiting';
  }

  /** Where its status is `waiting`: for what. */
  get waiting(): Waiting | null {
    return this.status === 'waiting' ? (this.#firstWait ?? null) : null;
  }

  /** Why it does not go on, where it does not. */
  get why(): string | null {
    return this.#firstWait?.why ?? (this.#phase.kind === 'starting' ? this.#phase.why : null);
  }

  /** Of several: what a person is needed for goes first. */
  get #firstWait(): Waiting | undefined {
    const [question] = this.#questions.values();
    if (question !== undefined) {
      const why = `asks: ${question.tool} ${question.what}: ${question.reason}`;
      return { reason: 'permission', why, since: question.since };
    }
    if (this.#phase.kind === 'starting') return undefined;
    const first = WAIT_REASONS.find((reason) => this.#waits.has(reason));
    return first === undefined ? undefined : this.#waits.get(first);
  }

  /** The agent that runs does not go on. False: that was known. */
  holdUp(reason: WaitReason, why: string): boolean {
    const before = this.#waits.get(reason);
    if (before?.why === why) return false;
    this.#waits.set(reason, { reason, why, since: before?.since ?? new Date().toISOString() });
    this.#options.onChange();
    return true;
  }

  /** It goes on. False: it did not wait for that. */
  goOn(reason: WaitReason): boolean {
    const waited = this.#waits.delete(reason);
    if (waited) this.#options.onChange();
    return waited;
  }

  /** What the agent does not go on for. */
  get waits(): readonly WaitReason[] {
    return [...this.#waits.keys()];
  }

  get graceMs(): number {
    return this.#isSuperseded ? SUPERSEDED_GRACE_MS : this.#graceMs;
  }

  /** Aborted once somebody wants it to end: then it waits for nothing more. */
  get toldToEnd(): AbortSignal {
    return this.#told.signal;
  }

  get #isSuperseded(): boolean {
    return this.#options.stop.reason?.kind === 'superseded';
  }

  /** What the program said its result is; `undefined`: nothing. */
  get result(): { readonly value: unknown } | undefined {
    return this.#result;
  }

  /** Resolves when the module says that it is done. */
  get runEnd(): Promise<RunEnd> {
    return this.#runEnd.promise;
  }

  endRun(end: RunEnd): void {
    this.#runEnd.resolve(end);
  }

  setResult(value: unknown): void {
    this.#result = { value };
  }

  /** It has not begun to work yet, because … */
  wait(why: string): void {
    this.#phase = { kind: 'starting', why };
    this.#options.onChange();
  }

  begin(): void {
    this.#phase = { kind: 'running' };
    this.#options.onChange();
  }

  pause(): void {
    const { stop, outerStop, gate, tree, stopsPrograms, onChange } = this.#options;
    if (stop.signal.aborted || gate.isShut) return;
    gate.shut();
    stop.pause();
    outerStop.pause();
    if (stopsPrograms) tree.signalAll('SIGSTOP');
    onChange();
  }

  unpause(): void {
    const { stop, outerStop, gate, tree, stopsPrograms, onChange } = this.#options;
    if (!gate.isShut) return;
    if (stopsPrograms) tree.signalAll('SIGCONT');
    stop.unpause();
    outerStop.unpause();
    gate.reopen();
    onChange();
  }

  stop({ graceMs, why, keepsOpen }: StopWish): void {
    this.#graceMs = graceMs ?? this.#graceMs;
    this.#told.abort();
    const { stop, onChange } = this.#options;
    const told = { ...(why === undefined ? {} : { why }), ...(keepsOpen === true ? { keepsOpen } : {}) };
    stop.now({ kind: 'interrupted', signal: 'SIGTERM', ...told });
    this.unpause(); // what is stopped cannot end by itself
    onChange();
  }

  kill(why: string | undefined): void {
    this.#graceMs = 0;
    this.#told.abort();
    const { stop, tree, onChange } = this.#options;
    tree.signalAll('SIGKILL');
    stop.now({ kind: 'killed', ...(why === undefined ? {} : { why }) });
    onChange();
  }

  /** SIGKILL to all that was started, without a story: for a supervisor that ends at once. */
  killNow(): void {
    this.#options.tree.killNow();
  }

  /** Waits for a person. Denied where the pod is stopped before. */
  async ask(question: Question, signal: AbortSignal): Promise<PersonsAnswer> {
    const { promise, resolve } = Promise.withResolvers<PersonsAnswer>();
    this.#questions.set(question.call, { ...question, since: new Date().toISOString(), settle: resolve });
    const onAbort = (): void => resolve({ allow: false, reason: 'the pod was stopped before anybody answered' });
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    this.#options.onChange();
    const answer = await promise;
    signal.removeEventListener('abort', onAbort);
    this.#questions.delete(question.call);
    this.#options.onChange();
    return answer;
  }

  /** @throws {NikaError} `NIKA_POD_NOT_WAITING` */
  answer(call: string | undefined, answer: PersonsAnswer): string {
    const [oldest] = this.#questions.values();
    const question = call === undefined ? oldest : this.#questions.get(call);
    if (question === undefined) throw new NikaError('NIKA_POD_NOT_WAITING', 'the pod waits for no answer');
    question.settle(answer);
    return question.call;
  }

  /** The number of those who listened; where nobody does, the message waits for the first one who will. */
  send(message: PodMessage): number {
    if (this.#listeners.size === 0) {
      if (this.#waiting.length >= MAX_WAITING_MESSAGES) this.#waiting.shift();
      this.#waiting.push(message);
    }
    this.#push({ push: 'message', ...message });
    return this.#listeners.size;
  }

  listen(listener: (push: Push) => void): () => void {
    this.#listeners.add(listener);
    for (const message of this.#waiting.splice(0)) listener({ push: 'message', ...message });
    return () => this.#listeners.delete(listener);
  }

  /** Whatever stops it: a person, a timeout, a limit, a signal, another holder of its lease. */
  #onStop(): void {
    const { stop, tree } = this.#options;
    const { reason } = stop;
    if (this.#isSuperseded) {
      const kill = (): void => tree.signalAll('SIGKILL');
      setTimeout(() => bestEffortSync('pod.superseded', kill), SUPERSEDED_GRACE_MS).unref();
    }
    if (reason !== undefined) this.#push({ push: 'stop', reason: explain(reason), cause: reason });
  }

  #push(push: Push): void {
    for (const listener of this.#listeners) listener(push);
  }
}
