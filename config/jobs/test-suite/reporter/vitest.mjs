/** A reporter for Vitest (3 and later) that tells of each test as it ends. What people see is another reporter's. */
import { tellEvent } from '../format/events.mjs';
import { definedOnly, JOINT } from '../test-end.mjs';

/**
 * What is used of Vitest's own objects.
 * @typedef {{ readonly message?: string, readonly stack?: string }} VitestError
 * @typedef {object} VitestModule
 * @property {'module'} type
 * @property {string} moduleId
 * @property {() => readonly VitestError[]} errors
 *
 * @typedef {object} VitestCase
 * @property {string} name
 * @property {string} fullName
 * @property {VitestModule} module
 * @property {() => { readonly state: string, readonly errors?: readonly VitestError[] }} result
 * @property {() => { readonly duration: number } | undefined} diagnostic
 */

/** @param {readonly VitestError[]} errors */
const text = (errors) => errors.map(({ stack, message }) => stack ?? message ?? 'it failed').join('\n\n');

export default class NikaReporter {
  /** @param {VitestCase} test */
  onTestCaseResult(test) {
    const { state, errors = [] } = test.result();
    const around = test.fullName.slice(0, -(test.name.length + JOINT.length));
    tellEvent({
      test: definedOnly({
        name: test.name,
        outcome: state === 'failed' ? 'failed' : state === 'passed' ? 'passed' : 'skipped',
        file: test.module.moduleId,
        suite: around === '' ? undefined : around,
        durationMs: test.diagnostic()?.duration,
        error: state === 'failed' ? text(errors) : undefined,
      }),
    });
  }

  /** @param {VitestModule} module */
  onTestModuleEnd(module) {
    const file = module.moduleId;
    const errors = module.errors();
    if (errors.length > 0) tellEvent({ test: { name: file, file, outcome: 'failed', error: text(errors) } });
    tellEvent({ groupEnd: file });
  }
}
