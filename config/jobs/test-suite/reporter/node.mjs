/** A reporter for `node --test` that tells of each test as it ends. What people see is another reporter's. */
import { tellEvent } from '../format/events.mjs';
import { Outline } from '../outline.mjs';
import { definedOnly } from '../test-end.mjs';

/** @typedef {import('node:test').EventData.TestPass | import('node:test').EventData.TestFail} Ended */

/** @param {Ended} data */
const errorOf = ({ details }) => {
  const { error } = /** @type {{ error?: Error & { cause?: unknown } }} */ (details);
  const cause = error?.cause instanceof Error ? error.cause : error;
  return cause?.stack ?? cause?.message ?? 'it failed';
};

/** @param {AsyncIterable<import('node:test/reporters').TestEvent>} source */
export default async function* report(source) {
  /** @type {Map<string, Outline>} by file */
  const outlines = new Map();
  /** @param {string | undefined} file */
  const outlineOf = (file = '') => {
    const outline = outlines.get(file) ?? new Outline();
    outlines.set(file, outline);
    return outline;
  };
  for await (const { type, data } of source) {
    if (type === 'test:start') outlineOf(data.file).start(data.nesting, data.name);
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const isSkipped = Boolean(data.skip ?? data.todo);
    const isFailed = type === 'test:fail' && !isSkipped;
    const { isTest, suite } = outlineOf(data.file).end(data.nesting, isFailed);
    const isEmptySuite = data.details.type === 'suite' && !isFailed;
    if (!isTest || isEmptySuite) continue;
    const { name, file, details } = data;
    const test = definedOnly({
      name,
      outcome: isSkipped ? 'skipped' : isFailed ? 'failed' : 'passed',
      durationMs: details.duration_ms,
      suite,
      file,
      error: isFailed ? errorOf(data) : undefined,
    });
    tellEvent({ test });
  }
  yield '';
}
