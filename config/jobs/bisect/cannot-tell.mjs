/** What keeps the bisection from an answer, in one sentence for a person: where in this code it was noticed is of no use to them. */
export class CannotTell extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.stack = message;
  }
}
