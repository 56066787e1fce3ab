/** Owns `nika alpha`: the orchestrator as a process. */
import type { Command } from 'commander';
import type { Terminal } from '../terminal.ts';
import { addDigestCommand } from './digest-command.ts';

export interface AlphaFlags {
  readonly json?: true;
  readonly home?: string;
}

export interface AlphaStartFlags extends AlphaFlags {
  readonly detach?: true;
}

const HOME = ['--home <dir>', 'the home: config/, _bus/, logs/, run/'] as const;

const START_HELP = `
It follows the feed, or the bus of this home while Redis is away or where none is configured; closes pods that died here,
tells of pods of other hosts that are silent, brings Redis up to date after an outage, and copies what other hosts did
with jobs that were dispatched from here onto their channels.

Over all hosts that share a Redis one Alpha leads; others stand by, and take over within 45 s of its death. A second one in
the same home takes over at once.

Ctrl-C or SIGTERM ends it within a second. Exit code: 0 ended by SIGTERM; 130 by Ctrl-C; 1 it could not be started.

Examples:
  $ nika alpha start
  $ nika alpha start -d
  $ nika alpha status`;

export const addAlphaCommands = (program: Command, terminal: Terminal): void => {
  const alpha = program
    .command('alpha')
    .description('The orchestrator (Alpha): follows the swarm, watches over it, and tells what one must know of it.');
  alpha
    .command('start')
    .description('Starts the orchestrator (Alpha) of this home.')
    .option('-d, --detach', 'in the background')
    .option('--json', 'with -d: one object: alpha, session, pid, log; else one line for each change of how it stands')
    .option(...HOME)
    .addHelpText('after', START_HELP)
    .action(async (flags: AlphaStartFlags) => {
      const { startAlphaCommand } = await import('./start.ts');
      await startAlphaCommand(flags, terminal);
    });
  alpha
    .command('status')
    .description('How the orchestrators (Alphas) of this home stand: their roles, what they follow, what they know.')
    .option('--json', 'one array of objects')
    .option(...HOME)
    .addHelpText(
      'after',
      '\nExit code: 0 one runs; 1 none does.\n\nExamples:\n  $ nika alpha status\n  $ nika alpha status --json | jq -r .[0].roles.orchestrator.follows',
    )
    .action(async (flags: AlphaFlags) => {
      const { showAlphas } = await import('./status.ts');
      showAlphas(flags, terminal);
    });
  alpha
    .command('stop')
    .description('Ends the orchestrators (Alphas) of this home; pods go on.')
    .option('--json', 'one object: ended, living')
    .option(...HOME)
    .addHelpText(
      'after',
      '\nExit code: 0 none runs any more; 1 one did not end within 5 s.\n\nExamples:\n  $ nika alpha stop',
    )
    .action(async (flags: AlphaFlags) => {
      const { stopAlphas } = await import('./status.ts');
      await stopAlphas(flags, terminal);
    });
  addDigestCommand(alpha, terminal);
};
