/** Owns delta debugging (Zeller and Hildebrandt, 2002): a smallest part of a list with which something still happens. */

/** @template T @param {readonly T[]} items @param {number} count @returns {T[][]} parts of about the same size */
const split = (items, count) => {
  const bounds = Array.from({ length: count + 1 }, (_, at) => Math.round((at * items.length) / count));
  return bounds.slice(1).map((end, at) => items.slice(bounds[at], end));
};

/**
 * A part from which no single item can be left out. What is not known to happen counts as not happening.
 * @template T
 * @param {readonly T[]} items with all of which it happens
 * @param {(part: readonly T[]) => Promise<boolean>} happens with a part of them, in their order
 * @param {() => boolean} mayGoOn false: the smallest part so far is enough
 * @returns {Promise<T[]>}
 */
export const ddmin = async (items, happens, mayGoOn) => {
  let smallest = [...items];
  for (let count = 2; smallest.length > 1 && mayGoOn();) {
    const parts = split(smallest, Math.min(count, smallest.length));
    const rests = parts.length === 2 ? [] : parts.map((part) => smallest.filter((item) => !part.includes(item)));
    /** @type {T[] | undefined} */
    let smaller;
    for (const candidate of [...parts, ...rests]) {
      if (!mayGoOn()) return smallest;
      if (!(await happens(candidate))) continue;
      smaller = candidate;
      break;
    }
    if (smaller !== undefined) {
      count = parts.includes(smaller) ? 2 : Math.max(count - 1, 2);
      smallest = smaller;
    } else if (count >= smallest.length) return smallest;
    else count = Math.min(2 * count, smallest.length);
  }
  return smallest;
};
