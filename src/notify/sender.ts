/**
 * Owns the sending of what waits in the spool: each by its way, again later where that may help, until nothing waits.
 *
 * Y1. A way that hangs holds no other, and of its own notifications not all.
 * Y2. A try is counted before it begins: what kills the sender is not tried for ever.
 * Y3. Nobody is told again and again because the disk takes nothing: what can be neither counted nor removed is not sent.
 */
import { type FSWatcher, watch } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { NotifyTarget, NotifyWay } from '../config/notify/notify-settings.ts';
import { bestEffortSync } from '../failopen/best-effort.ts';
import { MAX_AGE_MS, MAX_TRIES, pauseAfter } from './retry.ts';
import {
  listSpool,
  readSpooled,
  removeSpooled,
  removeTorn,
  rewriteSpooled,
  type SpooledFile,
  trimDropped,
} from './spool.ts';
import { NO_STATE, readState, type WayState, writeState } from './state.ts';
import { keyOf } from './way.ts';
import type { SendOutcome } from './ways/outcome.ts';

export interface SenderOptions {
  readonly dir: string;
  /** The settings as they stand now. @throws where they are not valid: nothing can be sent then */
  readonly loadWays: () => readonly NotifyWay[];
  /** One try. Must not reject. */
  readonly send: (way: NotifyWay, spooled: SpooledFile, signal: AbortSignal) => Promise<SendOutcome>;
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields: Readonly<Record<string, unknown>>) => void;
  /** With nothing to send it stays so long: notifications come in crowds. */
  readonly lingerMs: number;
}

/** The settings are read again at most so often. */
const RELOAD_EVERY_MS = 1_000;
/** Where nothing tells that a file came. */
const LOOK_EVERY_MS = 5_000;
/** At once, by one way. A person's programs are run one after the other. */
const AT_ONCE = { webhook: 4, command: 1, desktop: 1 } as const satisfies Record<NotifyTarget['kind'], number>;

/** What is known of a file while this sender lives; `done`: it is not to be looked at again (Y3). */
type Known = { readonly kind: 'waits'; readonly spooled: SpooledFile } | { readonly kind: 'sending' | 'done' };

interface Lane {
  running: number;
  /** A server asked to be left alone until then. */
  heldUntilMs: number;
}

const dueAtMs = ({ next_at: next }: SpooledFile): number => {
  const atMs = next === null ? 0 : Date.parse(next);
  return atMs > Date.now() + MAX_AGE_MS ? 0 : atMs; // the clock was set back
};

export class Sender implements Disposable {
  readonly #options: SenderOptions;
  readonly #known = new Map<string, Known>();
  readonly #lanes = new Map<string, Lane>();
  readonly #state: Record<string, WayState>;
  readonly #watcher: FSWatcher | undefined;
  #ways: ReadonlyMap<string, NotifyWay>;
  #loadedAtMs = performance.now();
  #wake = Promise.withResolvers<void>();

  /** @throws what `loadWays` throws */
  constructor(options: SenderOptions) {
    this.#options = options;
    this.#ways = this.#load();
    this.#state = { ...readState(options.dir) };
    bestEffortSync('notify.tidy', () => removeTorn(options.dir));
    bestEffortSync('notify.tidy', () => trimDropped(options.dir));
    this.#watcher = bestEffortSync('notify.watch', () => watch(options.dir, () => this.#wake.resolve()));
    this.#watcher?.on('error', () => undefined); // the folder is gone: looked at now and then
  }

  [Symbol.dispose](): void {
    this.#watcher?.close();
  }

  /** Until nothing has waited for a while, or the signal. */
  async run(signal: AbortSignal): Promise<void> {
    let idleSinceMs = performance.now();
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers();
      const nextInMs = this.#startDue(signal);
      if (this.#isBusy) idleSinceMs = performance.now();
      const lingerLeftMs = this.#options.lingerMs - (performance.now() - idleSinceMs);
      if (lingerLeftMs <= 0) return;
      const sleepMs = this.#isBusy ? nextInMs : lingerLeftMs;
      await this.#sleep(Math.min(sleepMs, LOOK_EVERY_MS), signal);
    }
  }

  /** What came that it has not seen, or not dealt with. */
  get isAnythingLeft(): boolean {
    return listSpool(this.#options.dir).some((file) => this.#known.get(file)?.kind !== 'done');
  }

  get #isBusy(): boolean {
    return Array.from(this.#known.values()).some(({ kind }) => kind !== 'done');
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    const either = AbortSignal.any([signal, woken.signal]);
    const slept = delay(ms, undefined, { signal: either }).catch(() => undefined); // woken, or to end
    await Promise.race([slept, this.#wake.promise]);
    woken.abort();
    await slept;
  }

  /** Begins what is due and has room; how long the next one has to wait. */
  #startDue(signal: AbortSignal): number {
    this.#look();
    const nowMs = Date.now();
    let nextInMs = LOOK_EVERY_MS;
    for (const known of this.#inOrder()) {
      const way = this.#wayOf(known);
      if (way === undefined) continue;
      const lane = this.#lanes.get(known.way) ?? { running: 0, heldUntilMs: 0 };
      this.#lanes.set(known.way, lane);
      const waitMs = Math.max(dueAtMs(known), lane.heldUntilMs) - nowMs;
      if (waitMs > 0) nextInMs = Math.min(nextInMs, waitMs);
      else if (lane.running < AT_ONCE[way.target.kind]) this.#start(known, way, lane, signal); // Y1
    }
    return nextInMs;
  }

  /** The oldest first. */
  #inOrder(): readonly SpooledFile[] {
    const waiting = Array.from(this.#known.values()).flatMap((known) =>
      known.kind === 'waits' ? [known.spooled] : [],
    );
    return waiting.toSorted((a, b) => (a.created_at < b.created_at ? -1 : 1));
  }

  #look(): void {
    const { dir, log } = this.#options;
    const files = new Set(listSpool(dir));
    for (const [file, { kind }] of this.#known) if (kind === 'done' && !files.has(file)) this.#known.delete(file);
    for (const file of files) {
      if (this.#known.has(file)) continue;
      const spooled = readSpooled(dir, file);
      if (spooled === undefined) continue;
      if (spooled !== 'broken') {
        this.#known.set(file, { kind: 'waits', spooled });
        continue;
      }
      log('error', 'a notification cannot be read, and is gone', { file });
      this.#drop(file);
    }
  }

  /** The settings may have changed since: they are read again for a way that is not known. */
  #wayOf(spooled: SpooledFile): NotifyWay | undefined {
    const found = this.#ways.get(spooled.way);
    if (found !== undefined) return found;
    if (performance.now() - this.#loadedAtMs > RELOAD_EVERY_MS) {
      this.#loadedAtMs = performance.now();
      this.#ways = bestEffortSync('notify.settings', () => this.#load()) ?? this.#ways;
      if (this.#ways.has(spooled.way)) return this.#ways.get(spooled.way);
    }
    this.#giveUp(spooled, 'the settings name no such way any more');
    return undefined;
  }

  #load(): ReadonlyMap<string, NotifyWay> {
    return new Map(this.#options.loadWays().map((way) => [keyOf(way.target), way]));
  }

  #start(before: SpooledFile, way: NotifyWay, lane: Lane, signal: AbortSignal): void {
    const { send } = this.#options;
    const spooled = { ...before, tries: before.tries + 1 };
    if (!this.#noteTry(spooled)) return;
    this.#known.set(spooled.file, { kind: 'sending' });
    lane.running += 1;
    const over = (outcome: SendOutcome): void => {
      lane.running -= 1;
      this.#settle(spooled, outcome, lane);
      this.#wake.resolve();
    };
    send(way, spooled, signal).then(over, () => over({ kind: 'failed', why: 'a bug of nika' }));
  }

  /** Y2, Y3. On a full disk nothing can be counted, but what is removed is tried this once. */
  #noteTry(spooled: SpooledFile): boolean {
    const { dir } = this.#options;
    const isNoted = (work: () => void): boolean | undefined => bestEffortSync('notify.spool', () => (work(), true));
    if (isNoted(() => rewriteSpooled(dir, spooled)) ?? isNoted(() => removeSpooled(dir, spooled.file))) return true;
    this.#known.set(spooled.file, { kind: 'done' });
    this.#tell(spooled, 'error', 'not sent: the spool cannot be written');
    return false;
  }

  #settle(spooled: SpooledFile, outcome: SendOutcome, lane: Lane): void {
    if (outcome.kind === 'sent') return this.#sent(spooled);
    if (outcome.kind === 'refused') return this.#giveUp(spooled, outcome.why);
    const { retryAfterMs } = outcome;
    const ageMs = Date.now() - Date.parse(spooled.created_at);
    const pauseMs = pauseAfter({ tries: spooled.tries, ageMs, retryAfterMs }, Math.random());
    if (retryAfterMs !== undefined) lane.heldUntilMs = Date.now() + Math.min(retryAfterMs, MAX_AGE_MS);
    if (pauseMs === undefined) return this.#giveUp(spooled, outcome.why);
    const next = { ...spooled, next_at: new Date(Date.now() + pauseMs).toISOString(), last_error: outcome.why };
    this.#known.set(spooled.file, { kind: 'waits', spooled: next });
    bestEffortSync('notify.spool', () => rewriteSpooled(this.#options.dir, next));
    this.#tell(spooled, 'warn', `not sent at try ${spooled.tries} of ${MAX_TRIES}`, outcome.why);
    this.#count(spooled, ({ failed }) => ({ failed: failed + 1, last_failure: this.#failureOf(spooled, outcome.why) }));
  }

  #sent(spooled: SpooledFile): void {
    this.#drop(spooled.file);
    this.#tell(spooled, 'info', 'sent');
    this.#count(spooled, ({ sent }) => ({ sent: sent + 1, last_sent_at: new Date().toISOString() }));
  }

  #giveUp(spooled: SpooledFile, why: string): void {
    this.#drop(spooled.file);
    this.#tell(spooled, 'error', 'given up', why);
    this.#count(spooled, ({ given_up }) => ({ given_up: given_up + 1, last_failure: this.#failureOf(spooled, why) }));
  }

  #drop(file: string): void {
    this.#known.set(file, { kind: 'done' }); // Y3
    bestEffortSync('notify.spool', () => removeSpooled(this.#options.dir, file));
  }

  #failureOf({ notice }: SpooledFile, why: string): NonNullable<WayState['last_failure']> {
    return { at: new Date().toISOString(), what: `${notice.on} ${notice.pod.id}`, why };
  }

  #count({ way, way_name: name }: SpooledFile, change: (before: WayState) => Partial<WayState>): void {
    const before = this.#state[way] ?? { name, ...NO_STATE };
    this.#state[way] = { ...before, ...change(before) };
    bestEffortSync('notify.state', () => writeState(this.#options.dir, this.#state));
  }

  #tell({ id, way_name, tries, notice }: SpooledFile, level: 'info' | 'warn' | 'error', message: string, why?: string) {
    const fields = { way: way_name, id, on: notice.on, pod: notice.pod.id, tries };
    this.#options.log(level, message, why === undefined ? fields : { ...fields, why });
  }
}
