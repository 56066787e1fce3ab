/** Owns what people are told of what Alpha sees from outside: a pod that is silent, a job that is late. */
import type { Notice } from '../../../model/notice.ts';
import { Notifier } from '../../../pod/notify/notifier.ts';
import { shortPodId } from '../../../pod/registry/resolve-pod.ts';
import type { AlphaContext } from '../duty.ts';
import type { Subject } from './say-of.ts';

export interface ToldOf {
  readonly on: Extract<Notice['on'], 'stale' | 'overdue'>;
  readonly subject: Subject;
  readonly detail: string;
  /** The same for the same thing, whoever tells of it. */
  readonly id: string;
}

const TITLES = { stale: 'gives no sign of life', overdue: 'is late' } as const satisfies Record<ToldOf['on'], string>;

/** Never rejects. */
export const tellPeople = async (context: AlphaContext, { on, subject, detail, id }: ToldOf): Promise<void> => {
  const { home, settings, env, swarm } = context;
  if (settings.notify.length === 0) return;
  const textOf = (key: string, otherwise: string): string => {
    const value = subject.meta[key];
    return swarm.session.clean(typeof value === 'string' && value !== '' ? value : otherwise);
  };
  const at = new Date().toISOString();
  const job = textOf('job', subject.entity);
  const attempt = Number(subject.meta['attempt']);
  const notice: Notice = {
    on,
    title: `${job} ${TITLES[on]}`,
    text: `${swarm.session.clean(detail)}\nnika pod show ${shortPodId(subject.entity)}`,
    at,
    is_test: false,
    pod: {
      id: subject.entity,
      session: subject.session ?? '',
      job,
      domain: textOf('domain', ''),
      intent: textOf('intent', ''),
      attempt: Number.isInteger(attempt) ? attempt : 1,
      host: textOf('host', ''),
      home: home.dir,
      cwd: '',
      started_at: at,
    },
    waiting: null,
    end: null,
  };
  await new Notifier({ home, ways: settings.notify, env }).tell(`msg_${id}`, notice);
};
