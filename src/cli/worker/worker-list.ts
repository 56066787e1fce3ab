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

export const listWorkers = async (flags: ListFlags, terminal: Terminal): Promise<void> => {
  const [{ resolveHome }, { readWorkers, workerStatus }] = await Promise.all([
    import('../../config/home.ts'),
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
  for (const record of workers) {
    const { session, process: by, jobs, concurrency, capabilities, done, failed } = record;
    terminal.print(
      renderTable([
        [
          terminal.paint('bold', session.slice(0, SHORT_CHARS)),
          stateText(record, workerStatus(record), terminal),
          `${jobs.length} of ${concurrency}`,
          capabilities.join(', '),
          `${done} done, ${failed} failed`,
          terminal.paint('dim', `${by.pid} on ${cell(by.host)}, ${record.queue}`),
        ],
      ]),
    );
    terminal.print(renderTable(jobRows(record, terminal), 2));
  }
};
