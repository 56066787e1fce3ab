/** Owns the reading of TAP, versions 12 to 14: subtests before their point or in braces after it, diagnostics in YAML. */
import { Outline } from '../outline.mjs';
import { definedOnly } from '../test-end.mjs';

const POINT = /^( *)(not )?ok\b(?: +\d+)?(?: +-)?(?: +(.*))?$/;
const SUBTEST = /^( *)# Subtest: (.*)$/;
const BLOCK = /^( *)---\s*$/;
const BAIL_OUT = /^ *Bail out!\s*(.*)$/;
const DIRECTIVE = /(?<!\\)#\s*(skip|todo)\S*\s*(.*)$/i;
const TIME = /\s*(?<!\\)#\s*time=([\d.]+)(ms|s)\s*$/;
const SUBTEST_INDENT = 4;
const MAX_INDENT = 100;
const MAX_BLOCK_LINES = 500;
const ENDS_IN_BRACE = /\s*\{$/;

/** @param {string} text */
const unescape = (text) => text.replaceAll(/\\([#\\])/g, '$1').trim();

/** @param {string} value a scalar of YAML */
const scalar = (value) => {
  const [, single, double] = /^(?:'(.*)'|"(.*)")$/s.exec(value.trim()) ?? [];
  return single?.replaceAll("''", "'") ?? double?.replaceAll(/\\(["\\])/g, '$1') ?? value.trim();
};

/** Fields of a block at its first level, a text of several lines included. @param {readonly string[]} lines */
const readBlock = (lines) => {
  /** @type {Map<string, string>} */
  const fields = new Map();
  let last = '';
  const indent = Math.min(...lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/)), MAX_INDENT);
  for (const line of lines.map((text) => text.slice(indent))) {
    const [, key, value = ''] = /^(\w[\w-]*):(?: +(.*))?$/.exec(line) ?? [];
    if (key !== undefined) {
      last = key;
      fields.set(key, /^[|>][+-]?$/.test(value) ? '' : scalar(value));
    } else {
      const before = fields.get(last) ?? '';
      fields.set(last, `${before}${before === '' ? '' : '\n'}${line.replace(/^ {2}/, '')}`);
    }
  }
  return fields;
};

/** @param {ReadonlyMap<string, string>} fields */
const errorOf = (fields) => {
  const parts = [fields.get('error') ?? fields.get('message'), fields.get('stack')];
  return parts.filter((part) => part !== undefined && part !== '').join('\n');
};

/** @param {ReadonlyMap<string, string>} fields */
const fileOf = (fields) => /^(.*?)(?::\d+)*$/.exec(fields.get('location') ?? fields.get('file') ?? '')?.[1];

/** @param {ReadonlyMap<string, string>} fields @param {RegExpExecArray | null} time */
const durationOf = (fields, time) => {
  if (time !== null) return Number(time[1]) * (time[2] === 's' ? 1000 : 1);
  const told = Number(fields.get('duration_ms') ?? NaN);
  return Number.isFinite(told) ? told : undefined;
};

/**
 * @typedef {object} Point
 * @property {number} depth
 * @property {boolean} isOk
 * @property {string} text
 * @property {string[]} block
 */

/** @typedef {import('../test-end.mjs').LineReader} LineReader */

/** @implements {LineReader} */
export class TapReader {
  #sink;
  #outline = new Outline();
  /** @type {Point | undefined} its diagnostics may follow */
  #point;
  /** @type {string | undefined} the indent of the diagnostics that are being read */
  #blockIndent;
  /** @type {Point[]} points whose subtests follow in braces */
  #open = [];

  /** @param {import('../test-end.mjs').TestSink} sink */
  constructor(sink) {
    this.#sink = sink;
  }

  /** @param {string} line */
  line(line) {
    if (this.#blockIndent === undefined) this.#take(line);
    else if (line.trimEnd() === `${this.#blockIndent}...`) this.#blockIndent = undefined;
    else if (this.#point !== undefined && this.#point.block.length < MAX_BLOCK_LINES)
      this.#point.block.push(line.slice(this.#blockIndent.length));
    return line;
  }

  /** Diagnostics come at once or not at all. */
  idle() {
    if (this.#blockIndent === undefined) this.#finish();
  }

  end() {
    this.#finish();
    for (const point of this.#open.splice(0).reverse()) this.#tell(point);
  }

  /** @param {string} line */
  #take(line) {
    const block = BLOCK.exec(line);
    if (block !== null && this.#point !== undefined) {
      [, this.#blockIndent] = block;
      return;
    }
    this.#finish();
    const subtest = SUBTEST.exec(line);
    const point = POINT.exec(line);
    const bail = BAIL_OUT.exec(line);
    if (subtest !== null) {
      this.#outline.start((subtest[1] ?? '').length / SUBTEST_INDENT, unescape(subtest[2] ?? ''));
    } else if (point !== null) {
      const [, indent = '', not, text = ''] = point;
      this.#point = { depth: Math.floor(indent.length / SUBTEST_INDENT), isOk: not === undefined, text, block: [] };
    } else if (line.trim() === '}') {
      const outer = this.#open.pop();
      if (outer !== undefined) this.#tell(outer);
    } else if (bail !== null) {
      this.#sink.test({ name: 'Bail out!', outcome: 'failed', error: bail[1] || 'the run was given up' });
    }
  }

  /** All of the point is read. */
  #finish() {
    const point = this.#point;
    this.#point = undefined;
    if (point === undefined) return;
    if (!ENDS_IN_BRACE.test(point.text)) {
      this.#tell(point);
      return;
    }
    point.text = point.text.replace(ENDS_IN_BRACE, '');
    this.#outline.start(point.depth, unescape(point.text.replace(TIME, '').replace(DIRECTIVE, '')));
    this.#open.push(point);
  }

  /** @param {Point} point */
  #tell({ depth, isOk, text, block }) {
    const time = TIME.exec(text);
    const plain = text.replace(TIME, '');
    const directive = DIRECTIVE.exec(plain);
    const outcome = directive !== null ? 'skipped' : isOk ? 'passed' : 'failed';
    const { isTest, suite } = this.#outline.end(depth, outcome === 'failed');
    if (!isTest) return;
    const fields = readBlock(block);
    this.#sink.test(
      definedOnly({
        name: unescape(plain.replace(DIRECTIVE, '')) || '(no name)',
        outcome,
        suite,
        file: fileOf(fields) || undefined,
        error: outcome === 'failed' ? errorOf(fields) || undefined : undefined,
        durationMs: durationOf(fields, time),
      }),
    );
  }
}
