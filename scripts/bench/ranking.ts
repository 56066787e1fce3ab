/** Owns how good a ranking is: recall@5 and MRR of ways to search, over questions each of which wants one document. */
import { SparseEncoder } from '../../src/memory/encode/sparse.ts';

export interface Document {
  readonly id: string;
  readonly text: string;
}

export interface Hit {
  readonly id: string;
  readonly score: number;
}

/** The ids, the best first; at most ten count. */
export type Search = (words: string) => readonly string[] | Promise<readonly string[]>;

export interface Quality {
  /** Share of the questions whose document is among the first five. */
  readonly recall: number;
  /** Mean of 1 ÷ its place; 0 beyond the tenth. */
  readonly mrr: number;
}

const FIRST = 5;
export const PLACES = 10;

export const qualityOf = async (
  search: Search,
  questions: readonly { readonly words: string; readonly wanted: string }[],
): Promise<Quality> => {
  let found = 0;
  let reciprocals = 0;
  for (const { words, wanted } of questions) {
    const place = (await search(words)).slice(0, PLACES).indexOf(wanted);
    if (place >= 0) reciprocals += 1 / (place + 1);
    if (place >= 0 && place < FIRST) found += 1;
  }
  return { recall: found / questions.length, mrr: reciprocals / questions.length };
};

interface Posting {
  readonly at: number;
  readonly value: number;
}

/** As Qdrant scores: the sum, over the tokens of the question, of what each says of the document times its IDF. */
export const sparseHits = (
  documents: readonly Document[],
  encoder: SparseEncoder,
): ((words: string) => readonly Hit[]) => {
  const postings = new Map<number, Posting[]>();
  let withVector = 0;
  for (const [at, { text }] of documents.entries()) {
    const { indices, values } = encoder.document(text);
    if (indices.length > 0) withVector += 1;
    for (const [n, hash] of indices.entries()) {
      const list = postings.get(hash);
      const posting = { at, value: values[n] ?? 0 };
      if (list === undefined) postings.set(hash, [posting]);
      else list.push(posting);
    }
  }
  return (words) => {
    const scores = new Map<number, number>();
    const { indices, values } = encoder.question(words);
    for (const [n, hash] of indices.entries()) {
      const list = postings.get(hash) ?? [];
      const idf = Math.log((withVector - list.length + 0.5) / (list.length + 0.5) + 1);
      for (const { at, value } of list) scores.set(at, (scores.get(at) ?? 0) + idf * value * (values[n] ?? 0));
    }
    return [...scores]
      .sort(([a, x], [b, y]) => y - x || a - b)
      .slice(0, PLACES)
      .map(([at, score]) => ({ id: documents[at]?.id ?? '', score }));
  };
};

export const sparseSearch = (documents: readonly Document[], encoder: SparseEncoder): Search => {
  const hits = sparseHits(documents, encoder);
  return (words) => hits(words).map(({ id }) => id);
};
