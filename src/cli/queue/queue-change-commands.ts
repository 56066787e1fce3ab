/** Owns `nika queue cancel` and `nika queue retry`. */
import { type Command, Option } from 'commander';
import { isTerminal } from '../../model/entity.ts';
import { NikaError } from '../../model/error.ts';
import type { QueueRow } from '../../swarm/queue/work-queue.ts';
import type { Terminal } from '../terminal.ts';
import { mustAnswer, type QueuePlace, rowOfQueue, withQueue } from './queue-place.ts';

interface ChangeOptions {
  readonly reason?: string;
  readonly home?: string;
}

interface ClearOptions {
  readonly state?: 'failed' | 'completed' | 'all';
  readonly home?: string;
}

const activeError = ({ job, worker }: QueueRow): NikaError =>
  new NikaError(
    'NIKA_QUEUE_ACTIVE',
    `${job.entity} is with a worker already${worker === undefined ? '' : ` (${worker})`}`,
    {
      subject: job.entity,
    },
  );

/** What the queue is through with need not be completed: the bus of this home says what became of it. */
const goneError = async ({ job, state }: QueueRow, { home }: QueuePlace): Promise<NikaError> => {
  const { stateHere } = await import('../../swarm/dispatch/known-of.ts');
  const known = (await stateHere(home.busDir, job.entity)) ?? state;
  const message = `${job.entity} does not wait: it is ${known.replace('_', ' ')}`;
  return new NikaError('NIKA_QUEUE_UNKNOWN', message, { subject: job.entity });
};

const cancel = async (
  name: string,
  { reason }: ChangeOptions,
  place: QueuePlace,
  terminal: Terminal,
): Promise<void> => {
  const row = await rowOfQueue(name, place);
  const { entity } = row.job;
  const outcome = mustAnswer(await place.queue.cancel(entity));
  if (outcome === 'active') throw activeError(row);
  if (outcome === 'unknown') throw await goneError(row, place);
  const { cancelEntity } = await import('../../swarm/dispatch/cancel-entity.ts');
  const { home, settings } = place;
  const why = reason ?? 'taken out of the queue by a person';
  await cancelEntity({ home, settings, env: terminal.env, job: row.job, reason: why });
  terminal.print(`${entity} cancelled\n`);
};

const retry = async (name: string, place: QueuePlace, terminal: Terminal): Promise<void> => {
  const row = await rowOfQueue(name, place);
  const { entity } = row.job;
  const { stateHere } = await import('../../swarm/dispatch/known-of.ts');
  const state = await stateHere(place.home.busDir, entity);
  if (isTerminal(state)) {
    throw new NikaError('NIKA_MODEL_BAD_TRANSITION', `${entity} is over: ${state}`, {
      subject: entity,
      remedy: `What is over stays so. Give its job anew: nika dispatch ${row.job.name}.`,
    });
  }
  const outcome = mustAnswer(await place.queue.retry(entity));
  if (outcome === 'active') throw activeError(row);
  if (outcome === 'unknown') throw await goneError(row, place);
  terminal.print(`${entity} waits for a worker\n`);
};

const clear = async ({ state = 'failed' }: ClearOptions, place: QueuePlace, terminal: Terminal): Promise<void> => {
  const states = state === 'all' ? (['completed', 'failed'] as const) : [state];
  const count = mustAnswer(await place.queue.clear(states));
  terminal.print(`${count} forgotten\n`);
};

/** All of them, whatever comes of one; the first failure is the command's. */
const each = async (names: readonly string[], work: (name: string) => Promise<void>, terminal: Terminal) => {
  let first: NikaError | undefined;
  for (const name of names) {
    try {
      await work(name);
    } catch (thrown) {
      if (!(thrown instanceof NikaError) || thrown.code === 'NIKA_QUEUE_AWAY') throw thrown;
      if (first !== undefined) terminal.warn(`nika: ${thrown.message}`);
      first ??= thrown;
    }
  }
  if (first !== undefined) throw first;
};

export const addQueueChangeCommands = (queue: Command, terminal: Terminal): void => {
  queue
    .command('cancel')
    .description('Takes jobs out of the queue before a worker has them: they are cancelled on the bus.')
    .argument('<job...>', 'ids, or unique prefixes')
    .option('--reason <text>', 'stands on the bus')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText(
      'after',
      `
A job that a worker has runs as a pod: nika pod stop <job>, in the home of that worker.

Examples:
  $ nika queue cancel k3f9
  $ nika queue cancel JOB-nightly --reason "the release was moved"`,
    )
    .action((names: string[], options: ChangeOptions) =>
      withQueue(options.home, terminal, (place) =>
        each(names, (name) => cancel(name, options, place, terminal), terminal),
      ),
    );
  queue
    .command('retry')
    .description('Lets jobs wait again that failed in the queue, or gives those that are delayed at once.')
    .argument('<job...>', 'ids, or unique prefixes')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText(
      'after',
      `
For what failed in the queue itself, as where no worker knows the job. A job that ran and failed is over, and stays so:
dispatch it anew.

Examples:
  $ nika queue retry k3f9
  $ nika queue retry $(nika queue ls -q --state failed)`,
    )
    .action((names: string[], options: ChangeOptions) =>
      withQueue(options.home, terminal, (place) => each(names, (name) => retry(name, place, terminal), terminal)),
    );
  queue
    .command('clear')
    .description('Forgets jobs that are over in the queue; what became of them stays on the bus.')
    .addOption(new Option('--state <state>', 'which; default: failed').choices(['failed', 'completed', 'all']))
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText('after', '\nExamples:\n  $ nika queue clear\n  $ nika queue clear --state all')
    .action((options: ClearOptions) => withQueue(options.home, terminal, (place) => clear(options, place, terminal)));
};
