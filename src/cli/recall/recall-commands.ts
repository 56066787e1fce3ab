/** Owns `nika memory …`: what was done for months, counted and found again. */
import type { Command } from 'commander';
import type { Terminal } from '../terminal.ts';
import { addBringCommands } from './bring-commands.ts';
import { addCountCommand } from './count-command.ts';
import { addMigrateCommand } from './migrate-command.ts';
import { addSearchCommands } from './search-commands.ts';
import { addStatusCommand } from './status-command.ts';

export const addRecallCommands = (program: Command, terminal: Terminal): void => {
  const memory = program
    .command('memory')
    .description('What every pod ever did, counted and found again; with Qdrant or from the bus alone.')
    .addHelpText(
      'after',
      `
What programs keep for each other while a job runs is "nika wm".

Examples:
  $ nika memory count --domain hooks --status failed --from 2026-04-01 --to 2026-05-01
  $ nika memory search "flaky websocket test"
  $ nika memory status`,
    );
  addCountCommand(memory, terminal);
  addSearchCommands(memory, terminal);
  addStatusCommand(memory, terminal);
  addBringCommands(memory, terminal);
  addMigrateCommand(memory, terminal);
};
