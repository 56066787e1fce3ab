/** Owns the reading of what `cargo test` prints; why a test failed comes behind the list, so those wait for it. */
import { definedOnly } from '../test-end.mjs';

export const LIBTEST_LINE = /^test (.+?)(?: - should panic)? \.\.\. (ok|FAILED|ignored)\b(?:, (.*))?/;
const SECTION = /^---- (.+) stdout ----$/;
const MAX_LINES = 200;

/** @typedef {import('../test-end.mjs').LineReader} LineReader */

/** @implements {LineReader} */
export class LibtestReader {
  #sink;
  /** @type {Map<string, string[]>} tests that failed, with what they printed */
  #failed = new Map();
  /** @type {string[] | undefined} the section that is being read */
  #section;

  /** @param {import('../test-end.mjs').TestSink} sink */
  constructor(sink) {
    this.#sink = sink;
  }

  /** @param {string} line */
  line(line) {
    const [, name, word] = LIBTEST_LINE.exec(line) ?? [];
    const [, title] = SECTION.exec(line) ?? [];
    if (name !== undefined && word === 'FAILED') this.#failed.set(name, []);
    else if (name !== undefined) this.#tell(name, word === 'ok' ? 'passed' : 'skipped');
    else if (title !== undefined) this.#section = this.#failed.get(title);
    else if (/^(?:failures:|test result: )/.test(line)) this.#section = undefined;
    else if (this.#section !== undefined && this.#section.length < MAX_LINES) this.#section.push(line);
    if (line.startsWith('test result: ')) this.end();
    return line;
  }

  end() {
    for (const [name, lines] of this.#failed) this.#tell(name, 'failed', lines.join('\n').trim());
    this.#failed.clear();
  }

  /** @param {string} name @param {'passed' | 'failed' | 'skipped'} outcome @param {string} [error] */
  #tell(name, outcome, error) {
    const at = name.lastIndexOf('::');
    const suite = at < 0 ? undefined : name.slice(0, at);
    this.#sink.test(definedOnly({ name, outcome, suite, error, file: undefined, durationMs: undefined }));
  }
}
