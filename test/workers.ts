/** Owns how tests start workers and wait for what they do. */
import { join } from 'node:path';
import type { BusLine } from '../src/bus/line.ts';
import { readWorkers, type WorkerRecord } from '../src/swarm/worker/worker-record.ts';
import type { Running, TestHome } from './nika.ts';
import { until } from './pods.ts';

/** So that a test need not wait half a minute for a job that nobody has. */
export const SHORT_LEASE = { NIKA_SWARM_LEASE: '2s' } as const;

export interface StartedWorker extends AsyncDisposable {
  readonly running: Running;
  readonly record: WorkerRecord;
  /** SIGKILL, waited for. */
  kill(): Promise<void>;
}

export const workersOf = (home: TestHome): readonly WorkerRecord[] => readWorkers(join(home.dir, 'run'));

export interface WorkerStart {
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** A command that starts it, such as `unshare` with its options: then its record is not waited for. */
  readonly way?: readonly string[];
}

export const startWorker = async (
  home: TestHome,
  { env = {}, args = [] }: WorkerStart = {},
): Promise<StartedWorker> => {
  const running = home.start(['worker', 'start', '--grace', '1s', ...args], env);
  const record = await until('a worker', () => workersOf(home).find(({ process: by }) => by.pid === running.child.pid));
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    running.child.kill(signal);
    await running.ended;
  };
  return {
    running,
    record,
    kill: () => end('SIGKILL'),
    [Symbol.asyncDispose]: () => end('SIGTERM'),
  };
};

/** Lines of one type of a job, from its channel in that home; none where it has no channel there. */
export const linesOf = (home: TestHome, entity: string, type: string): readonly BusLine[] => {
  try {
    return home.lines(`channels/${entity}.jsonl`).filter((line) => line.type === type);
  } catch {
    return [];
  }
};

export const untilLine = (home: TestHome, entity: string, type: string): Promise<BusLine> =>
  until(`${type} of ${entity}`, () => linesOf(home, entity, type)[0]);
