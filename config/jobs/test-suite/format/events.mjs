/** Owns what the reporters of `reporter/` write, and the reading of it: one JSON object per line. */
import { appendFileSync } from 'node:fs';

/** Where reporters write to; without it they keep quiet. */
export const EVENTS_VARIABLE = 'NIKA_TEST_EVENTS';

/**
 * @typedef {{ readonly test: import('../test-end.mjs').TestEnd } | { readonly groupEnd: string }} ReporterEvent
 */

/** For reporters: at once, so that it is told while the suite runs. @param {ReporterEvent} event */
export const tellEvent = (event) => {
  const path = process.env[EVENTS_VARIABLE];
  if (path === undefined) return;
  try {
    appendFileSync(path, `${JSON.stringify(event)}\n`);
  } catch {
    // the tests go on; that they were not told is seen in their count
  }
};

/** @typedef {import('../test-end.mjs').LineReader} LineReader */

/** @implements {LineReader} */
export class EventsReader {
  #sink;

  /** @param {import('../test-end.mjs').TestSink} sink */
  constructor(sink) {
    this.#sink = sink;
  }

  /** @param {string} line */
  line(line) {
    /** @type {ReporterEvent} */
    const event = JSON.parse(line);
    if ('test' in event) this.#sink.test(event.test);
    else this.#sink.groupEnd(event.groupEnd);
    return undefined;
  }

  end() {
    // every line is whole
  }
}
