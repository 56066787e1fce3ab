/** A reporter for Jest that tells of each test as it ends. What people see is another reporter's. */
import { tellEvent } from '../format/events.mjs';
import { definedOnly, JOINT } from '../test-end.mjs';

/**
 * What is used of Jest's own objects.
 * @typedef {object} JestCase
 * @property {string} title
 * @property {readonly string[]} ancestorTitles
 * @property {string} status
 * @property {number | null} [duration]
 * @property {readonly string[]} failureMessages
 *
 * @typedef {object} JestFile
 * @property {readonly JestCase[]} testResults
 * @property {{ readonly message?: string, readonly stack?: string } | null} [testExecError]
 * @property {string | null} [failureMessage]
 */

/** @param {string} path @param {JestCase} test */
const keyOf = (path, { ancestorTitles, title }) => [path, ...ancestorTitles, title].join('\0');

export default class NikaReporter {
  /** Tests that were told one by one. A runner that cannot do that tells them at the end of the file. @type {Set<string>} */
  #told = new Set();

  /** @param {{ readonly path: string }} file @param {JestCase} test */
  onTestCaseResult({ path }, test) {
    this.#told.add(keyOf(path, test));
    this.#tell(path, test);
  }

  /** @param {{ readonly path: string }} file @param {JestFile} result */
  onTestResult({ path }, { testResults, testExecError, failureMessage }) {
    for (const test of testResults) if (!this.#told.has(keyOf(path, test))) this.#tell(path, test);
    if (testExecError !== undefined && testExecError !== null) {
      const error = failureMessage ?? testExecError.stack ?? testExecError.message ?? 'the file could not be run';
      tellEvent({ test: { name: path, file: path, outcome: 'failed', error } });
    }
    tellEvent({ groupEnd: path });
  }

  /** @param {string} file @param {JestCase} test */
  #tell(file, { title, ancestorTitles, status, duration, failureMessages }) {
    tellEvent({
      test: definedOnly({
        name: title,
        file,
        outcome: status === 'failed' ? 'failed' : status === 'passed' ? 'passed' : 'skipped',
        suite: ancestorTitles.length === 0 ? undefined : ancestorTitles.join(JOINT),
        durationMs: duration ?? undefined,
        error: status === 'failed' ? failureMessages.join('\n\n') : undefined,
      }),
    });
  }
}
