/** Owns the reading of `go test -json`: an event per line; what the tests print is in it, and is what people are shown. */
import { Outline } from '../outline.mjs';

const MAX_OUTPUT_CHARS = 16 * 1024;

/**
 * @typedef {object} GoEvent
 * @property {string} Action
 * @property {string} [Package]
 * @property {string} [ImportPath] of a build
 * @property {string} [Test]
 * @property {string} [Output]
 * @property {number} [Elapsed] seconds
 */

const OUTCOMES = /** @type {const} */ ({ pass: 'passed', fail: 'failed', skip: 'skipped' });

/** @param {string} line @returns {GoEvent | undefined} */
export const tryParseGoEvent = (line) => {
  if (!line.startsWith('{')) return undefined;
  try {
    const event = JSON.parse(line);
    return typeof event.Action === 'string' ? event : undefined;
  } catch {
    return undefined;
  }
};

/** @typedef {import('../test-end.mjs').LineReader} LineReader */

/** @implements {LineReader} */
export class GoJsonReader {
  #sink;
  /** @type {Map<string, string>} what was printed, by package and test */
  #output = new Map();
  /** @type {Map<string, { outline: Outline, failedCount: number }>} by package: they run side by side */
  #packages = new Map();

  /** @param {import('../test-end.mjs').TestSink} sink */
  constructor(sink) {
    this.#sink = sink;
  }

  /** @param {string} line */
  line(line) {
    const event = tryParseGoEvent(line);
    if (event === undefined) return line;
    const { Action: action, Test: test, Output: output, ImportPath: built } = event;
    const pack = event.Package ?? built?.split(' ')[0] ?? '';
    if (output !== undefined) this.#keep(`${pack} ${test ?? ''}`, output);
    if (action === 'pass' || action === 'fail' || action === 'skip') {
      if (test === undefined) this.#packageEnd(pack, action);
      else this.#testEnd(pack, test, { outcome: OUTCOMES[action], seconds: event.Elapsed ?? 0 });
    }
    return output?.replace(/\n$/, '');
  }

  end() {
    this.#output.clear();
  }

  /** @param {string} key @param {string} text */
  #keep(key, text) {
    this.#output.set(key, ((this.#output.get(key) ?? '') + text).slice(-MAX_OUTPUT_CHARS));
  }

  /** @param {string} pack */
  #package(pack) {
    const known = this.#packages.get(pack) ?? { outline: new Outline(), failedCount: 0 };
    this.#packages.set(pack, known);
    return known;
  }

  /** @param {string} pack @param {string} test @param {{ outcome: 'passed' | 'failed' | 'skipped', seconds: number }} end */
  #testEnd(pack, test, { outcome, seconds }) {
    const known = this.#package(pack);
    const isFailed = outcome === 'failed';
    if (isFailed) known.failedCount += 1;
    const { isTest } = known.outline.end(test.split('/').length - 1, isFailed);
    const error = this.#output.get(`${pack} ${test}`) ?? 'failed';
    this.#output.delete(`${pack} ${test}`);
    if (!isTest) return;
    const durationMs = Math.round(seconds * 1000);
    this.#sink.test({ name: test, suite: pack, outcome, durationMs, ...(isFailed ? { error: error.trim() } : {}) });
  }

  /** One that could not be built, or whose program died, has failed though none of its tests did. @param {string} pack @param {'pass' | 'fail' | 'skip'} action */
  #packageEnd(pack, action) {
    if (action === 'fail' && this.#package(pack).failedCount === 0) {
      const said = this.#output.get(`${pack} `)?.trim();
      this.#sink.test({ name: pack, suite: pack, outcome: 'failed', error: said ?? 'the package failed' });
    }
    this.#output.delete(`${pack} `);
    this.#sink.groupEnd(pack);
  }
}
