/** Owns what is told of a test, whatever it was written in. */

/**
 * @typedef {object} TestEnd
 * @property {string} name
 * @property {'passed' | 'failed' | 'skipped'} outcome
 * @property {string} [suite] what it is part of; names within each other joined by " > "
 * @property {string} [file]
 * @property {string} [error] of one that failed
 * @property {number} [durationMs]
 *
 * Where tests are handed to as they are read.
 * @typedef {object} TestSink
 * @property {(test: TestEnd) => void} test
 * @property {(group: string) => void} groupEnd no more comes of this file or suite
 *
 * Reads tests from what a suite prints, line by line.
 * @typedef {object} LineReader
 * @property {(line: string) => string | undefined} line what is to be shown of it; `undefined`: nothing
 * @property {() => void} [idle] told when nothing has come for a while
 * @property {() => void} end
 */

export const JOINT = ' > ';

/** The fields of a test that are there. @param {{ [K in keyof TestEnd]-?: TestEnd[K] | undefined }} test @returns {TestEnd} */
export const definedOnly = (test) =>
  /** @type {TestEnd} */ (Object.fromEntries(Object.entries(test).filter(([, value]) => value !== undefined)));
