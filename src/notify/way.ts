/** Owns how a way to notify is named, what it is known by, and whether it tells of something. Pure. */
import { createHash } from 'node:crypto';
import type { NotifyTarget, NotifyWay, TextSource } from '../config/notify/notify-settings.ts';
import type { Frozen } from '../config/frozen.ts';
import type { Notice } from '../model/notice.ts';

const KEY_CHARS = 12;
const SHOWN_CHARS = 60;

/** What waits to be sent names its way by this: whatever else of the settings changes meanwhile. */
export const keyOf = (target: NotifyTarget): string =>
  createHash('sha256').update(JSON.stringify(target)).digest('hex').slice(0, KEY_CHARS);

/** The path of an address may be a secret, its host is none. */
const placeOf = (url: Frozen<TextSource>): string => {
  if (typeof url === 'string') return URL.parse(url)?.host ?? '?';
  return 'env' in url ? `$${url.env}` : url.file;
};

/** For people: `desktop`, `command ./tell.sh`, `webhook example.com`. */
export const nameOf = (target: NotifyTarget): string => {
  switch (target.kind) {
    case 'desktop':
      return 'desktop';
    case 'command':
      return `command ${target.shown.length > SHOWN_CHARS ? `${target.shown.slice(0, SHOWN_CHARS - 1)}…` : target.shown}`;
    case 'webhook':
      return `webhook ${placeOf(target.url)}`;
  }
};

/** `*` stands for any text. */
export const matches = (pattern: string, name: string): boolean => {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(name);
};

/** Whether it is about pods of this job. */
export const isAboutPod = ({ jobs, domains }: NotifyWay, { job, domain }: Pick<Notice['pod'], 'job' | 'domain'>) =>
  jobs.some((pattern) => matches(pattern, job)) && domains.some((pattern) => matches(pattern, domain));

/** A limit that ended a pod is a failure too. */
const tellsKind = ({ on }: NotifyWay, notice: Notice): boolean =>
  on.includes(notice.on) || (notice.on === 'budget' && notice.end !== null && on.includes('failed'));

/** Whether this way tells of it. */
export const wants = (way: NotifyWay, notice: Notice): boolean => {
  if (!tellsKind(way, notice) || !isAboutPod(way, notice.pod)) return false;
  const isEnd = notice.on === 'finished' || notice.on === 'failed' || notice.on === 'budget';
  return !isEnd || notice.end === null || notice.end.duration_ms >= way.minDurationMs;
};
