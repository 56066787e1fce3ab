/** Owns what a command knows of the place it was called in: streams, colours, environment, folder. */
import { isatty } from 'node:tty';
import { styleText } from 'node:util';
import { NikaError } from '../model/error.ts';

type Style = Parameters<typeof styleText>[0];

/** Resolved once in `main.ts`; commands print through it and nothing else. */
export interface Terminal {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Standard output is a terminal that a person looks at: live view, spinner, progress. */
  readonly isInteractive: boolean;
  /** Columns of the terminal; 80 where it is none. */
  readonly columns: number;
  /** Text in a style, or as it is where colours are off (`NO_COLOR`, a pipe, `TERM=dumb`). */
  readonly paint: (style: Style, text: string) => string;
  /** Writes to standard output; a closed pipe (`| head`) ends the process quietly. */
  readonly print: (text: string) => void;
  /** Writes a line to standard error. */
  readonly warn: (text: string) => void;
}

const wantsColour = (env: Terminal['env'], isTty: boolean): boolean => {
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return false;
  if (env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '0') return true;
  return isTty && env['TERM'] !== 'dumb';
};

const currentFolder = (process: NodeJS.Process): string => {
  try {
    return process.cwd();
  } catch (cause) {
    throw new NikaError('NIKA_CLI_USAGE', 'the folder you are in was removed', {
      remedy: 'go to one that is there, such as your own (cd)',
      cause,
    });
  }
};

/** @throws {NikaError} `NIKA_CLI_USAGE` where the current folder is gone. */
export const resolveTerminal = (process: NodeJS.Process): Terminal => {
  const { stdout, stderr, env } = process;
  const isTty = isatty(stdout.fd);
  const isColoured = wantsColour(env, isTty);
  return {
    stdout,
    stderr,
    env,
    cwd: currentFolder(process),
    isInteractive: isTty && env['TERM'] !== 'dumb',
    columns: stdout.columns ?? 80,
    paint: (style, text) => (isColoured ? styleText(style, text, { validateStream: false }) : text),
    print: (text) => {
      stdout.write(text);
    },
    warn: (text) => {
      stderr.write(`${text}\n`);
    },
  };
};
