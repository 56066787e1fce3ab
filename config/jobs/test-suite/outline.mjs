/**
 * Owns which of the points that a runner tells are tests, where tests have tests in them: the inner ones are told before
 * the outer one ends. A point with others in it is a test only where it failed though none of them did.
 */
import { JOINT } from './test-end.mjs';

export class Outline {
  /** @type {(string | undefined)[]} names of what is under way, by depth */
  #names = [];
  /** @type {({ failedCount: number } | undefined)[]} points that ended, by depth, since the one around them began */
  #ended = [];

  /** A point begins. @param {number} depth from 0 @param {string} name */
  start(depth, name) {
    this.#names.length = depth;
    this.#names.push(name);
  }

  /**
   * A point ends.
   * @param {number} depth
   * @param {boolean} isFailed
   * @returns {{ isTest: boolean, suite: string | undefined }}
   */
  end(depth, isFailed) {
    const inner = this.#ended[depth + 1];
    this.#ended.length = depth + 1;
    const { failedCount } = this.#ended[depth] ?? { failedCount: 0 };
    this.#ended[depth] = { failedCount: failedCount + (isFailed ? 1 : 0) };
    const around = this.#names.slice(0, depth).filter((name) => name !== undefined);
    this.#names.length = depth;
    const isTest = inner === undefined || (isFailed && inner.failedCount === 0);
    return { isTest, suite: around.length === 0 ? undefined : around.join(JOINT) };
  }
}
