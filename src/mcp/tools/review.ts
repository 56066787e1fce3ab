/** Owns the tools `review_list` and `review_decide`: what awaits review, and what is decided of it. */
import { z } from 'zod';
import { wholeValue } from '../../pod/registry/pod-result.ts';
import { mayDecide, resolveReviewer } from '../../swarm/review/reviewer.ts';
import type { Decided } from '../../swarm/review/decide-review.ts';
import { decide, listReviews, resolveReviewed, type ReviewPlace } from '../../swarm/review/open-reviews.ts';
import type { Review } from '../../swarm/review/read-reviews.ts';
import { childEnv } from '../child-env.ts';
import { clip, clipLine, clipList } from '../clip.ts';
import type { Place } from '../place.ts';
import { textOf } from '../result-text.ts';
import { type Answer, createTool, refused, said, type ToolContext } from '../tool.ts';
import { podId } from './input.ts';

const RESULT_CHARS = 200;

const placeOf = ({ home, settings }: Place, { caller }: ToolContext): ReviewPlace => ({
  home,
  settings,
  env: caller.env,
  childEnv: childEnv(caller.env),
});

const valueText = (busDir: string, result: unknown): string => {
  if (result === null) return '';
  try {
    return textOf(wholeValue(busDir, result));
  } catch {
    return textOf(result); // its blob is gone: the beginning
  }
};

const lineOf = (review: Review, busDir: string, isAllowed: boolean): string => {
  const { id, job, round, rounds, reviewer, result, worktree } = review;
  const where = worktree === null ? '' : `, changes in ${worktree.path}`;
  const who = isAllowed ? '' : ', not yours to decide';
  const text = valueText(busDir, result);
  const came = text === '' ? 'no result' : clipLine(text, RESULT_CHARS);
  return `${id} ${job}: round ${round}${rounds === null ? '' : ` of ${rounds}`}, asked of ${reviewer ?? 'people'}${where}${who}: ${came}`;
};

const showOne = (review: Review, busDir: string, maxChars: number): Answer => {
  const head = lineOf({ ...review, result: null }, busDir, true).replace(/: no result$/, '');
  const text = valueText(busDir, review.result);
  return said(`${head}\n${clip(text === '' ? 'It has no result.' : text, maxChars - head.length)}`);
};

export const reviewList = createTool({
  name: 'review_list',
  title: 'What awaits review',
  description: 'Lists the jobs that await review; with id: the result of one.',
  isReadOnly: true,
  input: z.strictObject({ id: podId.optional() }),
  call: async ({ id }, context) => {
    const opened = await context.openPlace();
    const { busDir } = opened.home;
    const { maxAnswerChars } = opened.settings.mcp;
    const place = placeOf(opened, context);
    const reviews = await listReviews(place, context.signal);
    if (id !== undefined) {
      const wanted = await resolveReviewed(place, id);
      const review = reviews.find((each) => each.id === wanted);
      return review === undefined
        ? refused(`${wanted} does not await review.`)
        : showOne(review, busDir, maxAnswerChars);
    }
    if (reviews.length === 0) return said('Nothing awaits review.');
    const reviewer = resolveReviewer(opened.home, context.caller.env);
    const lines: string[] = [];
    for (const review of reviews) {
      lines.push(lineOf(review, busDir, await mayDecide(busDir, reviewer, review.id)));
    }
    const rest = (count: number): string => `… and ${count} more.`;
    return said(clipList({ lines, maxChars: maxAnswerChars, rest }));
  },
});

const decidedText = (decided: Decided): string => {
  const { id } = decided;
  switch (decided.kind) {
    case 'accepted':
      return `${id} is completed.`;
    case 'rejected':
      return `${id} is done again, with your reason: wait with {"ids": ["${id}"]} tells when it asks again.`;
    case 'failed':
      return `${id} has failed: that was its last round.`;
    case 'not started':
      return `${id} was rejected, but could not be started again: ${decided.why}`;
  }
};

export const reviewDecide = createTool({
  name: 'review_decide',
  title: 'Accept or reject',
  description:
    'Accepts what a pod below yours came to, or has it done again with a reason. After three rejections it fails.',
  isReadOnly: false,
  input: z.strictObject({
    id: podId,
    accept: z.boolean(),
    reason: z.string().min(1).max(16_000).optional().describe('To reject: what is wrong, and what to do.'),
  }),
  call: async ({ id, accept, reason }, context) => {
    const place = placeOf(await context.openPlace(), context);
    if (!accept && reason === undefined) return refused('To reject needs a reason: what is wrong, and what to do.');
    const entity = await resolveReviewed(place, id);
    const decision = accept ? { kind: 'accept' as const, reason } : { kind: 'reject' as const, reason: reason ?? '' };
    const decided = await decide(place, entity, decision, context.signal);
    return decided.kind === 'not started' ? refused(decidedText(decided)) : said(decidedText(decided));
  },
});
