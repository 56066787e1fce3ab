/** Owns the process of a worker: what it opens and closes, and what each signal means to it. */
import { hostname } from 'node:os';
import type { Home } from '../../config/home.ts';
import type { Settings } from '../../config/settings.ts';
import { bestEffort } from '../../failopen/best-effort.ts';
import { StandingOffer } from '../../ipc/registry/registry.ts';
import { closeLostSessions } from '../../pod/registry/lost-session.ts';
import { openWorkQueue } from '../queue/open-work-queue.ts';
import type { QueuedJob } from '../queue/work-queue.ts';
import { SwarmSession } from '../session/swarm-session.ts';
import { bringWork } from './bring-work.ts';
import { dispatchNext } from './dispatch-next.ts';
import { LeaseDesk } from './lease-desk.ts';
import { Worker, type WorkerCounts } from './worker.ts';
import { mayPodsHold } from './who-may-hold.ts';
import { WorkerSignals } from './worker-signals.ts';

export interface RunWorkerOptions {
  readonly home: Home;
  readonly settings: Settings;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly capabilities: readonly string[];
  readonly concurrency: number;
  /** How long SIGTERM and SIGINT wait for pods. */
  readonly graceMs: number;
  readonly say: (line: string) => void;
}

const MS_PER_S = 1_000;
const CLOSE_WITHIN_MS = 60_000;

const openDesk = async ({ home, settings }: RunWorkerOptions, session: string): Promise<LeaseDesk | undefined> => {
  if (settings.redis.kind === 'off') return undefined;
  const { leaseS } = settings.swarm;
  return LeaseDesk.open({
    target: settings.redis,
    leaseS,
    name: session,
    mayPodsHold: () => mayPodsHold(home, settings),
  });
};

const offer = ({ capabilities }: RunWorkerOptions, session: string, desk: LeaseDesk | undefined) =>
  desk && new StandingOffer(desk, capabilities, { kind: 'worker', host: hostname(), session });

/**
 * Works until it is told to end, and everything it began is over or handed over.
 * @throws {NikaError} `NIKA_BUS_KEY`; a system error where a certificate of the settings cannot be read
 */
export const runWorker = async (options: RunWorkerOptions): Promise<WorkerCounts> => {
  const { home, settings, env, graceMs, say, capabilities, concurrency } = options;
  using signals = new WorkerSignals(graceMs, say);
  await using session = SwarmSession.open({ home, settings, env, kind: 'worker', job: 'nika-worker' });
  const lockMs = settings.swarm.leaseS * MS_PER_S;
  await using queue = await openWorkQueue({ home, settings, times: { lockMs, stalledEveryMs: lockMs / 2 } });
  await using desk = await openDesk(options, session.session.id);
  const onCompleted = async ({ entity }: QueuedJob): Promise<void> => {
    for (const line of await dispatchNext(entity, options)) say(`${entity}: next ${line}`);
  };
  const worker = new Worker({ ...options, session, queue, desk, onCompleted }, signals);
  say(`worker ${session.session.id} on ${hostname()}: ${capabilities.join(', ')}; ${concurrency} at once`);
  await using _offer = offer(options, session.session.id, desk);
  const closing = bestEffort('worker.close-lost', { withinMs: CLOSE_WITHIN_MS }, () =>
    closeLostSessions({ home, settings }),
  );
  const bringing = bringWork(
    { home, settings, queue, desk, place: options, session: session.session.id, say },
    signals.drain,
  );
  const counts = await worker.run();
  await Promise.all([bringing, closing]);
  return counts;
};
