/** Owns what a finding is. */

/**
 * `weight`: 0 to 100; `title` and `why` are Markdown; `plain` is the title for a terminal.
 * @typedef {{ weight: number, title: string, plain: string, why: string }} Finding
 */

/** @param {string} markdown as {@link createFinding} gets it: code spans and escapes */
const withoutMarks = (markdown) => markdown.replace(/(`+) ?(.*?) ?\1/g, '$2').replace(/\\([^\w\s])/g, '$1');

/** @param {number} weight @param {string} title @param {string} why @returns {Finding} */
export const createFinding = (weight, title, why) => ({ weight, title, plain: withoutMarks(title), why });
