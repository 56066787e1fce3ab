/**
 * Owns what of a shell call the rules are held against: each of its simple commands, as one line with single blanks.
 * A guard rail: what a program is told by a variable, a file or a program of its own is not seen. Pure.
 */
import { type CommandLine, readCommandLine } from './shell-words.ts';

export interface CommandTexts {
  /** Each command, in full: an `allow` rule must match every one. */
  readonly commands: readonly string[];
  /** Every way to look at them: what is within `sh -c '…'`, behind `sudo`, without the program's folder … */
  readonly views: readonly string[];
  /** False: too much to look at all of it. */
  readonly isWhole: boolean;
}

/** More than the system takes as one argument (128 KiB): it could not be run. */
const MAX_LINE_CHARS = 256 * 1024;
const MAX_ARGV_CHARS = 512 * 1024;
const MAX_VIEW_CHARS = 2 * 1024 * 1024;
const MAX_NESTING = 5;
const ASSIGNMENT = /^[A-Za-z_]\w*\+?=/;
const KEYWORDS = new Set(['{', '}', '!', 'if', 'then', 'elif', 'else', 'while', 'until', 'do', 'time', 'coproc']);
/** They run the program that their arguments name, somewhere behind options of their own. */
const WRAPPERS = new Set(
  'builtin busybox chroot command doas env exec find flock ionice nice nohup parallel setsid stdbuf strace sudo time timeout unshare watch xargs'.split(
    ' ',
  ),
);
/** Given text, they run it. */
const SHELLS = new Set('. ash bash busybox dash eval fish ksh sh source ssh su watch zsh'.split(' '));
const PRINTERS = new Set(['echo', 'printf']);

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();
const nameOf = (word: string): string => word.slice(word.lastIndexOf('/') + 1);

class Views {
  readonly texts = new Set<string>();
  isWhole = true;
  #chars = 0;

  add(text: string): void {
    this.#chars += text.length;
    if (this.#chars > MAX_VIEW_CHARS) this.isWhole = false;
    else this.texts.add(oneLine(text));
  }

  /** Each place of the command at which a program may be named. */
  addCommand(words: readonly string[], isForShell: boolean): void {
    let isWrapped = false;
    for (const [at, word] of words.entries()) {
      if (!this.isWhole) return;
      this.add(words.slice(at).join(' '));
      const name = nameOf(word);
      if (name !== word) this.add([name, ...words.slice(at + 1)].join(' '));
      isWrapped ||= WRAPPERS.has(name) || (isForShell && (SHELLS.has(name) || PRINTERS.has(name)));
      if (!isWrapped && !ASSIGNMENT.test(word) && !KEYWORDS.has(word)) return;
    }
  }

  addAll({ commands, isWhole }: CommandLine, nesting: number): void {
    this.isWhole &&= isWhole;
    const isForShell = nesting > 0 || commands.some(({ words }) => words.some((word) => SHELLS.has(nameOf(word))));
    for (const { words, texts } of commands) {
      this.addCommand(words, isForShell);
      if (!isForShell || nesting === MAX_NESTING) continue;
      for (const text of texts) this.addAll(readCommandLine(text), nesting + 1);
    }
  }
}

const TOO_LONG: CommandTexts = { commands: [], views: [], isWhole: false };

const textsOf = (whole: string, line: CommandLine): CommandTexts => {
  const views = new Views();
  views.add(whole);
  views.addAll(line, 0);
  const sure = line.commands.filter(({ words }) => words.length > 0).map(({ words }) => oneLine(words.join(' ')));
  return { commands: sure, views: [...views.texts], isWhole: views.isWhole };
};

/** Of a command line for `sh`. */
export const commandLineTexts = (line: string): CommandTexts =>
  line.length > MAX_LINE_CHARS ? TOO_LONG : textsOf(line, readCommandLine(line));

/** Of a program and its arguments, which no shell reads. */
export const argvTexts = (argv: readonly string[]): CommandTexts => {
  if (argv.reduce((sum, word) => sum + word.length, 0) > MAX_ARGV_CHARS) return TOO_LONG;
  const texts = argv.filter((word) => /\s/.test(word));
  return textsOf(argv.join(' '), { commands: [{ words: argv, texts }], isWhole: true });
};
