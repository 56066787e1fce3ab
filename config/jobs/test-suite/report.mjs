/**
 * Owns what the pod is told of the tests: each a tool call, each file (or suite) a TASK, and the result in the end.
 *
 * T1. The suite never waits for the pod; where there is no pod the tests are counted all the same.
 */
import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { JOINT } from './test-end.mjs';

/** A TASK has a channel of its own on the bus: more than this many are not cheap. */
const MAX_TASKS = 200;
const MAX_NAME_CHARS = 250;
const MAX_ERROR_CHARS = 8_000;
const MAX_TOLD_ERROR_CHARS = 300;
const SLOWEST_COUNT = 5;
const MAX_FAILURES = 50;

/**
 * @typedef {object} Told a test in the result
 * @property {string} name
 * @property {string} [file]
 * @property {string} [suite]
 *
 * @typedef {object} SuiteResult
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {(Told & { duration_ms: number })[]} slowest
 * @property {(Told & { error: string })[]} failures at most 50
 */

/** @param {string} text */
const firstChars = (text) => stripVTControlCharacters(text).slice(0, MAX_NAME_CHARS).toWellFormed();

/** @typedef {import('./test-end.mjs').TestSink} TestSink */

/** @implements {TestSink} */
export class SuiteReport {
  #client;
  #cwd;
  /** All that was told so far, in order. @type {Promise<void>} */
  #told = Promise.resolve();
  /** @type {Map<string, { isOpen: boolean, failedCount: number }>} by file or suite */
  #groups = new Map();
  #counts = { passed: 0, failed: 0, skipped: 0 };
  /** @type {SuiteResult['slowest']} */
  #slowest = [];
  /** @type {SuiteResult['failures']} */
  #failures = [];

  /** @param {import('nika/client').PodClient} client with `failOpen` @param {string} cwd */
  constructor(client, cwd) {
    this.#client = client;
    this.#cwd = cwd;
  }

  get testCount() {
    const { passed, failed, skipped } = this.#counts;
    return passed + failed + skipped;
  }

  /** @param {import('./test-end.mjs').TestEnd} test */
  test = ({ name, file, suite, outcome, error = 'it failed', durationMs: exactMs }) => {
    const durationMs = exactMs === undefined ? undefined : Math.round(exactMs * 1000) / 1000;
    const shownFile = file === undefined ? undefined : this.#shown(file);
    const told = {
      name: firstChars(file !== undefined && name === file ? this.#shown(name) : name),
      ...(shownFile === undefined ? {} : { file: shownFile }),
      ...(suite === undefined ? {} : { suite: firstChars(suite) }),
    };
    this.#counts[outcome] += 1;
    const why = stripVTControlCharacters(error).slice(0, MAX_ERROR_CHARS).toWellFormed();
    if (outcome === 'failed' && this.#failures.length < MAX_FAILURES)
      this.#failures.push({ ...told, error: why.slice(0, MAX_TOLD_ERROR_CHARS) });
    if (durationMs !== undefined) this.#time({ ...told, duration_ms: durationMs });
    const task = this.#task(shownFile ?? suite?.split(JOINT)[0], outcome === 'failed');
    const call = {
      tool: 'test',
      input: told,
      ok: outcome !== 'failed',
      ...(outcome === 'failed' ? { error: why } : { response: { outcome } }),
      ...(durationMs === undefined ? {} : { duration_ms: durationMs }),
      ...(task === undefined ? {} : { task }),
    };
    this.#tell(() => this.#client.report(call));
  };

  /** @param {string} group */
  groupEnd = (group) => {
    const name = firstChars(this.#shown(group));
    const known = this.#groups.get(name);
    if (known?.isOpen !== true) return;
    known.isOpen = false;
    const { failedCount } = known;
    const how = failedCount === 0 ? {} : { summary: `${failedCount} ${failedCount === 1 ? 'test' : 'tests'} failed` };
    const outcome = failedCount === 0 ? 'completed' : 'failed';
    this.#tell(() => this.#client.endTask({ task: name, outcome, ...how }));
  };

  /** Tells the result; resolves when the pod has heard all. @returns {Promise<SuiteResult>} */
  async finish() {
    for (const name of this.#groups.keys()) this.groupEnd(name);
    const result = { ...this.#counts, slowest: this.#slowest, failures: this.#failures };
    this.#tell(() => this.#client.result(result));
    await this.#told;
    return result;
  }

  /** @param {string} text */
  note(text) {
    this.#tell(() => this.#client.note({ text, level: 'warn' }));
  }

  /** A path inside the folder, from there. @param {string} path */
  #shown(path) {
    if (!path.startsWith('/')) return path;
    const inside = relative(this.#cwd, path);
    return inside === '' || inside.startsWith('..') ? path : inside;
  }

  /** The TASK of a group, begun with its first test. @param {string | undefined} group @param {boolean} isFailed */
  #task(group, isFailed) {
    if (group === undefined || group === '') return undefined;
    const name = firstChars(group);
    const known = this.#groups.get(name);
    if (known === undefined) {
      if (this.#groups.size >= MAX_TASKS) return undefined;
      this.#groups.set(name, { isOpen: true, failedCount: isFailed ? 1 : 0 });
      this.#tell(() => this.#client.startTask(name));
      return name;
    }
    if (!known.isOpen) return undefined;
    if (isFailed) known.failedCount += 1;
    return name;
  }

  /** @param {SuiteResult['slowest'][number]} test */
  #time(test) {
    this.#slowest.push(test);
    this.#slowest.sort((a, b) => b.duration_ms - a.duration_ms);
    this.#slowest.length = Math.min(this.#slowest.length, SLOWEST_COUNT);
  }

  /** One after the other. @param {() => Promise<void>} tell */
  #tell(tell) {
    this.#told = this.#told.then(tell);
  }
}
