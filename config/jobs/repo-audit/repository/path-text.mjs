/** Owns how names of files, which are bytes, become text that is safe to show: on a terminal, in a table, in JSON. */

const MAX_CHARS = 160;

/** Control characters, and those that are invisible or turn the direction of the text around them. */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;

/** Whether a name holds characters that are not seen, or turn the direction of others. @param {string} bytes */
export const hasInvisible = (bytes) =>
  /[\x80-\xff]/.test(bytes) && Buffer.from(bytes, 'latin1').toString('utf8').search(UNSAFE) >= 0;

/** @type {Readonly<Record<string, string>>} */
const SHORT_ESCAPES = { '\n': String.raw`\n`, '\r': String.raw`\r`, '\t': String.raw`\t` };

/** @param {string} char */
const escapeChar = (char) => {
  const code = char.codePointAt(0) ?? 0;
  return SHORT_ESCAPES[char] ?? (code < 256 ? `\\x${hex(code, 2)}` : `\\u{${hex(code, 4)}}`);
};

/** @param {number} code @param {number} digits */
const hex = (code, digits) => code.toString(16).padStart(digits, '0');

/**
 * Any text on one line, without control characters, of at most `maxChars` characters.
 * @param {string} text
 * @param {number} [maxChars]
 */
export const plainText = (text, maxChars = MAX_CHARS) => {
  const plain = text
    .slice(0, maxChars * 8)
    .toWellFormed()
    .replace(UNSAFE, escapeChar);
  return cutMiddle(plain, maxChars);
};

/** @param {string} text @param {number} maxChars */
const cutMiddle = (text, maxChars) => {
  const chars = Array.from(text);
  if (chars.length <= maxChars) return text;
  const tail = Math.floor(maxChars / 3);
  return `${chars.slice(0, maxChars - tail - 1).join('')}…${chars.slice(-tail).join('')}`;
};

/**
 * A name as git and the file system have it (a string of bytes, latin1) as text; bytes that are no UTF-8 as `\xNN`.
 * @param {string} bytes
 * @param {number} [maxChars]
 */
export const showPath = (bytes, maxChars = MAX_CHARS) => {
  const text = Buffer.from(bytes, 'latin1').toString('utf8');
  if (!text.includes('\ufffd')) return plainText(text, maxChars);
  return plainText(
    bytes.replace(/[\x80-\xff]/g, (byte) => `\\x${hex(byte.charCodeAt(0), 2)}`),
    maxChars,
  );
};

/**
 * What `fs` takes for a file under `root`: text where all is ASCII, else bytes.
 * @param {string} root
 * @param {string} path a string of bytes
 */
// oxlint-disable-next-line no-control-regex -- the question is just that: is it ASCII
export const diskPath = (root, path) => (/^[\x00-\x7f]*$/.test(path) ? `${root}/${path}` : bytesPath(root, path));

/** @param {string} root @param {string} path */
const bytesPath = (root, path) => Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, 'latin1')]);

/** @param {string} path */
export const baseName = (path) => path.slice(path.lastIndexOf('/') + 1);

/** @param {string} path the empty string for what lies at the top */
export const folderOf = (path) => path.slice(0, Math.max(0, path.lastIndexOf('/')));
