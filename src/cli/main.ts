/** Runs the program `nika`: owns how an error reaches the person and the exit code. */
import { setTimeout as delay } from 'node:timers/promises';
import { CommanderError } from 'commander';
import { errorMessage, NikaError } from '../model/error.ts';
import { asCalled } from './hint/called-as.ts';
import { createProgram } from './program.ts';
import { resolveTerminal, type Terminal } from './terminal.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const report = (thrown: unknown, terminal: Terminal): number => {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : EXIT_USAGE;
  if (!(thrown instanceof NikaError)) {
    const stack = thrown instanceof Error && thrown.stack !== undefined ? thrown.stack : errorMessage(thrown);
    terminal.warn(`nika: a bug of nika: ${stack}`);
    return EXIT_FAILED;
  }
  terminal.warn(`${terminal.paint('red', 'nika:')} ${thrown.message}`);
  terminal.warn(`  ${asCalled(terminal, thrown.remedy)} ${terminal.paint('dim', `[${thrown.code}]`)}`);
  return thrown.exitCode;
};

/** `undefined`: there is nowhere to stand, and it was said. */
const openTerminal = (): Terminal | undefined => {
  try {
    return resolveTerminal(process);
  } catch (thrown) {
    if (!(thrown instanceof NikaError)) throw thrown;
    process.stderr.write(`nika: ${thrown.message}: ${thrown.remedy}\n`);
    process.exitCode = thrown.exitCode;
    return undefined;
  }
};

const main = async (): Promise<void> => {
  const terminal = openTerminal();
  if (terminal === undefined) return;
  // A reader that has seen enough (`nika … | head`) is no error: a pod works on, and commands that only print stop by themselves.
  let refused: string | undefined;
  process.stdout.on('error', (thrown: NodeJS.ErrnoException) => {
    if (thrown.code !== 'EPIPE') refused = thrown.code ?? thrown.message;
  });
  process.stderr.on('error', () => undefined);
  try {
    await createProgram(terminal).parseAsync();
  } catch (thrown) {
    process.exitCode = report(thrown, terminal);
  }
  await delay(0); // an error of the last write is told after it
  if (refused === undefined) return;
  terminal.warn(`nika: standard output cannot be written (${refused}): what was to be printed is not complete`);
  process.exitCode = process.exitCode === undefined || process.exitCode === 0 ? EXIT_FAILED : process.exitCode;
};

await main();
