/** Owns the commands about workers. */
import type { Command } from 'commander';
import type { Terminal } from '../terminal.ts';
import type { EndFlags } from './worker-end.ts';
import type { ListFlags } from './worker-list.ts';
import type { StartFlags } from './worker-start.ts';

const HOME = ['--home <dir>', 'the home: config/, _bus/, logs/, run/'] as const;

const collect = (value: string, previous: readonly string[] = []): readonly string[] => [...previous, value];

const START_HELP = `
A worker runs each job as a pod of its home, in the folder that it was started in unless the job says another. Its pods
live on when it ends; another worker of the home sees to them. Where Redis was away, was started again or lost its data,
it takes nothing for the time of one lease (swarm.lease, 30 s): pods that run say so first.

SIGTERM, SIGINT, SIGHUP: takes nothing more and waits for its pods, for --grace at most; a second one: ends at once.
SIGUSR2 ("nika worker drain"): the same without an end to the waiting. Exit code 0 whenever it was told to end.

Examples:
  $ nika worker start
  $ nika worker start -d --concurrency 8
  $ nika worker start --capability default --capability gpu`;

export const addWorkerCommands = (program: Command, terminal: Terminal): void => {
  const worker = program.command('worker').description('Workers: they take dispatched jobs and run them as pods.');
  worker
    .command('start')
    .description('Takes jobs from the queue and runs them as pods, until it is told to end.')
    .option('--concurrency <n>', 'pods at once; default: swarm.worker.concurrency, 4')
    .option('--capability <name>', 'what it offers; may be given several times; default: default', collect)
    .option('--grace <time>', 'how long SIGTERM waits for its pods; default: swarm.worker.grace, 60s')
    .option('-d, --detach', 'in the background; prints its id')
    .option('--json', 'with -d: one JSON object: worker, pid')
    .option(...HOME)
    .addHelpText('after', START_HELP)
    .action(async (flags: StartFlags) => (await import('./worker-start.ts')).startWorker(flags, terminal));
  worker
    .command('ls')
    .description('Workers of this home, and what each of them sees to.')
    .option('--json', 'one JSON object a line')
    .option(...HOME)
    .addHelpText('after', '\nExamples:\n  $ nika worker ls\n  $ nika worker ls --json | jq .jobs')
    .action(async (flags: ListFlags) => (await import('./worker-list.ts')).listWorkers(flags, terminal));
  worker
    .command('drain')
    .description('Tells workers to take nothing more and to end when their pods have ended.')
    .argument('[worker...]', 'id, beginning of it, or pid; default: all of this home')
    .option('--wait', 'until they have ended')
    .option(...HOME)
    .addHelpText('after', '\nExamples:\n  $ nika worker drain --wait\n  $ nika worker drain 3f2a')
    .action(async (names: string[], flags: EndFlags) => {
      const { endWorkers } = await import('./worker-end.ts');
      await endWorkers('drain', names, flags, terminal);
    });
  worker
    .command('stop')
    .description('Ends workers, after their grace at the latest. Their pods live on.')
    .argument('[worker...]', 'id, beginning of it, or pid; default: all of this home')
    .option('--now', 'without waiting for pods')
    .option(...HOME)
    .addHelpText('after', '\nExamples:\n  $ nika worker stop\n  $ nika worker stop 3f2a --now')
    .action(async (names: string[], flags: EndFlags) => {
      const { endWorkers } = await import('./worker-end.ts');
      await endWorkers('stop', names, flags, terminal);
    });
};
