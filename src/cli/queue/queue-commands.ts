/** Owns `nika queue`: what waits for a worker, what is with one, and what became of it. */
import { type Command, Option } from 'commander';
import type { QueueFilter, QueueRow, QueueState } from '../../swarm/queue/work-queue.ts';
import type { Terminal } from '../terminal.ts';
import { addQueueChangeCommands } from './queue-change-commands.ts';
import { rowOfQueue, type QueuePlace, withQueue } from './queue-place.ts';
import { showRows } from './queue-standing.ts';
import { queueJson, queueStory, queueTable } from './queue-view.ts';

interface ListOptions {
  readonly capability?: string;
  readonly state?: readonly string[];
  readonly json?: true;
  readonly quiet?: true;
  readonly home?: string;
}

const STATES: readonly QueueState[] = ['waiting', 'delayed', 'active', 'completed', 'failed'];
/** Capabilities of which it is told that nobody takes their jobs. */
const MAX_TOLD = 5;
/** What is over is shown to those who ask for it. */
const OPEN_STATES: readonly QueueState[] = ['waiting', 'delayed', 'active', 'failed'];

const filterOf = ({ capability, state }: ListOptions): QueueFilter & { readonly states: readonly QueueState[] } => ({
  states: state === undefined ? OPEN_STATES : STATES.filter((one) => state.includes(one)),
  ...(capability === undefined ? {} : { capability }),
});

const none = ({ state, capability }: ListOptions): string =>
  state === undefined && capability === undefined
    ? 'Nothing waits for a worker. Give the swarm a job: nika dispatch <job>\n'
    : 'No such job is in the queue.\n';

/** What waits, and that nobody takes now: once for each capability. */
const tellWaiting = async (found: readonly QueueRow[], place: QueuePlace, terminal: Terminal): Promise<void> => {
  const waiting = new Set(found.flatMap(({ job, state }) => (state === 'waiting' ? [job.capability] : [])));
  if (waiting.size === 0) return;
  const { tellWhoTakes } = await import('./tell-who-takes.ts');
  for (const capability of [...waiting].slice(0, MAX_TOLD))
    await tellWhoTakes(place, capability, terminal, `jobs for ${capability} wait`);
};

const list = async (options: ListOptions, place: QueuePlace, terminal: Terminal): Promise<void> => {
  const { states, ...filter } = filterOf(options);
  // What awaits a review is over for the queue, and is not for people.
  const rows = await place.rows(options.state === undefined ? { ...filter, states: STATES } : { ...filter, states });
  const found = showRows(rows, place.home).filter(({ shown, state }) => shown !== state || states.includes(state));
  if (options.json === true) terminal.print(`${JSON.stringify(found.map(queueJson))}\n`);
  else if (options.quiet === true) terminal.print(found.map(({ job }) => `${job.entity}\n`).join(''));
  else {
    terminal.print(found.length === 0 ? none(options) : queueTable(found, terminal));
    await tellWaiting(found, place, terminal);
  }
};

const addShow = (queue: Command, terminal: Terminal): void => {
  queue
    .command('show')
    .description('Shows one job of the queue: what it is, since when it waits, who has it, why it failed.')
    .argument('<job>', 'id, or a unique prefix of it')
    .option('--json', 'one object')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText(
      'after',
      `
Examples:
  $ nika queue show k3f9
  $ nika queue show JOB-nightly --json | jq .inputs`,
    )
    .action((name: string, options: ListOptions) =>
      withQueue(options.home, terminal, async (place) => {
        const [row] = showRows([await rowOfQueue(name, place)], place.home);
        if (row !== undefined)
          terminal.print(options.json === true ? `${JSON.stringify(queueJson(row))}\n` : queueStory(row, terminal));
      }),
    );
};

export const addQueueCommands = (program: Command, terminal: Terminal): void => {
  const queue = program
    .command('queue')
    .description('The queue of jobs that were dispatched: list, show, cancel, retry.');
  queue
    .command('ls')
    .alias('list')
    .description('Lists the jobs of the queue, in the order in which workers get them.')
    .option('--capability <name>', 'of one capability')
    .addOption(new Option('--state <state...>', 'only in these states; default: all but completed').choices(STATES))
    .option('-q, --quiet', 'only ids')
    .option('--json', 'one array of objects')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText(
      'after',
      `
With Redis this is the queue of all hosts that share it; without, that of this home. Of jobs that are over, 1,000
completed ones are kept for a day, and failed ones for a week; what became of them for good is on the bus: nika tree.

Examples:
  $ nika queue ls
  $ nika queue ls --state failed --json | jq -r '.[] | [.id, .error] | @tsv'
  $ nika queue cancel $(nika queue ls -q --state waiting --capability gpu)`,
    )
    .action((options: ListOptions) => withQueue(options.home, terminal, (place) => list(options, place, terminal)));
  addShow(queue, terminal);
  addQueueChangeCommands(queue, terminal);
};
