/** Owns `nika bus …`: what one can ask of the bus. Each command loads what it needs when it runs. */
import { type Command, Option } from 'commander';
import type { GrepOptions } from './bus-grep.ts';
import type { ShowOptions } from './bus-show.ts';
import type { TailOptions } from './bus-tail.ts';
import { addBusKeepCommands } from './bus-keep-commands.ts';
import { addBusVerifyCommands } from './bus-verify-commands.ts';
import type { Terminal } from '../terminal.ts';

const HOME_OPTION = ['--home <dir>', 'the home: config/, _bus/, logs/, run/'] as const;
const ENTITY_OPTION = [
  '--entity <id>',
  'lines of this entity: id, unique prefix, @last, or name of a running job',
] as const;
const TYPE_OPTION = ['--type <type>', 'lines of this type, such as tool_call, note, job_failed'] as const;

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

const addTail = (bus: Command, terminal: Terminal): void => {
  bus
    .command('tail')
    .description('Shows the newest lines of the bus, and with -f those that come.')
    .option('-f, --follow', 'goes on until Ctrl-C, through new channels and new segments')
    .option('-n, --lines <count>', 'how many of those that are there', '20')
    .option(...ENTITY_OPTION)
    .option(...TYPE_OPTION)
    .option('--json', 'the raw lines')
    .option(...HOME_OPTION)
    .addHelpText(
      'after',
      `
Examples:
  $ nika bus tail
  $ nika bus tail -f --type tool_call
  $ nika bus tail -f -n 0 --json | jq -c 'select(.data.ok == false)'`,
    )
    .action(async (options: TailOptions) => {
      const { tail } = await import('./bus-tail.ts');
      await tail(options, terminal);
    });
};

const addGrep = (bus: Command, terminal: Terminal): void => {
  bus
    .command('grep')
    .description('Searches the raw lines of the bus, compressed ones too, and shows them in order of time, each once.')
    .argument('<regex>', 'a regular expression of JavaScript; "" finds all')
    .option('--since <time>', 'not before: 30s, 15m, 2h, 3d, 2w ago, 2026-04, 2026-04-12, 2026-04-12T10:30 (UTC)')
    .option('--until <time>', 'not after; a day, month or year is all of it')
    .option(...ENTITY_OPTION)
    .option(...TYPE_OPTION)
    .option('--entity-type <type>', 'lines of entities of this type: PROJ, JOB, TASK or SUB')
    .option('--domain <domain>', 'lines of this domain')
    .option('--intent <intent>', 'lines of this intent')
    .option('--status <status>', 'new state of an entity, outcome of a session, or ok and failed of tool calls')
    .option('-i, --ignore-case', 'upper and lower case are the same')
    .option('-n, --limit <count>', 'stops when so many were found')
    .option('-c, --count', 'only how many')
    .option('--json', 'the raw lines')
    .option('--home <dir>', 'the home; given several times, several are searched and merged by time', collect)
    .addHelpText(
      'after',
      `
Exit codes: 0 found, 1 nothing found, 2 usage, or a file could not be read.

Examples:
  $ nika bus grep 'Exit code [1-9]' --since 2d
  $ nika bus grep '' --type tool_call --status failed --entity @last
  $ nika bus grep '' --type job_failed --entity-type JOB --since 2026-04 --until 2026-04 --count
  $ nika bus grep '' --status failed --home ~/a --home ~/b --json | jq .data.error`,
    )
    .action(async (regex: string, options: GrepOptions) => {
      const { grep } = await import('./bus-grep.ts');
      await grep(regex, options, terminal);
    });
};

const addShow = (bus: Command, terminal: Terminal): void => {
  bus
    .command('show')
    .description('Tells the story of one entity and its children: states, sessions, tool calls, notes, outages.')
    .argument('<entity>', 'id, unique prefix, @last, or the name of a job that runs')
    .addOption(
      new Option('--max-tokens <count>', 'in brief, for an LLM: end and error, tasks, last calls').conflicts('json'),
    )
    .option('--json', 'first {"entity": …} with its children, then {"line": …} for each line')
    .option(...HOME_OPTION)
    .addHelpText(
      'after',
      `
Examples:
  $ nika bus show @last
  $ nika bus show k3f9 --max-tokens 400
  $ nika bus show k3f9 --json | jq -r '.line.data | select(.ok == false) | .error'`,
    )
    .action(async (ref: string, options: ShowOptions) => {
      const { show } = await import('./bus-show.ts');
      await show(ref, options, terminal);
    });
};

export const addBusCommands = (program: Command, terminal: Terminal): void => {
  const bus = program.command('bus').description('read, search, follow and verify the bus');
  addTail(bus, terminal);
  addGrep(bus, terminal);
  addShow(bus, terminal);
  addBusVerifyCommands(bus, terminal);
  addBusKeepCommands(bus, terminal);
};
