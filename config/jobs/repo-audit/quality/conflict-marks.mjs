/** Owns how a merge that was never finished is recognized. */

const OURS = Buffer.from('<<<<<<< ');
const THEIRS = Buffer.from('>>>>>>> ');
const MIDDLE = Buffer.from('\n=======\n');
const LINE_FEED = 10;

/** @param {Buffer} bytes @param {Buffer} mark @param {number} from @returns {number} where it begins a line; -1: nowhere */
const lineStartOf = (bytes, mark, from) => {
  for (let at = bytes.indexOf(mark, from); at >= 0; at = bytes.indexOf(mark, at + 1)) {
    if (at === 0 || bytes[at - 1] === LINE_FEED) return at;
  }
  return -1;
};

/**
 * All three marks, each at the beginning of a line and in their order: one alone is a heading or a quotation.
 * @param {Buffer} bytes
 * @param {string} name documents about git show such marks
 */
export const isConflicted = (bytes, name) => {
  if (/\.(md|rst|txt|adoc|diff|patch|t|html)$/i.test(name)) return false;
  const ours = lineStartOf(bytes, OURS, 0);
  const middle = ours < 0 ? -1 : bytes.indexOf(MIDDLE, ours);
  return middle >= 0 && lineStartOf(bytes, THEIRS, middle) >= 0;
};
