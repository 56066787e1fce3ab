/** Owns which commands change or copy the bus as a whole: `nika bus redact`. */
import type { Command } from 'commander';
import type { Terminal } from '../terminal.ts';
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

/** Adds `redact` to the command `nika bus`. */
export const addBusKeepCommands = (bus: Command, terminal: Terminal): void => {
  addRedact(bus, terminal);
};
