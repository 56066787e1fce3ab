/** Owns a text that is never shown: a password, a token. Whatever prints, logs or serialises it gets a mark instead. */
import { inspect } from 'node:util';

const MARK = '[secret]';

/** Only {@link reveal} gives the text; JSON, templates, `console.log` and a structured clone do not. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** For the one call that needs it; what comes out must not be kept. */
  reveal(): string {
    return this.#text;
  }

  /** Other people's text, such as a server's error, without this secret in it. */
  takenOutOf(text: string): string {
    return this.#text === '' ? text : text.replaceAll(this.#text, MARK);
  }

  toString(): string {
    return MARK;
  }

  toJSON(): string {
    return MARK;
  }

  [inspect.custom](): string {
    return MARK;
  }
}
