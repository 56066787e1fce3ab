/** Owns the reading of JUnit XML as the many programs write it that say they do. */
import { definedOnly } from '../test-end.mjs';

const TOKEN =
  /<!--[\s\S]*?-->|<!\[CDATA\[([\s\S]*?)\]\]>|<\?[\s\S]*?\?>|<![^>]*>|<\/([^\s>]+)\s*>|<([^\s/>]+)((?:[^>"']|"[^"]*"|'[^']*')*?)(\/?)>|([^<]+)/g;
const ATTRIBUTE = /([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
const ENTITIES = /** @type {Record<string, string>} */ ({ amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" });
const MAX_CODE_POINT = 0x10ffff;

/** @param {string} text */
const decode = (text) =>
  text.replaceAll(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    const point = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return point <= MAX_CODE_POINT ? String.fromCodePoint(point) : whole;
  });

/** @param {string} text */
const readAttributes = (text) =>
  new Map(
    Array.from(
      text.matchAll(ATTRIBUTE),
      ([, name = '', one, other]) => /** @type {const} */ ([name, decode(one ?? other ?? '')]),
    ),
  );

/** @typedef {import('../test-end.mjs').TestEnd} TestEnd */

const WHY = ['failure', 'error', 'rerunFailure'];

class JunitDocument {
  /** @type {TestEnd[]} */
  tests = [];
  /** @type {{ name: string, file: string | undefined }[]} */
  #suites = [];
  /** @type {TestEnd | undefined} */
  #test;
  /** @type {string | undefined} the element whose text is why the test failed */
  #why;

  /** @param {string} name @param {ReadonlyMap<string, string>} attributes */
  open(name, attributes) {
    if (name === 'testsuite') this.#suites.push({ name: attributes.get('name') ?? '', file: attributes.get('file') });
    else if (name === 'testcase') this.#test = this.#begin(attributes);
    else if (this.#test === undefined) return;
    else if (WHY.includes(name)) {
      this.#test.outcome = 'failed';
      this.#why = name;
      const told = [this.#test.error, attributes.get('message') ?? attributes.get('type')];
      this.#test.error = told.filter(Boolean).join('\n');
    } else if (name === 'skipped' || name === 'disabled') this.#test.outcome = 'skipped';
  }

  /** @param {string} text */
  text(text) {
    if (this.#why === undefined || this.#test === undefined || text.trim() === '') return;
    const { error = '' } = this.#test;
    const said = text.trim();
    // Many say the message once more at the beginning of the text.
    this.#test.error = error === '' || said.startsWith(error) ? said : `${error}\n${said}`;
  }

  /** @param {string} name */
  close(name) {
    if (name === this.#why) this.#why = undefined;
    else if (name === 'testsuite') this.#suites.pop();
    else if (name === 'testcase' && this.#test !== undefined) {
      this.tests.push(this.#test);
      this.#test = undefined;
    }
  }

  /** @param {ReadonlyMap<string, string>} attributes @returns {TestEnd} */
  #begin(attributes) {
    const around = this.#suites.at(-1);
    const suite = attributes.get('classname') || around?.name;
    const file = attributes.get('file') ?? around?.file;
    const seconds = Number((attributes.get('time') ?? '').replaceAll(',', '') || NaN);
    return definedOnly({
      name: attributes.get('name') ?? '(no name)',
      outcome: attributes.get('status') === 'notrun' ? 'skipped' : 'passed',
      suite: suite || undefined,
      file: file || undefined,
      durationMs: Number.isFinite(seconds) ? Math.round(seconds * 1e6) / 1000 : undefined,
      error: undefined,
    });
  }
}

/** The tests of a document; of one that is cut off, those before that. @param {string} xml */
export const readJunit = (xml) => {
  const document = new JunitDocument();
  for (const [, cdata, closed, opened, attributes = '', slash, text] of xml.matchAll(TOKEN)) {
    if (cdata !== undefined) document.text(cdata);
    else if (closed !== undefined) document.close(closed);
    else if (opened !== undefined) {
      document.open(opened, readAttributes(attributes));
      if (slash === '/') document.close(opened);
    } else if (text !== undefined) document.text(decode(text));
  }
  return document.tests;
};
