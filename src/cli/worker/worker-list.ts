/** Owns `nika worker ls`. */
import type { WorkerRecord } from '../../swarm/worker/worker-record.ts';
import { formatDuration } from '../format.ts';
import { cell, renderTable } from '../table.ts';
import type { Terminal } from '../terminal.ts';

export interface ListFlags {
  readonly json?: true;
  readonly home?: string;
}

export const SHORT_CHARS = 8;

const stateText = (record: WorkerRecord, status: string, { paint }: Terminal): string => {
  if (status === 'working') return paint('green', status);
  return paint('yellow', record.why === null ? status : `${status}: ${cell(record.why)}`);
};

const jobRows = ({ jobs }: WorkerRecord, { paint }: Terminal): readonly (readonly string[])[] =>
  jobs.map(({ entity, job, since, what }) => [
    entity,
    cell(job),
    cell(what),
    paint('dim', formatDuration(Math.max(0, Date.now() - Date.parse(since)))),
  ]);

const HEAD = ['WORKER', 'STATE', 'JOBS', 'CAPABILITIES', 'SINCE IT BEGAN', 'PROCESS'];

/** `nika down` ended it on purpose, and what is dispatched now waits in files. */
const NO_REDIS =
  'nika: Redis was ended (nika down): workers that take from it take nothing, and what is dispatched now waits in files of this home. Start Redis (nika up --redis), or a worker for the files (nika worker start -d).';

const rowOf = (record: WorkerRecord, terminal: Terminal, status: string): readonly string[] => {
  const { session, process: by, jobs, concurrency, capabilities, done, failed } = record;
  return [
    terminal.paint('bold', session.slice(0, SHORT_CHARS)),
    stateText(record, status, terminal),
    `${jobs.length} of ${concurrency}`,
    capabilities.join(', '),
    `${done} done, ${failed} failed`,
    terminal.paint('dim', `${by.pid} on ${cell(by.host)}, ${record.queue}`),
  ];
};

export const listWorkers = async (flags: ListFlags, terminal: Terminal): Promise<void> => {
  const [{ resolveHome }, { loadSettings }, { readWorkers, workerStatus }] = await Promise.all([
    import('../../config/home.ts'),
    import('../../config/settings.ts'),
    import('../../swarm/worker/worker-record.ts'),
  ]);
  const home = resolveHome({ flag: flags.home, env: terminal.env, cwd: terminal.cwd });
  const workers = readWorkers(home.runDir);
  if (flags.json === true) {
    for (const record of workers) {
      const { v: _version, session: worker, ...rest } = record;
      terminal.print(`${JSON.stringify({ worker, status: workerStatus(record), ...rest })}\n`);
    }
    return;
  }
  if (workers.length === 0) {
    terminal.print('No worker runs in this home. Start one: nika worker start -d\n');
    return;
  }
  const isOff = loadSettings(home, terminal.env).redis.kind === 'off';
  const head = HEAD.map((text) => terminal.paint('bold', text));
  const [header, ...lines] = renderTable([
    head,
    ...workers.map((one) => rowOf(one, terminal, workerStatus(one))),
  ]).split('\n');
  terminal.print(`${header}\n`);
  for (const [at, record] of workers.entries()) {
    terminal.print(`${lines[at]}\n${renderTable(jobRows(record, terminal), 2)}`);
  }
  if (isOff && workers.some(({ queue }) => queue === 'redis')) terminal.warn(NO_REDIS);
};
