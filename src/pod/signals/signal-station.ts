/**
 * Owns the signals of one pod, or of a command that stands outside of pods: what it sends, asks, hears and answers, by Redis
 * where that is there, else straight to pods of this home.
 *
 * N1. A signal is on the bus before it is sent, redacted; what travels is whole (G2, G7).
 * N2. Nothing is opened, loaded or asked before the first signal.
 * N3. Nobody waits for Redis longer than his own call: what Redis does not take now is held, or goes straight (G1).
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Settings } from '../../config/settings.ts';
import { plainBody, type Signal } from '../../ipc/signals/signal.ts';
import { type NoWay, SignalOutbox, type SignalWay } from '../../ipc/signals/signal-outbox.ts';
import { NikaError } from '../../model/error.ts';
import { ERROR_CODES } from '../../model/error-codes.ts';
import { createEventId } from '../../model/event-id.ts';
import type { EntityId } from '../../model/id.ts';
import type { MessageData, SignalKind } from '../../model/message.ts';
import type { Deadline } from '../api/signal-api.ts';
import type { SessionLink } from '../session-link.ts';
import type { SentSignal, SignalReply } from '../socket/protocol.ts';
import { type AskedRequest, AskedRequests } from './asked-requests.ts';
import { type Delivered, HomeWay } from './home-way.ts';
import { onAbort } from './on-abort.ts';
import { bodyOf, type OwnRequest, OwnRequests } from './own-requests.ts';
import { onBus, parseDeadlineMs, parseJobId, parseSignalName, replyBody, replyOf } from './signal-forms.ts';
import { SignalHearing } from './signal-hearing.ts';
import { TargetLook } from './target-look.ts';

export interface SignalStationOptions {
  readonly redis: Settings['redis'];
  readonly link: SessionLink;
  readonly runDir: string;
  readonly busDir: string;
  /** The JOB in whose name it speaks; `undefined`: a person, or a program outside of pods. */
  readonly self: EntityId | undefined;
  readonly meta: Readonly<Record<string, unknown>> | undefined;
  /** N1 */
  readonly record: (data: MessageData<'signal'>, to: EntityId) => void;
}

export interface SignalWish {
  readonly to: string;
  readonly name: string;
  readonly body?: unknown;
}

const DEFAULT_DEADLINE_MS = 30_000;
/** What is held for Redis besides gets so long to go straight. */
const STRAIGHT_MS = 1_500;
/** And where there is no other way: a pod that only just starts is waited for. */
const ALONE_MS = 5_000;
const AGAIN_MS = 200;
const CLOSE_MS = 400;
const NEVER = new AbortController().signal;
/** Made once: an error of its own each time has a stack to be taken. */
const SETTLED = new Error('it is settled');
const NOTHING = (): void => undefined;

const named = (wish: SignalWish): SignalWish => ({ ...wish, name: parseSignalName(wish.name) });

export class SignalStation implements AsyncDisposable {
  readonly #options: SignalStationOptions;
  readonly hearing: SignalHearing;
  readonly #asked = new AskedRequests();
  readonly #own: OwnRequests;
  readonly #home: HomeWay;
  /** With Redis. */
  readonly #outbox: SignalOutbox | undefined;
  #unsentCount = 0;
  #isClosed = false;

  constructor(options: SignalStationOptions) {
    this.#options = options;
    const { redis, link, runDir, busDir, self } = options;
    this.#home = new HomeWay(runDir);
    const getWay = async (): Promise<SignalWay | NoWay> => {
      const answer = await link.get();
      return answer.kind === 'link' ? answer : { why: answer.kind === 'away' ? answer.why : 'no Redis is configured' };
    };
    const look = new TargetLook({ runDir, busDir, self, getWay: redis.kind === 'off' ? undefined : getWay });
    this.#own = new OwnRequests((job) => look.look(job));
    this.hearing = new SignalHearing({
      self,
      runDir,
      redis: redis.kind === 'off' ? undefined : { target: redis, getWay },
      onRequest: (request) => this.#onRequest(request),
      onReply: (reply) => this.#own.settle(reply.correlation_id ?? '', replyOf(reply)),
      awaitsReplies: () => this.#own.count > 0,
    });
    if (redis.kind === 'on') this.#outbox = new SignalOutbox(getWay);
  }

  /** What was dropped, or is held back, by name (G3). */
  dropped(): Readonly<Record<string, number>> {
    return {
      ...this.hearing.dropped(),
      signals_unsent: this.#unsentCount + (this.#outbox?.refusedCount ?? 0),
      signals_held_back: this.#outbox?.heldCount ?? 0,
    };
  }

  /** @throws {NikaError} `NIKA_SIGNAL_BODY`, `NIKA_MODEL_BAD_ID`, `NIKA_SIGNAL_NO_JOB`, `NIKA_SIGNAL_UNSENT` */
  async send(wish: SignalWish, kind: Exclude<SignalKind, 'request'>, signal?: AbortSignal): Promise<SentSignal> {
    this.#refuseClosed();
    const made = this.#make(named(wish), { kind });
    this.#options.record(onBus(made), made.to);
    return this.#bring(made, signal);
  }

  /** @throws {NikaError} `NIKA_SIGNAL_…` says why there is no answer */
  async request(wish: SignalWish, by: Deadline = DEFAULT_DEADLINE_MS, signal?: AbortSignal): Promise<unknown> {
    this.#refuseClosed();
    const deadlineMs = parseDeadlineMs(by);
    const deadline = new Date(Date.now() + deadlineMs).toISOString();
    const made = this.#make(named(wish), { kind: 'request', deadline });
    const request: OwnRequest = { id: made.id, to: made.to, deadlineMs, unsent: 'it was not sent yet' };
    const settled = new AbortController();
    const reply = this.#own.wait(request, signal);
    this.#options.record(onBus(made), made.to);
    this.#bringRequest(made, request, settled.signal).catch(NOTHING); // it does not reject
    const answer = await reply;
    settled.abort(SETTLED);
    return bodyOf(answer, ERROR_CODES);
  }

  /** Answers a request, once. @throws {NikaError} `NIKA_SIGNAL_NO_REQUEST`, `NIKA_SIGNAL_BODY` */
  async reply(id: string, reply: SignalReply): Promise<void> {
    const plain: SignalReply = reply.ok ? { ok: true, body: plainBody(reply.body) } : reply;
    const asked = this.#asked.take(id);
    const subject = id.slice(0, 80);
    if (asked === undefined)
      throw new NikaError('NIKA_SIGNAL_NO_REQUEST', `no request ${subject} waits for an answer`, { subject });
    await this.#answer(asked, plain);
  }

  /** A signal that comes straight. `waits`: until a request is answered. @throws {NikaError} `NIKA_POD_BUSY`, `NIKA_POD_PROTOCOL` */
  async deliver(signal: Signal, waits: boolean, abort: AbortSignal): Promise<SignalReply | undefined> {
    const { self } = this.#options;
    if (signal.to !== self) throw new NikaError('NIKA_POD_PROTOCOL', `${signal.to} is another pod than ${self}`);
    if (this.#isClosed) throw new NikaError('NIKA_POD_BUSY', 'the pod ends');
    if (this.hearing.hear(signal, false) === 'full')
      throw new NikaError('NIKA_POD_BUSY', 'too many signals wait for the pod already');
    return waits ? this.#untilAnswered(signal.id, abort) : undefined;
  }

  /** `isOver`: no other attempt of the job follows. In bounded time. */
  async close(isOver: boolean): Promise<void> {
    if (this.#isClosed) return;
    const error = 'the pod ended without an answer';
    const answers = this.#asked
      .takeAll()
      .map((asked) => this.#answer(asked, { ok: false, error, code: 'NIKA_SIGNAL_OVER' }));
    this.#isClosed = true;
    this.#own.settleAll('NIKA_SIGNAL_OVER', 'the pod that asked ends');
    await this.#outbox?.close(CLOSE_MS);
    if (answers.length > 0)
      await Promise.race([Promise.allSettled(answers), delay(CLOSE_MS, undefined, { ref: false })]);
    await Promise.all([this.hearing.close(isOver), this.#home[Symbol.asyncDispose]()]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close(false);
  }

  #refuseClosed(): void {
    if (this.#isClosed) throw new NikaError('NIKA_POD_OVER', 'the pod is over: it sends no signal any more');
  }

  #make(wish: SignalWish, more: Pick<Signal, 'kind' | 'deadline' | 'correlation_id'>): Signal {
    const { self, meta } = this.#options;
    const nowMs = Date.now();
    const id = createEventId(nowMs);
    return {
      id,
      name: wish.name,
      body: plainBody(wish.body),
      ...(self === undefined ? {} : { from: self }),
      to: parseJobId(wish.to),
      ...(more.kind === 'request' ? { correlation_id: id } : {}),
      ts: new Date(nowMs).toISOString(),
      ...(meta === undefined ? {} : { meta: { ...meta } }),
      ...more,
    };
  }

  /** N3 */
  async #bring(made: Signal, signal: AbortSignal = NEVER): Promise<SentSignal> {
    const sent = { signal_id: made.id };
    const outcome = await this.#outbox?.send(made);
    if (outcome?.kind === 'taken') return { ...sent, via: 'redis' };
    const within = AbortSignal.any([signal, AbortSignal.timeout(outcome === undefined ? ALONE_MS : STRAIGHT_MS)]);
    const straight = made.to === this.#options.self ? undefined : await this.#straight(made, within);
    if (straight?.kind === 'taken') return { ...sent, via: 'home' };
    if (outcome?.kind === 'held') return { ...sent, via: 'held' };
    this.#unsentCount += outcome === undefined ? 1 : 0;
    const code = outcome === undefined && straight?.mayCome !== true ? 'NIKA_SIGNAL_NO_JOB' : 'NIKA_SIGNAL_UNSENT';
    const why = outcome?.why ?? straight?.why ?? 'it is this pod';
    throw new NikaError(code, `${made.to} was not reached: ${why}`, { subject: made.to });
  }

  /** Never rejects: what comes of it is told to who waits for the answer. */
  async #bringRequest(made: Signal, request: OwnRequest, settled: AbortSignal): Promise<void> {
    await this.hearing.awaitReplies(this.#options.self ?? made.to);
    const outcome = await this.#outbox?.send(made);
    if (outcome?.kind === 'taken') {
      request.unsent = undefined;
      return;
    }
    request.unsent = outcome?.why ?? 'no Redis is configured';
    const straight = await this.#straight(made, settled, () => (request.unsent = undefined));
    if (straight.kind === 'not') request.unsent = outcome?.why ?? straight.why; // it is looked after who was asked
    else if (straight.reply !== undefined) this.#own.settle(made.id, straight.reply);
  }

  /** Where no Redis is configured it is tried until the abort, as long as there is somebody to reach. */
  async #straight(made: Signal, abort: AbortSignal, onSent?: () => void): Promise<Delivered> {
    for (;;) {
      const delivered = await this.#home.deliver(made, abort, onSent);
      if (delivered.kind === 'taken' || !delivered.mayCome || this.#outbox !== undefined) return delivered;
      await delay(AGAIN_MS, undefined, { signal: abort }).catch(NOTHING);
      if (abort.aborted) return delivered;
    }
  }

  async #answer({ signal: asked, onReply }: AskedRequest, reply: SignalReply): Promise<void> {
    const { id, name, from = this.#options.self ?? asked.to } = asked; // who is no pod reads the answer where it asked
    const kind = reply.ok ? 'result' : 'error';
    const made = this.#make({ to: from, name, body: replyBody(reply) }, { kind, correlation_id: id });
    this.#options.record(onBus(made), made.to);
    for (const tell of onReply) tell(reply);
    if (this.#outbox === undefined && onReply.size > 0) return;
    await this.#bring(made).catch(NOTHING); // nobody is there any more to hear it: counted
  }

  async #untilAnswered(id: string, abort: AbortSignal): Promise<SignalReply | undefined> {
    const asked = this.#asked.get(id);
    if (asked === undefined) return undefined; // answered already, by the other way
    const { promise, resolve } = Promise.withResolvers<SignalReply | undefined>();
    asked.onReply.add(resolve);
    using _abort = onAbort(abort, () => resolve(undefined));
    const reply = await promise;
    asked.onReply.delete(resolve);
    return reply;
  }

  #onRequest(signal: Signal): void {
    if (this.#asked.add(signal)) return;
    const busy: SignalReply = { ok: false, error: 'too many requests wait for the pod already' };
    this.#answer({ signal, onReply: new Set() }, busy).catch(NOTHING); // it does not reject
  }
}
