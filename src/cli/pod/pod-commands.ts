/** Owns which commands `nika pod …` has. */
import type { Command } from 'commander';
import type { Terminal } from '../terminal.ts';
import { addControlCommands } from './control-commands.ts';
import { addDiffCommand } from './diff-command.ts';
import { addListCommand } from './list-command.ts';
import { addLogsCommand } from './logs-command.ts';
import { addMergeCommand } from './merge-command.ts';
import { addObserveCommand } from './observe-command.ts';
import { addPruneCommand } from './prune-command.ts';
import { addRestartCommand } from './restart-command.ts';
import { addRunCommand } from './run-command.ts';
import { addShowCommands } from './show-commands.ts';
import { addStartCommand } from './start-command.ts';
import { addStopCommands } from './stop-commands.ts';
import { addWaitCommand } from './wait-command.ts';

export const addPodCommands = (program: Command, terminal: Terminal): void => {
  const pod = program.command('pod').description('start, see, steer and stop pods');
  addStartCommand(pod, terminal);
  addListCommand(pod, terminal);
  addShowCommands(pod, terminal);
  addLogsCommand(pod, terminal);
  addObserveCommand(pod, terminal);
  addWaitCommand(pod, terminal);
  addStopCommands(pod, terminal);
  addControlCommands(pod, terminal);
  addRestartCommand(pod, terminal);
  addDiffCommand(pod, terminal);
  addMergeCommand(pod, terminal);
  addPruneCommand(pod, terminal);
  addRunCommand(program, terminal);
};
