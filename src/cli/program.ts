/** Owns which commands `nika` has. */
import { Command } from 'commander';
import { readVersion } from '../config/package-root.ts';
import { addBusCommands } from './bus/bus-commands.ts';
import { addInitCommand } from './job/init-commands.ts';
import { addJobCommands } from './job/job-commands.ts';
import { addPodCommands } from './pod/pod-commands.ts';
import { addReportCommands } from './pod/report-commands.ts';
import type { Terminal } from './terminal.ts';
import { addTreeCommand } from './bus/tree-commands.ts';

export const createProgram = (terminal: Terminal): Command => {
  const program = new Command('nika')
    .description('Runs coding agents, scripts and jobs as pods, and keeps a provable record of every tool call.')
    .version(readVersion(), '-V, --version')
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => terminal.print(text),
      writeErr: (text) => terminal.stderr.write(text),
    })
    .addHelpText(
      'after',
      `
Examples:
  $ nika pod start repo-audit          audit the repository you stand in
  $ nika job list                      the jobs you can start
  $ nika tree                          what ran, and how it ended
  $ nika bus grep 'Exit code' --since 2d
  $ nika bus verify                    prove that nothing on the bus was changed`,
    );
  addPodCommands(program, terminal);
  addJobCommands(program, terminal);
  addTreeCommand(program, terminal);
  addBusCommands(program, terminal);
  addInitCommand(program, terminal);
  addReportCommands(program, terminal);
  return program;
};
