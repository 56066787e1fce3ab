/** Owns what every command about the queue begins with: the home, its queue, and the job that was named. */
import type { Home } from '../../config/home.ts';
import type { Settings } from '../../config/settings.ts';
import { NikaError } from '../../model/error.ts';
import type { QueueAway, QueueFilter, QueueRow, WorkQueue } from '../../swarm/queue/work-queue.ts';
import { shortPodId } from '../../pod/registry/resolve-pod.ts';
import type { Terminal } from '../terminal.ts';

export interface QueuePlace {
  readonly home: Home;
  readonly settings: Settings;
  readonly queue: WorkQueue;
  /** @throws {NikaError} `NIKA_QUEUE_AWAY` */
  readonly rows: (filter?: QueueFilter) => Promise<readonly QueueRow[]>;
}

/** @throws {NikaError} `NIKA_QUEUE_AWAY` */
export const mustAnswer = <T>(answer: T | QueueAway): T => {
  if (typeof answer !== 'object' || answer === null || !('kind' in answer) || answer.kind !== 'away')
    return answer as T;
  throw new NikaError('NIKA_QUEUE_AWAY', `the queue cannot be asked: ${answer.why}`);
};

/** @throws {NikaError} what is wrong with home, settings or queue */
export const withQueue = async (
  homeFlag: string | undefined,
  { env, cwd }: Terminal,
  work: (place: QueuePlace) => Promise<void>,
): Promise<void> => {
  const [{ resolveHome }, { loadSettings }, { openWorkQueue }] = await Promise.all([
    import('../../config/home.ts'),
    import('../../config/settings.ts'),
    import('../../swarm/queue/open-work-queue.ts'),
  ]);
  const home = resolveHome({ flag: homeFlag, env, cwd });
  const settings = loadSettings(home, env);
  await using queue = await openWorkQueue({ home, settings });
  await work({ home, settings, queue, rows: async (filter) => mustAnswer(await queue.list(filter)) });
};

const mayMean = (entity: string, text: string): boolean =>
  entity.startsWith(text) || entity.slice(4).startsWith(text) || shortPodId(entity).startsWith(text);

/**
 * The one job of the queue that `text` names: its id, or a prefix that no other has.
 * @throws {NikaError} `NIKA_QUEUE_UNKNOWN`, `NIKA_ENTITY_AMBIGUOUS`, `NIKA_QUEUE_AWAY`
 */
export const rowOfQueue = async (text: string, { queue, rows }: QueuePlace): Promise<QueueRow> => {
  const exact = /^[\w.-]{1,105}$/.test(text) ? mustAnswer(await queue.show(text)) : undefined;
  if (exact !== undefined) return exact;
  const all = await rows();
  const meant = text === '' ? [] : all.filter(({ job }) => mayMean(job.entity, text));
  const ofName =
    meant.length === 0 ? all.filter(({ job, state }) => job.name === text && state !== 'completed') : meant;
  const [only, second] = ofName;
  if (only === undefined)
    throw new NikaError('NIKA_QUEUE_UNKNOWN', `no job "${text.slice(0, 120)}" is in the queue`, { subject: text });
  if (second === undefined) return only;
  const ids = ofName.slice(0, 8).map(({ job }) => job.entity);
  const more = ofName.length > ids.length ? ` and ${ofName.length - ids.length} more` : '';
  throw new NikaError('NIKA_ENTITY_AMBIGUOUS', `"${text}" may be any of these: ${ids.join(', ')}${more}`, {
    subject: text,
    remedy: 'Give more of the id; "nika queue ls" shows whole ids.',
  });
};
