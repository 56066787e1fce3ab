/** Owns `nika memory count`. */
import type { Command } from 'commander';
import { Option } from 'commander';
import { MEMORY_GROUPS, type MemoryFilter, type MemoryGroup } from '../../model/memory.ts';
import type { CountAnswer } from '../../memory/memory-source.ts';
import { FILTER_HELP, type FilterFlags, parseFilter, withFilters } from './recall-filter.ts';
import { openRecall, sourceJson, tellSource } from './recall-place.ts';
import { cell, renderTable } from '../table.ts';
import type { Terminal } from '../terminal.ts';

interface CountFlags extends FilterFlags {
  readonly by?: MemoryGroup;
  readonly json?: true;
  readonly home?: string;
}

const NOUNS = { job: 'jobs', task: 'tasks', session: 'sessions', sub: 'subagents', proj: 'projects' } as const;

const nounOf = ({ kind = ['job'] }: MemoryFilter): string => kind.map((one) => NOUNS[one]).join(', ');

const groupsText = (
  { count, groups = [] }: CountAnswer,
  by: MemoryGroup,
  filter: MemoryFilter,
  { paint }: Terminal,
) => {
  const rows = groups.map(({ value, count: many }) => [cell(value), many.toLocaleString('en-US')]);
  const all = [[by.toUpperCase(), nounOf(filter).toUpperCase()], ...rows, ['total', count.toLocaleString('en-US')]];
  const width = Math.max(...all.map(([, many]) => many?.length ?? 0));
  const aligned = all.map(([value = '', many = '']) => [value, many.padStart(width)]);
  return renderTable(
    aligned.map((row, at) =>
      row.map((text) => (at === 0 ? paint('dim', text) : at === all.length - 1 ? paint('bold', text) : text)),
    ),
  );
};

const count = async (flags: CountFlags, terminal: Terminal): Promise<void> => {
  const { by } = flags;
  await using place = await openRecall(flags.home, terminal);
  const { closedPipe } = await import('../ending.ts');
  const filter = await parseFilter(flags, place.bus.busDir);
  const startedAtMs = performance.now();
  const answer = await place.ask.count(by === undefined ? { filter } : { filter, by }, closedPipe(terminal));
  const tookMs = Math.round(performance.now() - startedAtMs);
  place.progress.clear();
  const { value } = answer;
  if (flags.json === true) {
    const groups = by === undefined ? {} : { by, groups: value.groups ?? [] };
    terminal.print(`${JSON.stringify({ count: value.count, ...sourceJson(answer), ...groups, took_ms: tookMs })}\n`);
    return;
  }
  if (place.bus.isEmpty) terminal.warn(`Nothing has run in ${place.bus.home.dir} yet.`);
  tellSource(answer, terminal);
  terminal.print(by === undefined ? `${value.count}\n` : groupsText(value, by, filter, terminal));
};

export const addCountCommand = (memory: Command, terminal: Terminal): void => {
  withFilters(
    memory
      .command('count')
      .description('Counts jobs, tasks, sessions … by their last state; each counts once. Default: jobs.')
      .addOption(new Option('--by <what>', 'counts each value of it apart').choices(MEMORY_GROUPS)),
  )
    .option('--json', 'one object: count, source (qdrant or bus), why, by, groups, took_ms')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText(
      'after',
      `
Qdrant answers where one is configured and has all that this home has; otherwise the bus of this home does, with the same
answer where no other home writes to that Qdrant. Standard error says so, and why.
--from and --to look at when the last state was reached. With --by, what has several values (tools, models, tags) counts
in several groups, and what has none in none.

${FILTER_HELP}

Exit codes: 0 counted, also none; 2 wrong use, or the bus cannot be read.

Examples:
  $ nika memory count --domain hooks --status failed --intent refactor --from 2026-04-01 --to 2026-05-01
  $ nika memory count --from 30d --by status
  $ nika memory count --type session --agent codex --by model --json | jq .groups`,
    )
    .action((flags: CountFlags) => count(flags, terminal));
};
