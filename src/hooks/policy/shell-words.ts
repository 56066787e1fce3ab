/**
 * Owns how a command line is read into simple commands, each a list of words without their quotes, as `sh` would before it
 * expands anything. It reads what a policy has to see, not the whole language. Pure, linear, never throws.
 *
 * W1. What it cannot read hides nothing: the rest behind an open quote, or nested too deeply, is cut up crudely instead.
 */

export interface ShellCommand {
  readonly words: readonly string[];
  /** Words that hold blanks; of no words: a here-document. They are command lines themselves, if a shell is given them. */
  readonly texts: readonly string[];
}

export interface CommandLine {
  readonly commands: readonly ShellCommand[];
  /** False: it is too tangled to be read to its end. */
  readonly isWhole: boolean;
}

type End = ')' | '`' | undefined;

const MAX_DEPTH = 50;
/** Each cuts up the rest of the text. */
const MAX_CUTS = 4;
const SEPARATORS = new Set([';', '&', '|', '\n']);
const BLANK = /[ \t\r]/;
const IFS = /\$(?:IFS\b|\{IFS\})/y;
const HERE = /<<(?!<)-?[ \t]*(['"]?)([^\s'"<>;&|()]{1,100})\1/y;
const BRACES = /^\{[^{}]*,[^{}]*\}$/;

/** The command that is being read. */
class Frame {
  words: string[] = [];
  texts: string[] = [];
  word: string | undefined;
  isQuoted = false;

  add(text: string): void {
    this.word = (this.word ?? '') + text;
  }

  endWord(): void {
    const { word } = this;
    if (word === undefined) return;
    if (!this.isQuoted && BRACES.test(word)) this.words.push(...word.slice(1, -1).split(','));
    else this.words.push(word);
    if (/\s/.test(word)) this.texts.push(word);
    this.word = undefined;
    this.isQuoted = false;
  }
}

class Reader {
  readonly commands: ShellCommand[] = [];
  readonly #text: string;
  #at = 0;
  #depth = 0;
  #cuts = 0;
  /** Of the here-documents that begin at the next newline. */
  readonly #hereEnds: string[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  get isWhole(): boolean {
    return this.#cuts <= MAX_CUTS;
  }

  /** Commands up to `end`, which is passed over, or to the end of the text. */
  list(end: End): void {
    if (this.#depth > MAX_DEPTH) return this.#crude(this.#at);
    this.#depth += 1;
    let frame = new Frame();
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at] ?? '';
      if (char === end) {
        this.#at += 1;
        break;
      }
      if (SEPARATORS.has(char) || '()'.includes(char)) frame = this.#between(frame, char);
      else this.#step(frame, char);
    }
    this.#end(frame);
    this.#depth -= 1;
  }

  #step(frame: Frame, char: string): void {
    const next = this.#text[this.#at + 1] ?? '';
    if (char === '\\') {
      if (next !== '\n') frame.add(next);
      this.#at += 2;
    } else if (char === "'") this.#single(frame);
    else if (char === '"') this.#double(frame);
    else if (char === '`') this.#nested(frame, '`', 1);
    else if (char === '$' && next === '(') this.#nested(frame, ')', 2);
    else if (char === '$' && `'"`.includes(next)) this.#at += 1; // $'…' and $"…"
    else if (char === '#' && frame.word === undefined) this.#skipLine();
    else if (BLANK.test(char) || this.#matches(IFS) !== undefined) {
      frame.endWord();
      this.#at += BLANK.test(char) ? 1 : (this.#matches(IFS)?.[0].length ?? 1);
    } else if (char === '<' && next === '<') this.#hereStart(frame);
    else {
      frame.add(char);
      this.#at += 1;
    }
  }

  /** At what stands between commands: `2>&1` and `&>file` do not. */
  #between(frame: Frame, char: string): Frame {
    const isRedirect = char === '&' && (frame.word?.endsWith('>') === true || this.#text[this.#at + 1] === '>');
    this.#at += 1;
    if (isRedirect) {
      frame.add(char);
      return frame;
    }
    this.#end(frame);
    if (char === '\n') for (const end of this.#hereEnds.splice(0)) this.#hereBody(end);
    if (char === '(') this.list(')');
    return new Frame();
  }

  #end(frame: Frame): void {
    frame.endWord();
    if (frame.words.length > 0) this.commands.push({ words: frame.words, texts: frame.texts });
  }

  /** `$(…)` or `` `…` ``: commands of their own, and text of the word they stand in. */
  #nested(frame: Frame, end: End, skip: number): void {
    const start = this.#at;
    this.#at += skip;
    this.list(end);
    frame.add(this.#text.slice(start, this.#at));
  }

  #single(frame: Frame): void {
    const end = this.#text.indexOf("'", this.#at + 1);
    if (end === -1) return this.#crude(this.#at);
    frame.add(this.#text.slice(this.#at + 1, end));
    frame.isQuoted = true;
    this.#at = end + 1;
  }

  #double(frame: Frame): void {
    const start = this.#at;
    this.#at += 1;
    frame.add('');
    frame.isQuoted = true;
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at] ?? '';
      const next = this.#text[this.#at + 1] ?? '';
      if (char === '"') {
        this.#at += 1;
        return;
      }
      if (char === '`') this.#nested(frame, '`', 1);
      else if (char === '$' && next === '(') this.#nested(frame, ')', 2);
      else {
        const isEscape = char === '\\' && '\\"$`\n'.includes(next) && next !== '';
        frame.add(isEscape ? next.trim() : char);
        this.#at += isEscape ? 2 : 1;
      }
    }
    this.#crude(start);
  }

  #skipLine(): void {
    const end = this.#text.indexOf('\n', this.#at);
    this.#at = end === -1 ? this.#text.length : end;
  }

  #matches(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text) ?? undefined;
  }

  /** `<<EOF`, `<<-'EOF'`; `<<<` is given a word. */
  #hereStart(frame: Frame): void {
    const match = this.#matches(HERE);
    frame.endWord();
    this.#at += match?.[0].length ?? (this.#text.startsWith('<<<', this.#at) ? 3 : 2);
    if (match?.[2] !== undefined) this.#hereEnds.push(match[2].replaceAll('\\', ''));
  }

  #hereBody(end: string): void {
    const lines: string[] = [];
    while (this.#at < this.#text.length) {
      const start = this.#at;
      this.#skipLine();
      const line = this.#text.slice(start, this.#at);
      this.#at += 1;
      if (line.replace(/^\t+/, '') === end) break;
      lines.push(line);
    }
    const body = lines.join('\n');
    this.commands.push({ words: [], texts: [body] });
    if (/\$\(|`/.test(body)) this.#guess(body.slice(body.search(/\$\(|`/)));
  }

  /** The rest of the text, however it was meant (W1). */
  #crude(from: number): void {
    this.#cuts += 1;
    if (this.isWhole) this.#guess(this.#text.slice(from));
    this.#at = this.#text.length;
  }

  #guess(text: string): void {
    for (const part of text.split(/[;&|()`\n]+/)) {
      const words = part
        .replaceAll(/['"\\$]/g, '')
        .split(/\s+/)
        .filter((word) => word !== '');
      if (words.length > 0) this.commands.push({ words, texts: [] });
    }
  }
}

/** The simple commands of a command line, those within `$(…)`, `` `…` `` and `(…)` too. */
export const readCommandLine = (text: string): CommandLine => {
  const reader = new Reader(text);
  reader.list(undefined);
  return { commands: reader.commands, isWhole: reader.isWhole };
};
