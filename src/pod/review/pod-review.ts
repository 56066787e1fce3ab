/**
 * Owns the review that a pod asks for at its end: of whom, in which round, and that the pod that is asked hears of it.
 *
 * A1. The pod that is asked is sent a message; where it cannot hear one, people are told in its place.
 */
import { reviewWish, type ReviewWish } from '../../config/job/review-field.ts';
import { bestEffort } from '../../failopen/best-effort.ts';
import { type EntityId, entityTypeOf } from '../../model/id.ts';
import type { PodEnded } from '../pod-event.ts';
import type { PodPlan, PodWish } from '../plan.ts';
import { readLineage } from '../read-lineage.ts';
import type { PodRecord } from '../registry/pod-record.ts';
import { isOver } from '../registry/pod-status.ts';
import { readRecords } from '../registry/record-file.ts';
import type { ReviewCall } from './review-call.ts';

const TELL_BUDGET_MS = 1_500;
const RESULT_CHARS = 500;

const shortResult = (result: unknown): string => {
  if (result === null || result === undefined) return 'It has no result.';
  const text = typeof result === 'string' ? result : JSON.stringify(result);
  return `It came to: ${text.length <= RESULT_CHARS ? text : `${text.slice(0, RESULT_CHARS).toWellFormed()}…`}`;
};

interface PodReviewOptions {
  readonly wish: PodWish;
  readonly plan: PodPlan;
  readonly review: ReviewWish;
  /** The pod above it. */
  readonly above: EntityId | undefined;
  readonly round: number;
}

export class PodReview {
  readonly #wish: PodWish;
  readonly #plan: PodPlan;
  readonly #review: ReviewWish;
  readonly #above: EntityId | undefined;
  readonly #round: number;

  constructor({ wish, plan, review, above, round }: PodReviewOptions) {
    this.#wish = wish;
    this.#plan = plan;
    this.#review = review;
    this.#above = above;
    this.#round = round;
  }

  /** What is said of it on the bus. */
  call(): ReviewCall {
    const { rounds } = this.#review;
    const reason = `the job ${this.#wish.job.name} says so (review), round ${this.#round} of ${rounds}`;
    const reviewer = this.#reviewer();
    return { reason, round: this.#round, rounds, ...(reviewer === undefined ? {} : { reviewer: reviewer.id }) };
  }

  /** The request as a message (A1). Whether somebody in the pod that is asked heard it. Never rejects. */
  async tell({ result }: PodEnded): Promise<boolean> {
    const socket = this.#reviewer()?.record?.socket;
    if (typeof socket !== 'string') return false;
    const { id, encoder } = this.#plan;
    const text = [
      `${id} (${this.#wish.job.name}) has ended and asks you for review, round ${this.#round} of ${this.#review.rounds}.`,
      shortResult(result),
      `See it with: nika review show ${id}`,
      `Then accept it: nika review accept ${id}`,
      `or have it done again: nika review reject ${id} --reason '<what is wrong, and what to do>'`,
      'Where you have the tools of nika: review_list and review_decide do the same.',
    ].join('\n');
    const told = await bestEffort('review.tell', { withinMs: TELL_BUDGET_MS }, async (signal) => {
      const { connect } = await import('../client/client.ts');
      await using client = await connect({ path: socket, signal, client: 'nika review' });
      return await client.send({ text: encoder.encodeText(text).text, from: id }, signal); // awaited here: the connection is in use until then
    });
    return told.kind === 'done' && told.value > 0;
  }

  /** The pod above it, unless it is known to be over. */
  #reviewer(): { readonly id: EntityId; readonly record: PodRecord | undefined } | undefined {
    const id = this.#above;
    if (this.#review.by === 'people' || id === undefined) return undefined;
    const record = readRecords(this.#wish.home.runDir).findLast(({ entity }) => entity === id);
    return record !== undefined && isOver(record) ? undefined : { id, record };
  }
}

export interface ReviewBefore {
  /** How often it was asked for already. */
  readonly reviewRounds: number;
}

/** `undefined`: the job wants none. @throws {NikaError} `NIKA_BUS_UNREADABLE` */
export const createReview = async (
  wish: PodWish,
  plan: PodPlan,
  { reviewRounds }: ReviewBefore,
): Promise<PodReview | undefined> => {
  const review = reviewWish(wish.job.review);
  if (review === undefined) return undefined;
  const above = plan.parent === undefined ? [] : await readLineage(wish.home.busDir, plan.parent);
  const pod = above.find((id) => entityTypeOf(id) === 'JOB'); // a TASK is its JOB's
  return new PodReview({
    wish,
    plan,
    review,
    above: pod,
    round: Math.max(reviewRounds, wish.rejected?.round ?? 0) + 1,
  });
};
