/**
 * Owns reading TOML far enough for manifests and lock files. It is lenient: what it does not understand is skipped to the
 * end of its line, and nothing throws. Numbers and dates stay text.
 */

/**
 * @typedef {string | boolean | TomlArray | TomlTable} TomlValue
 * @typedef {TomlValue[]} TomlArray
 * @typedef {{ [key: string]: TomlValue }} TomlTable
 */

const MAX_DEPTH = 32;

/** @returns {TomlTable} without a prototype: a key may be `__proto__` */
const createTable = () => Object.create(null);

/** @param {TomlValue | undefined} value @returns {value is TomlTable} */
export const isTable = (value) => typeof value === 'object' && !Array.isArray(value);

/** @param {TomlValue | undefined} value @returns {TomlTable} an empty one where there is none */
export const tableOf = (value) => (isTable(value) ? value : createTable());

/** @param {TomlValue | undefined} value @returns {TomlArray} */
export const arrayOf = (value) => (Array.isArray(value) ? value : []);

/** @param {TomlValue | undefined} value @returns {string | undefined} */
export const textOf = (value) => (typeof value === 'string' ? value : undefined);

/** @type {Readonly<Record<string, string>>} */
const ESCAPES = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', e: '\u001b' };

class TomlReader {
  #text;
  #at = 0;

  /** @param {string} text */
  constructor(text) {
    this.#text = text;
  }

  read() {
    const root = createTable();
    let table = root;
    for (this.#skipBlank(); this.#at < this.#text.length; this.#skipBlank()) {
      if (this.#peek() === '[') table = this.#readHeader(root);
      else this.#readPair(table, 0);
      this.#skipLine();
    }
    return root;
  }

  #peek() {
    return this.#text[this.#at] ?? '';
  }

  /** Blanks, line feeds and comments. */
  #skipBlank() {
    for (;;) {
      const char = this.#peek();
      if (char === '#') this.#skipLine();
      else if (char !== '' && /\s/.test(char)) this.#at += 1;
      else return;
    }
  }

  #skipSpaces() {
    while (this.#peek() === ' ' || this.#peek() === '\t') this.#at += 1;
  }

  #skipLine() {
    const end = this.#text.indexOf('\n', this.#at);
    this.#at = end < 0 ? this.#text.length : end + 1;
  }

  /** `[a.b]` or `[[a.b]]`. @param {TomlTable} root */
  #readHeader(root) {
    const isArray = this.#text.startsWith('[[', this.#at);
    this.#at += isArray ? 2 : 1;
    const keys = this.#readKey();
    const last = keys.pop() ?? '';
    const parent = descend(root, keys);
    if (!isArray) return descend(parent, [last]);
    const table = createTable();
    const list = parent[last];
    if (Array.isArray(list)) list.push(table);
    else parent[last] = [table];
    return table;
  }

  /** @returns {string[]} the parts of a dotted key */
  #readKey() {
    /** @type {string[]} */
    const parts = [];
    for (;;) {
      this.#skipSpaces();
      const char = this.#peek();
      parts.push(char === '"' || char === "'" ? this.#readString(char) : this.#readWhile(/[\w-]/));
      this.#skipSpaces();
      if (this.#peek() !== '.') return parts;
      this.#at += 1;
    }
  }

  /** @param {RegExp} allowed of one character */
  #readWhile(allowed) {
    const from = this.#at;
    while (this.#at < this.#text.length && allowed.test(this.#peek())) this.#at += 1;
    return this.#text.slice(from, this.#at);
  }

  /** @param {TomlTable} table @param {number} depth */
  #readPair(table, depth) {
    const keys = this.#readKey();
    if (this.#peek() !== '=') return;
    this.#at += 1;
    const last = keys.pop() ?? '';
    descend(table, keys)[last] = this.#readValue(depth);
  }

  /** @param {number} depth @returns {TomlValue} */
  #readValue(depth) {
    this.#skipSpaces();
    const char = this.#peek();
    if (char === '"' || char === "'") return this.#readString(char);
    if (char === '[' && depth < MAX_DEPTH) return this.#readArray(depth + 1);
    if (char === '{' && depth < MAX_DEPTH) return this.#readInlineTable(depth + 1);
    const word = this.#readWhile(/[^\s,\]}#]/);
    return word === 'true' || word === 'false' ? word === 'true' : word;
  }

  /** @param {number} depth */
  #readArray(depth) {
    /** @type {TomlArray} */
    const list = [];
    this.#at += 1;
    for (;;) {
      this.#skipBlank();
      const char = this.#peek();
      if (char === ']') this.#at += 1;
      if (char === ']' || char === '') return list;
      const before = this.#at;
      if (char === ',') this.#at += 1;
      else list.push(this.#readValue(depth));
      if (this.#at === before) this.#at += 1; // no value: never stand still
    }
  }

  /** @param {number} depth */
  #readInlineTable(depth) {
    const table = createTable();
    this.#at += 1;
    for (;;) {
      this.#skipBlank();
      const char = this.#peek();
      if (char === '}') this.#at += 1;
      if (char === '}' || char === '') return table;
      const before = this.#at;
      if (char === ',') this.#at += 1;
      else this.#readPair(table, depth);
      if (this.#at === before) this.#at += 1;
    }
  }

  /** @param {'"' | "'"} quote */
  #readString(quote) {
    const isLong = this.#text.startsWith(quote.repeat(3), this.#at);
    const end = isLong ? quote.repeat(3) : quote;
    this.#at += end.length;
    let text = '';
    while (this.#at < this.#text.length && !this.#text.startsWith(end, this.#at)) {
      const char = this.#peek();
      if (!isLong && char === '\n') return text; // not closed
      this.#at += 1;
      text += quote === '"' && char === '\\' ? this.#readEscape() : char;
    }
    this.#at += end.length;
    return text;
  }

  #readEscape() {
    const char = this.#peek();
    this.#at += 1;
    if (char !== 'u' && char !== 'U') return ESCAPES[char] ?? char;
    const digits = char === 'u' ? 4 : 8;
    const code = Number.parseInt(this.#text.slice(this.#at, this.#at + digits), 16);
    this.#at += digits;
    return code >= 0 && code <= 0x10_ff_ff ? String.fromCodePoint(code) : '\ufffd';
  }
}

/** The table under these keys, made where it is missing; of an array of tables the last. @param {TomlTable} from @param {string[]} keys */
const descend = (from, keys) => {
  let table = from;
  for (const key of keys) {
    const found = table[key];
    const inner = Array.isArray(found) ? found.at(-1) : found;
    if (isTable(inner)) table = inner;
    else table = table[key] = createTable();
  }
  return table;
};

/** @param {string} text */
export const readToml = (text) => new TomlReader(text).read();
