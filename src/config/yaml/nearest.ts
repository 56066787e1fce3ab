/** Owns "did you mean": the known word nearest to one that is not known. Pure. */

/** Edits (insert, remove, replace, swap two neighbours) that lead from one word to the other. */
export const editDistance = (a: string, b: string): number => {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, at) => at)];
  const cost = (row: number, column: number): number => rows[row]?.[column] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = cost(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(Math.min(replaced, cost(i - 1, j) + 1, cost(i, j - 1) + 1, isSwap ? cost(i - 2, j - 2) + 1 : replaced));
    }
  }
  return cost(a.length, b.length);
};

const plain = (word: string): string => word.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');

const MAX_LENGTH = 64;

/** The known word that was probably meant: at most a third of its letters differ. */
export const nearest = (word: string, known: readonly string[]): string | undefined => {
  if (word.length > MAX_LENGTH) return undefined;
  const ranked = known
    .map((candidate) => ({ candidate, edits: editDistance(plain(word), plain(candidate)) }))
    .filter(({ candidate, edits }) => edits <= Math.max(1, Math.floor(plain(candidate).length / 3)))
    .sort((a, b) => a.edits - b.edits);
  return ranked[0]?.candidate;
};

/** ` did you mean "x"?`, or the known words where none is near; empty where there are none. */
export const suggestion = (word: string, known: readonly string[]): string => {
  const near = nearest(word, known);
  if (near !== undefined) return `did you mean "${near}"?`;
  return known.length === 0 ? '' : `known: ${known.join(', ')}`;
};
