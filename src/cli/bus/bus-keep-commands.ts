/** Owns which commands change or copy the bus as a whole: `nika bus redact`, `nika bus export`. */
import type { Command } from 'commander';
import type { Terminal } from '../terminal.ts';
import type { ExportOptions } from './bus-export.ts';
import type { RedactOptions } from './bus-redact.ts';

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

const addRedact = (bus: Command, terminal: Terminal): void => {
  bus
    .command('redact')
    .description(
      'Takes the bodies out of lines, for the day when a secret got through; that it was done stays provable.',
    )
    .argument('[id...]', 'ids of events, as "nika bus grep --json" shows them')
    .option('--reason <text>', 'why; it stands on the bus')
    .option(
      '--blob <sha256>',
      'a body of _bus/blobs/, with all lines that refer to it; may be given several times',
      collect,
    )
    .option('--envelope', 'also what people wrote into the envelope: job, domain, intent, role, agent, tags')
    .option('--dry-run', 'only tells what it would touch')
    .option('--yes', 'does not ask')
    .option('--resume', 'goes on with redactions that are not done everywhere')
    .option('--json', 'what is done (with --dry-run: what would be) as JSON')
    .option('--home <dir>', 'the home: config/, _bus/, logs/, run/')
    .addHelpText(
      'after',
      `
A redacted line keeps its time, type, entity, writer, number, id and hash; a line of the type redaction tells who took
the body out and why. "nika bus verify" accepts that, counts it, and finds every other change as before.
Taken out are: the line in its channel and on the alpha bus, compressed files too, the blobs that no other line refers to,
and what Redis and Qdrant have of it.

Exit codes: 0 done, 1 not done everywhere yet (--resume goes on), 2 usage, or no such line.

Examples:
  $ nika bus grep 'sk-live-' --json | jq -r .id
  $ nika bus redact 019ac6f2-1d3e-7c01-8a55-0c9be4d1f3a7 --reason "a token got through" --dry-run
  $ nika bus redact 019ac6f2-1d3e-7c01-8a55-0c9be4d1f3a7 --reason "a token got through"
  $ nika bus redact --resume`,
    )
    .action(async (ids: readonly string[], options: RedactOptions) => {
      const { redact } = await import('./bus-redact.ts');
      await redact(ids, options, terminal);
    });
};

const addExport = (bus: Command, terminal: Terminal): void => {
  bus
    .command('export')
    .description('Writes lines of the bus as CSV or JSONL, in order of time, each once; compressed files too.')
    .requiredOption('--format <format>', 'csv: a table with fixed columns; jsonl: the raw lines')
    .option('--out <file>', 'to this file, which is there whole or not at all; else to standard output')
    .option('--force', 'replaces a file that is there')
    .option('--since <time>', 'not before: 30s, 15m, 2h, 3d, 2w ago, 2026-04, 2026-04-12, 2026-04-12T10:30 (UTC)')
    .option('--until <time>', 'not after; a day, month or year is all of it')
    .option('--entity <id>', 'lines of this entity: id, unique prefix, @last, or name of a running job')
    .option('--type <type>', 'lines of this type, such as tool_call, note, job_failed')
    .option('--entity-type <type>', 'lines of entities of this type: PROJ, JOB, TASK or SUB')
    .option('--domain <domain>', 'lines of this domain')
    .option('--intent <intent>', 'lines of this intent')
    .option('--status <status>', 'new state of an entity, outcome of a session, or ok and failed of tool calls')
    .option('-n, --limit <count>', 'stops after so many')
    .option('--home <dir>', 'the home; given several times, several are merged by time', collect)
    .addHelpText(
      'after',
      `
CSV is as RFC 4180 has it, in UTF-8, with the names of the columns in the first row. A text that a spreadsheet would take
for a formula (it begins with = + - @) has an apostrophe before it; jsonl has all as it is.

Exit codes: 0 done, 1 a file could not be read or written, 2 usage.

Examples:
  $ nika bus export --format csv --type job_failed --since 2026-04 --until 2026-04 --out april.csv
  $ nika bus export --format csv --entity @last > last.csv
  $ nika bus export --format jsonl --type usage --since 7d | jq -s 'map(.data.cost_usd // 0) | add'`,
    )
    .action(async (options: ExportOptions) => {
      const { exportBus } = await import('./bus-export.ts');
      await exportBus(options, terminal);
    });
};

/** Adds `redact` and `export` to the command `nika bus`. */
export const addBusKeepCommands = (bus: Command, terminal: Terminal): void => {
  addRedact(bus, terminal);
  addExport(bus, terminal);
};
