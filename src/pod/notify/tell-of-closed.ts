/** Owns what people are told of a pod that somebody else had to close. */
import type { Notice } from '../../model/notice.ts';
import type { PodRecord } from '../registry/pod-record.ts';
import { Notifier, type NotifierOptions } from './notifier.ts';
import { endNotice, lostNotice, type NoticeEnd } from './pod-notice.ts';

const noticeOf = (record: PodRecord, home: string): Notice | undefined => {
  const {
    entity: id,
    session,
    job,
    domain,
    intent,
    attempt,
    attempts,
    cwd,
    started_at,
    beat,
    end,
    process: by,
  } = record;
  if (end === null) return undefined;
  const pod = { id, session, job, domain, intent, attempt, host: by.host, home, cwd, started_at };
  const { outcome, exit_code, duration_ms, error, result = null } = end;
  const { calls, errors, tokens, cost_usd } = beat;
  const told: NoticeEnd = { outcome, exit_code, duration_ms, calls, errors, tokens, cost_usd, error, result };
  switch (end.status) {
    case 'lost':
      return lostNotice(pod, told, attempts - attempt);
    case 'failed':
      return endNotice('failed', pod, told);
    case 'completed':
      return endNotice('finished', pod, told); // it died between its last word and its end
    case 'awaiting_review':
      return endNotice('review', pod, told);
    case 'cancelled':
      return undefined;
  }
};

/** Never rejects. The pod itself did not come to it: its record had no end. */
export const tellOfClosed = async (options: NotifierOptions, record: PodRecord): Promise<void> => {
  const notice = noticeOf(record, options.home.dir);
  if (notice !== undefined) await new Notifier(options).tell(`msg_${record.session}_end`, notice);
};
