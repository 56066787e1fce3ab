/** Owns the program `nika`: its commands, and how an error reaches the person and the exit code. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { errorMessage, NikaError } from '../model/error.ts';
import { packageRoot } from '../config/package-root.ts';
import { addBusCommands } from './bus-commands.ts';
import { addInitCommand } from './init-commands.ts';
import { addJobCommands } from './job-commands.ts';
import { addPodCommands } from './pod-commands.ts';
import { resolveTerminal, type Terminal } from './terminal.ts';
import { addTreeCommand } from './tree-commands.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const readVersion = (): string => {
  const { version } = JSON.parse(readFileSync(`${packageRoot()}/package.json`, 'utf8')) as { version: string };
  return version;
};

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
  return program;
};

const report = (thrown: unknown, terminal: Terminal): number => {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : EXIT_USAGE;
  if (!(thrown instanceof NikaError)) {
    const stack = thrown instanceof Error && thrown.stack !== undefined ? thrown.stack : errorMessage(thrown);
    terminal.warn(`nika: a bug of nika: ${stack}`);
    return EXIT_FAILED;
  }
  terminal.warn(`${terminal.paint('red', 'nika:')} ${thrown.message}`);
  terminal.warn(`  ${thrown.remedy} ${terminal.paint('dim', `[${thrown.code}]`)}`);
  return thrown.exitCode;
};

const main = async (): Promise<void> => {
  const terminal = resolveTerminal(process);
  // A closed pipe (`nika … | head`) is a normal end, not an error.
  process.stdout.on('error', (thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'EPIPE') process.kill(process.pid, 'SIGPIPE');
  });
  try {
    await createProgram(terminal).parseAsync();
  } catch (thrown) {
    process.exitCode = report(thrown, terminal);
  }
};

await main();
