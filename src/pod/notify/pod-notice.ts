/** Owns the words in which people are told of a pod. Pure: what it is given is redacted. */
import { formatDuration } from '../../config/quantity.ts';
import type { WaitReason } from '../../model/message.ts';
import type { Notice, NoticeKind } from '../../model/notice.ts';
import { shortPodId } from '../registry/resolve-pod.ts';

export type NoticePod = Notice['pod'];
export type NoticeEnd = NonNullable<Notice['end']>;
export type NoticeWaiting = NonNullable<Notice['waiting']>;

const TEXT_CHARS = 500;

const WAITS_FOR = {
  permission: 'waits for permission',
  question: 'waits for an answer',
  idle: 'waits for the next prompt',
  rate_limit: 'waits: rate limit',
  compacting: 'is compacting',
  api_error: 'waits: API error',
  silent: 'is silent',
  lease: 'waits for Redis to end',
} as const satisfies Record<WaitReason, string>;

const ENDED = {
  finished: 'finished after',
  failed: 'failed after',
  budget: 'stopped at its limit after',
  review: 'asks for review after',
} as const;

const short = (text: string): string => (text.length <= TEXT_CHARS ? text : `${text.slice(0, TEXT_CHARS - 1)}…`);

/** What is said of people is said in whole seconds. */
const lasted = (ms: number): string => formatDuration(ms < 1000 ? Math.round(ms) : Math.round(ms / 1000) * 1000);

const compose = (
  on: NoticeKind,
  pod: NoticePod,
  words: { readonly title: string; readonly lines: readonly string[] },
) => ({
  on,
  title: short(`${pod.job} ${words.title}`),
  text: words.lines
    .filter((line) => line !== '')
    .map(short)
    .join('\n'),
  at: new Date().toISOString(),
  is_test: false,
  pod,
});

const resultText = (result: unknown): string => {
  if (result === null || result === undefined) return '';
  return typeof result === 'string' ? result : JSON.stringify(result);
};

/** `isAsked`: nika itself asks, and takes the answer; else the agent does, on its own screen. */
export const waitingNotice = (pod: NoticePod, waiting: NoticeWaiting, isAsked: boolean): Notice => {
  const id = shortPodId(pod.id);
  const more = waiting.more === 0 ? '' : `and ${waiting.more} more`;
  const next = isAsked ? `nika pod allow ${id}, nika pod deny ${id}` : `nika pod show ${id}`;
  const title = WAITS_FOR[waiting.reason];
  return { ...compose('waiting', pod, { title, lines: [waiting.why, more, next] }), waiting, end: null };
};

export const endNotice = (on: keyof typeof ENDED, pod: NoticePod, end: NoticeEnd): Notice => {
  const id = shortPodId(pod.id);
  const next = on === 'review' ? `nika review show ${id}` : `nika pod show ${id}`;
  const lines = [end.error ?? resultText(end.result), next];
  return { ...compose(on, pod, { title: `${ENDED[on]} ${lasted(end.duration_ms)}`, lines }), waiting: null, end };
};

/** Of a pod that goes on; `detail`: how much is used of which budget. */
export const budgetNotice = (pod: NoticePod, detail: string): Notice => {
  const lines = [detail, `nika pod show ${shortPodId(pod.id)}`];
  return { ...compose('budget', pod, { title: 'is near its limit', lines }), waiting: null, end: null };
};

export const lostNotice = (pod: NoticePod, end: NoticeEnd, attemptsLeft: number): Notice => {
  const id = shortPodId(pod.id);
  const left = `${attemptsLeft} ${attemptsLeft === 1 ? 'attempt' : 'attempts'} left`;
  const next = attemptsLeft > 0 ? `${left}: nika pod restart ${id}` : `nika pod show ${id}`;
  return { ...compose('lost', pod, { title: 'is lost', lines: [end.error ?? '', next] }), waiting: null, end };
};
