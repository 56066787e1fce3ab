/** Owns which commands `nika` has. */
import { Command, CommanderError, Option } from 'commander';
import { readVersion } from '../config/package-root.ts';
import { addAlphaCommands } from './alpha/alpha-commands.ts';
import { addBusCommands } from './bus/bus-commands.ts';
import { addCompletionCommand } from './completion-command.ts';
import { addCostsCommand } from './costs-command.ts';
import { addDoctorCommand } from './doctor-command.ts';
import { addFeedCommands } from './feed/feed-commands.ts';
import { addHooksCommands } from './hooks/hooks-commands.ts';
import { addImportCommand } from './import-command.ts';
import { addInitCommand } from './job/init-commands.ts';
import { asCalled } from './hint/called-as.ts';
import { usageHint } from './hint/usage-hint.ts';
import { addJobCommands } from './job/job-commands.ts';
import { addMcpCommand } from './mcp-command.ts';
import { addContractCommands } from './memory/contract-commands.ts';
import { addWmCommands } from './memory/wm-commands.ts';
import { addNotifyCommand } from './notify-command.ts';
import { addPodCommands } from './pod/pod-commands.ts';
import { addDispatchCommand } from './queue/dispatch-command.ts';
import { addQueueCommands } from './queue/queue-commands.ts';
import { addReconcileCommand } from './reconcile-command.ts';
import { addRecallCommands } from './recall/recall-commands.ts';
import { addRegistryCommands } from './registry/registry-commands.ts';
import { addReportCommands } from './pod/report-commands.ts';
import { addReviewCommands } from './review/review-commands.ts';
import { addServiceCommands } from './services/service-commands.ts';
import { addSignalCommands } from './signal/signal-commands.ts';
import type { Terminal } from './terminal.ts';
import { addWorkerCommands } from './worker/worker-commands.ts';
import { addTreeCommand } from './bus/tree-commands.ts';

/** Commander's error, and what was probably meant. */
const withHint = (error: string, terminal: Terminal): string => {
  const hint = usageHint(error, process.argv.slice(2));
  return hint === undefined ? error : `${error}${asCalled(terminal, hint)}\n`;
};

/** A setting that was misspelt has no effect, and nothing else would tell. */
const warnOfEnvTypos = async ({ env, warn, paint }: Terminal): Promise<void> => {
  const { findEnvTypos } = await import('../config/env-typos.ts');
  for (const { name, meant } of await findEnvTypos(env)) {
    warn(`${paint('yellow', 'nika:')} the environment has ${name}, which nika does not know; did you mean ${meant}?`);
  }
};

/** `nika version` and `nika -v`: what people try first. */
const addVersion = (program: Command, { print }: Terminal): void => {
  program.version(readVersion(), '-V, --version').addOption(new Option('-v').hideHelp());
  program.on('option:v', () => {
    print(`${readVersion()}\n`);
    throw new CommanderError(0, 'commander.version', readVersion());
  });
  program
    .command('version', { hidden: true })
    .description('Prints the version.')
    .action(() => print(`${readVersion()}\n`));
};

export const createProgram = (terminal: Terminal): Command => {
  const program = new Command('nika')
    .description('Runs coding agents, scripts and jobs as pods, and keeps a provable record of every tool call.')
    .enablePositionalOptions()
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => terminal.print(text),
      writeErr: (text) => terminal.stderr.write(text),
      outputError: (error, write) => write(withHint(error, terminal)),
    })
    .addHelpText(
      'after',
      `
Examples:
  $ nika pod start repo-audit          audit the repository you stand in
  $ nika run -- npm test               any program as a pod
  $ nika pod ls                        what runs now
  $ nika job list                      the jobs you can start
  $ nika tree                          what ran, and how it ended
  $ nika bus grep 'Exit code' --since 2d
  $ nika costs --since 7d              what agents used, and what it cost
  $ nika memory search 'flaky test'    who did that before, and how
  $ nika bus verify                    prove that nothing on the bus was changed
  $ nika doctor                        whether all is well here`,
    );
  program.hook('preAction', () => warnOfEnvTypos(terminal));
  addVersion(program, terminal);
  addPodCommands(program, terminal);
  addJobCommands(program, terminal);
  addDispatchCommand(program, terminal);
  addQueueCommands(program, terminal);
  addTreeCommand(program, terminal);
  addBusCommands(program, terminal);
  addFeedCommands(program, terminal);
  addAlphaCommands(program, terminal);
  addCostsCommand(program, terminal);
  addDoctorCommand(program, terminal);
  addInitCommand(program, terminal);
  addImportCommand(program, terminal);
  addServiceCommands(program, terminal);
  addNotifyCommand(program, terminal);
  addReconcileCommand(program, terminal);
  addReviewCommands(program, terminal);
  addReportCommands(program, terminal);
  addSignalCommands(program, terminal);
  addRecallCommands(program, terminal);
  addWmCommands(program, terminal);
  addContractCommands(program, terminal);
  addMcpCommand(program, terminal);
  addHooksCommands(program, terminal);
  addWorkerCommands(program, terminal);
  addRegistryCommands(program, terminal);
  addCompletionCommand(program, terminal);
  return program;
};
