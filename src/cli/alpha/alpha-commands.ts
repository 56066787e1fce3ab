/** Owns the group `nika alpha`: the orchestrator (Alpha), and what it tells of the swarm. */
import type { Command } from 'commander';
import type { Terminal } from '../terminal.ts';
import { addDigestCommand } from './digest-command.ts';

export const addAlphaCommands = (program: Command, terminal: Terminal): void => {
  const alpha = program
    .command('alpha')
    .description('The orchestrator (Alpha): follows the swarm, and tells what one must know of it.');
  addDigestCommand(alpha, terminal);
};
