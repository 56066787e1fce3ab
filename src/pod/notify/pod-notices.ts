/**
 * Owns what people are told of a pod that lives, from what it tells those who watch it.
 *
 * N1. Nothing of the pod waits for it, but for its last word, which takes half a second at most (G1).
 * N2. All texts are redacted before they leave (G7).
 */
import { hostname } from 'node:os';
import { bestEffort, bestEffortSync } from '../../failopen/best-effort.ts';
import { WAIT_REASONS } from '../../model/message.ts';
import type { Notice } from '../../model/notice.ts';
import type { AttemptRun } from '../attempt.ts';
import type { PodEnded, PodEvent, PodListener } from '../pod-event.ts';
import type { PodPlan, PodWish } from '../plan.ts';
import { Notifier, type Told } from './notifier.ts';
import { OpenWaits, type OpenWait } from './open-waits.ts';
import { budgetNotice, endNotice, type NoticePod, waitingNotice } from './pod-notice.ts';

const CLOSE_BUDGET_MS = 600;
const RESULT_MAX_CHARS = 2_048;

const KIND_OF = {
  completed: 'finished',
  failed: 'failed',
  timed_out: 'failed',
  limit: 'budget',
  awaiting_review: 'review',
  cancelled: undefined, // a person, or the work itself, wanted it so
  interrupted: undefined,
  superseded: undefined,
} as const satisfies Record<PodEnded['outcome'], Notice['on'] | undefined>;

export class PodNotices implements AsyncDisposable {
  readonly #plan: PodPlan;
  readonly #listener: PodListener;
  readonly #notifier: Notifier;
  readonly #waits: OpenWaits;
  #used = { tokens: 0, cost_usd: 0 };
  readonly #telling = new Set<Promise<void>>();
  #pod: NoticePod | undefined;
  #atMs = 0;
  #dropped = 0;

  /** Those who watch the pod are told through it. */
  constructor({ home, settings, env }: PodWish, plan: PodPlan, listener: PodListener) {
    this.#plan = plan;
    this.#listener = listener;
    this.#notifier = new Notifier({ home, ways: settings.notify, env });
    this.#waits = new OpenWaits(settings.notify, (way, waits) => this.#tellWaiting(way, waits));
  }

  /** The end is held back until {@link end}: what became of its notification is a part of it. */
  readonly listener: PodListener = (event, atMs) => {
    this.#atMs = atMs;
    bestEffortSync('notify.event', () => this.#see(event));
    if (event.event !== 'pod_ended') this.#listener(event, atMs);
  };

  /** An attempt is over, and told; people where no other one follows. `isHeard`: another pod is told in their place. */
  async end({ ended, goesOn }: Pick<AttemptRun, 'ended' | 'goesOn'>, isHeard = false): Promise<void> {
    const on = KIND_OF[ended.outcome];
    if (!goesOn && on !== undefined && !isHeard) await this.#tellEnd(on, ended);
    const dropped = { ...ended.dropped, ...(this.#dropped === 0 ? {} : { notifications_dropped: this.#dropped }) };
    bestEffortSync('notify.listener', () => this.#listener({ ...ended, dropped }, this.#atMs));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#waits[Symbol.dispose]();
    await bestEffort('notify.close', { withinMs: CLOSE_BUDGET_MS }, () => Promise.all(this.#telling));
  }

  async #tellEnd(on: NonNullable<(typeof KIND_OF)[PodEnded['outcome']]>, ended: PodEnded): Promise<void> {
    if (this.#pod === undefined) return; // it never began
    const { exit_code, duration_ms, calls, errors, outcome } = ended;
    const error = ended.error === undefined ? null : this.#clean(ended.error);
    const counts = { outcome, exit_code, duration_ms, calls, errors, ...this.#used };
    const notice = endNotice(on, this.#pod, { ...counts, error, result: this.#shortResult(ended.result) });
    this.#count(await this.#notifier.tell(`msg_${ended.session}_end`, notice));
  }

  #count({ dropped }: Told): void {
    this.#dropped += dropped.length;
  }

  #see(event: PodEvent): void {
    const since = new Date().toISOString();
    switch (event.event) {
      case 'pod_started':
        this.#pod = this.#podOf(event);
        return;
      case 'asked': {
        const why = this.#clean(`asks: ${event.tool} ${event.what}: ${event.reason}`);
        return this.#waits.add(event.call, { reason: 'permission', why, since, isAsked: true });
      }
      case 'answered':
        return this.#waits.delete(event.call);
      case 'waiting':
        return this.#waits.add(event.reason, {
          reason: event.reason,
          why: this.#clean(event.why),
          since,
          isAsked: false,
        });
      case 'going_on':
        return this.#waits.delete(event.reason);
      case 'used':
        this.#used = { tokens: event.tokens, cost_usd: event.cost_usd };
        return;
      case 'budget':
        return event.is_first ? this.#tellBudget(event.detail) : undefined; // of a fleet one notice
      case 'pod_ended':
        return this.#waits.clear();
      default:
    }
  }

  #podOf({ id, session, job, home, cwd, attempt }: Extract<PodEvent, { event: 'pod_started' }>): NoticePod {
    const { domain, intent } = this.#plan.mission;
    const started_at = this.#pod?.started_at ?? new Date().toISOString();
    return { id, session, job, domain, intent, attempt, host: hostname(), home, cwd: this.#clean(cwd), started_at };
  }

  #tellWaiting(way: PodWish['settings']['notify'][number], waits: readonly OpenWait[]): void {
    const order = ({ reason }: OpenWait): number => WAIT_REASONS.indexOf(reason);
    const [first] = waits.toSorted((a, b) => order(a) - order(b));
    if (first === undefined || this.#pod === undefined) return;
    const { isAsked, ...waiting } = first;
    const notice = waitingNotice(this.#pod, { ...waiting, more: waits.length - 1 }, isAsked);
    const id = `msg_${this.#pod.session}_waiting_${Date.parse(first.since)}`; // by all ways the same
    this.#track(this.#notifier.tell(id, notice, [way]));
  }

  /** Much of a budget is used; that it is used up is told with the end. */
  #tellBudget(detail: string): void {
    if (this.#pod === undefined) return;
    const id = `msg_${this.#pod.session}_budget_${this.#budgetCount}`;
    this.#budgetCount += 1;
    this.#track(this.#notifier.tell(id, budgetNotice(this.#pod, this.#clean(detail))));
  }

  #budgetCount = 0;

  #track(told: Promise<Told>): void {
    const telling = told.then((what) => {
      this.#count(what);
      this.#telling.delete(telling);
    });
    this.#telling.add(telling);
  }

  #clean(text: string): string {
    return this.#plan.encoder.encodeText(text).text;
  }

  #shortResult(result: unknown): unknown {
    const { json } = this.#plan.encoder.encode(result ?? null);
    if (json.length <= RESULT_MAX_CHARS) return JSON.parse(json) as unknown;
    return { $cut: true, bytes: Buffer.byteLength(json), head: json.slice(0, RESULT_MAX_CHARS) };
  }
}
