/** Owns how a format is recognised by what a suite prints. */
import { GoJsonReader, tryParseGoEvent } from './go-json.mjs';
import { LIBTEST_LINE, LibtestReader } from './libtest.mjs';
import { TapReader } from './tap.mjs';

/** @typedef {import('../test-end.mjs').LineReader} LineReader */

/** @type {readonly [(line: string) => boolean, new (sink: import('../test-end.mjs').TestSink) => LineReader][]} */
const FORMATS = [
  [(line) => /^(?:TAP version 1\d|1\.\.\d+$|(?:not )?ok \d+\b|# Subtest: )/.test(line), TapReader],
  [(line) => tryParseGoEvent(line) !== undefined, GoJsonReader],
  [(line) => LIBTEST_LINE.test(line), LibtestReader],
];

/** @implements {LineReader} */
export class AutoReader {
  #sink;
  /** @type {LineReader | undefined} the first that was recognised stays */
  #reader;

  /** @param {import('../test-end.mjs').TestSink} sink */
  constructor(sink) {
    this.#sink = sink;
  }

  /** @param {string} line */
  line(line) {
    const Reader = this.#reader === undefined ? FORMATS.find(([isIt]) => isIt(line))?.[1] : undefined;
    if (Reader !== undefined) this.#reader = new Reader(this.#sink);
    return this.#reader === undefined ? line : this.#reader.line(line);
  }

  idle() {
    this.#reader?.idle?.();
  }

  end() {
    this.#reader?.end();
  }
}
